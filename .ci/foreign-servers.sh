# Foreign servers for the tests that want them; to be sourced: `source .ci/foreign-servers.sh`.
#
# Installs PostgreSQL 15, PgBouncer and Redis with apt-get where they are missing, starts private instances on free
# loopback ports, exports TEST_FOREIGN_DATABASE_URL (TLS with a certificate of its own, in NODE_EXTRA_CA_CERTS),
# TEST_PGBOUNCER_URL (transaction mode, in front of it) and TEST_REDIS_URL, and stops exactly these when the shell
# exits. Where something cannot be had it says so and exports nothing: the tests then say that they are skipped.

foreign_directory=""
foreign_pids=()

foreign_stop() {
  local pid
  # PostgreSQL ends at once on INT (on TERM it waits for its clients), PgBouncer on TERM.
  for pid in "${foreign_pids[@]}"; do kill -INT "$pid" 2>/dev/null && kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${foreign_pids[@]}"; do
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
  done
  if [ -n "$foreign_directory" ]; then rm -rf "$foreign_directory"; fi
}

# A command line and not a function: in the background its process must be the server itself.
foreign_as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)

foreign_free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null ||
    node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

foreign_install() {
  local missing=()
  [ -x /usr/lib/postgresql/15/bin/postgres ] || missing+=(postgresql-15)
  command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || missing+=(pgbouncer)
  command -v openssl >/dev/null || missing+=(openssl)
  command -v redis-server >/dev/null || missing+=(redis-server)
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    # The package would make a server of its own and start it.
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  fi
  local get=(timeout 240 apt-get -qq -o Acquire::Retries=2 -o DPkg::Lock::Timeout=60 -o Dpkg::Options::=--force-confold)
  {
    DEBIAN_FRONTEND=noninteractive "${get[@]}" install -y --no-install-recommends "${missing[@]}" ||
      { "${get[@]}" update && DEBIAN_FRONTEND=noninteractive "${get[@]}" install -y --no-install-recommends "${missing[@]}"; }
  } >"$foreign_directory/apt.log" 2>&1 || {
    tail -n 3 "$foreign_directory/apt.log" >&2
    return 1
  }
  # Their services are not wanted here, only the programs.
  local service
  for service in pgbouncer redis-server; do
    if [[ " ${missing[*]} " == *" $service "* ]] && [ -d /run/systemd/system ]; then
      systemctl disable --now --quiet "$service" || true
    fi
  done
}

foreign_wait() {
  for _ in $(seq 150); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  return 1
}

foreign_postgres() {
  local port=$1 password=$2 bin=/usr/lib/postgresql/15/bin data="$foreign_directory/postgres"
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$foreign_directory/server.key" -out "$foreign_directory/server.crt" 2>/dev/null || return 1
  printf '%s' "$password" >"$foreign_directory/password"
  chown -R nobody:nogroup "$foreign_directory"
  chmod 600 "$foreign_directory/server.key" "$foreign_directory/password"
  "${foreign_as[@]}" "$bin/initdb" -D "$data" -U donewell --pwfile="$foreign_directory/password" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$foreign_directory/initdb.log" 2>&1 || return 1
  # Over the network only with TLS.
  printf 'local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n' >"$data/pg_hba.conf"
  "${foreign_as[@]}" "$bin/postgres" -D "$data" -c listen_addresses=127.0.0.1 -c port="$port" -c max_connections=200 \
    -c unix_socket_directories="$foreign_directory" -c fsync=off -c ssl=on -c ssl_cert_file="$foreign_directory/server.crt" \
    -c ssl_key_file="$foreign_directory/server.key" >"$foreign_directory/postgres.log" 2>&1 &
  foreign_pids+=($!)
  disown
  foreign_wait "$bin/pg_isready" -h "$foreign_directory" -p "$port"
}

foreign_pgbouncer() {
  local port=$1 target=$2 password=$3 file="$foreign_directory/pgbouncer.ini"
  cat >"$file" <<INI
[databases]
* = host=127.0.0.1 port=$target
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = plain
auth_file = $foreign_directory/users.txt
pool_mode = transaction
server_tls_sslmode = require
default_pool_size = 20
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
INI
  printf '"donewell" "%s"\n' "$password" >"$foreign_directory/users.txt"
  chown nobody:nogroup "$file" "$foreign_directory/users.txt"
  chmod 600 "$foreign_directory/users.txt"
  "${foreign_as[@]}" "$(PATH=$PATH:/usr/sbin command -v pgbouncer)" "$file" >"$foreign_directory/pgbouncer.log" 2>&1 &
  foreign_pids+=($!)
  disown
  foreign_wait bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
}

foreign_redis() {
  local port=$1 password=$2
  "${foreign_as[@]}" "$(command -v redis-server)" --bind 127.0.0.1 --port "$port" --requirepass "$password" \
    --save '' --appendonly no --dir "$foreign_directory" >"$foreign_directory/redis.log" 2>&1 &
  foreign_pids+=($!)
  disown
  foreign_wait bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
}

foreign_start() {
  foreign_directory=$(mktemp -d /tmp/donewell-foreign-XXXXXX)
  trap foreign_stop EXIT
  chmod 711 "$foreign_directory"
  if ! foreign_install; then
    echo 'Foreign servers cannot be installed: the tests on them are skipped.' >&2
    return 0
  fi
  local port bouncer_port redis_port password
  password=$(head -c 18 /dev/urandom | base64 | tr '+/' 'ab')
  redis_port=$(foreign_free_port)
  if foreign_redis "$redis_port" "$password"; then
    export TEST_REDIS_URL="redis://:$password@127.0.0.1:$redis_port"
  else
    echo 'Redis does not start: the tests on it are skipped.' >&2
    tail -n 3 "$foreign_directory/redis.log" >&2 || true
  fi
  port=$(foreign_free_port)
  if ! foreign_postgres "$port" "$password"; then
    echo 'PostgreSQL 15 does not start: the tests on it are skipped.' >&2
    tail -n 3 "$foreign_directory"/*.log >&2 || true
    return 0
  fi
  export NODE_EXTRA_CA_CERTS="$foreign_directory/server.crt"
  export TEST_FOREIGN_DATABASE_URL="postgres://donewell:$password@localhost:$port/postgres?sslmode=verify-full"
  bouncer_port=$(foreign_free_port)
  if ! foreign_pgbouncer "$bouncer_port" "$port" "$password"; then
    echo 'PgBouncer does not start: the tests on it are skipped.' >&2
    tail -n 3 "$foreign_directory/pgbouncer.log" >&2 || true
    return 0
  fi
  export TEST_PGBOUNCER_URL="postgres://donewell:$password@127.0.0.1:$bouncer_port/postgres"
}

foreign_start
