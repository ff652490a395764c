-- Accounts and sessions (the tables of Better Auth, with limits), tasks, and each user's revision and counters.
-- Both extensions come with PostgreSQL and are trusted: the owner of the database may create them.
create extension if not exists pg_trgm;
create extension if not exists btree_gin;

create table "user" (
  id             text primary key check (char_length(id) between 1 and 36),
  name           text not null check (char_length(name) between 1 and 100),
  email          text not null constraint user_email_key unique
                 check (char_length(email) between 3 and 200 and email = lower(email)),
  email_verified boolean not null default false,
  image          text check (char_length(image) <= 500 and image like 'https://%'),
  created_at     timestamptz(3) not null default now(),
  updated_at     timestamptz(3) not null default now()
);

create table session (
  id         text primary key check (char_length(id) between 1 and 64),
  token      text not null constraint session_token_key unique check (char_length(token) between 32 and 128),
  user_id    text not null references "user" (id) on delete cascade,
  expires_at timestamptz(3) not null,
  ip_address text check (char_length(ip_address) <= 64),
  user_agent text check (char_length(user_agent) <= 512),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);
create index session_user_id_idx on session (user_id);
create index session_expires_at_idx on session (expires_at);

-- Whoever ends a session, and by whatever way, its sockets on every node hear of it.
create function announce_session_end() returns trigger language plpgsql as $$
begin
  if old.expires_at > now() then
    perform pg_notify('donewell_session_ends', old.id);
  end if;
  return null;
end $$;
create trigger session_end_is_announced after delete on session for each row execute function announce_session_end();

-- One row for each way to sign in. The password's hash lives here, once: in the row whose provider is "credential".
create table account (
  id                       text primary key check (char_length(id) between 1 and 64),
  account_id               text not null,
  provider_id              text not null,
  user_id                  text not null references "user" (id) on delete cascade,
  access_token             text,
  refresh_token            text,
  id_token                 text,
  access_token_expires_at  timestamptz(3),
  refresh_token_expires_at timestamptz(3),
  scope                    text,
  password_hash            text check (char_length(password_hash) <= 200),
  created_at               timestamptz(3) not null default now(),
  updated_at               timestamptz(3) not null default now(),
  constraint account_provider_key unique (provider_id, account_id)
);
create index account_user_id_idx on account (user_id);

create table verification (
  id         text primary key check (char_length(id) between 1 and 64),
  identifier text not null,
  value      text not null,
  expires_at timestamptz(3) not null,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);
create index verification_identifier_idx on verification (identifier);
create index verification_expires_at_idx on verification (expires_at);

-- Addresses from which an account has been signed in to: they stay open when an attacker uses up the e-mail's attempts.
create table sign_in_address (
  user_id      text not null references "user" (id) on delete cascade,
  address      text not null check (char_length(address) <= 64),
  last_used_at timestamptz(3) not null default now(),
  primary key (user_id, address)
);

-- One row for each user, locked first by every write: the revision and the counters that make dashboards exact.
-- Only the primary key is indexed and half of each page is free, so that its updates stay heap-only.
create table user_sync (
  user_id          text primary key references "user" (id) on delete cascade,
  epoch            integer not null default 1,
  rev              bigint not null default 0,
  floor_rev        bigint not null default 0,
  changed_at       timestamptz(3),
  low_total        integer not null default 0,
  low_completed    integer not null default 0,
  medium_total     integer not null default 0,
  medium_completed integer not null default 0,
  high_total       integer not null default 0,
  high_completed   integer not null default 0,
  check (rev >= 0 and floor_rev between 0 and rev),
  check (low_completed between 0 and low_total),
  check (medium_completed between 0 and medium_total),
  check (high_completed between 0 and high_total)
) with (fillfactor = 50);

create function create_user_sync() returns trigger language plpgsql as $$
begin
  insert into user_sync (user_id) values (new.id);
  return null;
end $$;
create trigger user_gets_sync_row after insert on "user" for each row execute function create_user_sync();

create table task (
  user_id      text not null references "user" (id) on delete cascade,
  id           bigint generated always as identity,
  title        text not null,
  description  text check (char_length(description) between 1 and 1000),
  status       boolean not null default false,
  category     text check (char_length(category) between 1 and 100),
  priority     smallint not null default 2 check (priority between 1 and 3),
  due_date     date,
  completed_at timestamptz(3),
  created_at   timestamptz(3) not null,
  updated_at   timestamptz(3) not null,
  rev          bigint not null check (rev > 0),
  -- The revisions at which the task came into being and last came out of the trash: they name the events.
  created_rev  bigint not null check (created_rev between 1 and rev),
  restored_rev bigint check (restored_rev between created_rev and rev),
  deleted_at   timestamptz(3),
  -- When the text of a deleted task was blanked for good; what remains is the tombstone that sync needs.
  purged_at    timestamptz(3),
  primary key (user_id, id),
  constraint task_title_length check (char_length(title) between 1 and 200 or (purged_at is not null and title = '')),
  constraint task_completed_at check (status = (completed_at is not null)),
  constraint task_purged check (purged_at is null or deleted_at is not null)
);

-- Sync and "last changed first": a revision belongs to one task.
create unique index task_rev_idx on task (user_id, rev);
-- The listing's orders and filters; each is read forwards or backwards.
create index task_created_idx on task (user_id, created_at, id) where deleted_at is null;
create index task_status_idx on task (user_id, status, created_at, id) where deleted_at is null;
create index task_priority_idx on task (user_id, priority, created_at, id) where deleted_at is null;
create index task_category_idx on task (user_id, category, created_at, id) where deleted_at is null;
create index task_title_idx on task (user_id, (title collate "und-x-icu"), id) where deleted_at is null;
-- Tasks without a date come last in both directions.
create index task_due_soonest_idx on task (user_id, (coalesce(due_date, 'infinity'::date)), id) where deleted_at is null;
create index task_due_latest_idx on task (user_id, (coalesce(due_date, '-infinity'::date)), id) where deleted_at is null;
create index task_completed_idx on task (user_id, completed_at) where deleted_at is null and completed_at is not null;
create index task_trash_idx on task (user_id, created_at, id) where deleted_at is not null and purged_at is null;
-- What retention looks for: text to be blanked, tombstones to be deleted.
create index task_blank_idx on task (deleted_at) where deleted_at is not null and purged_at is null;
create index task_tombstone_idx on task (updated_at) where purged_at is not null;
-- Search: each word, in any case, anywhere in title or description.
create index task_search_idx on task
  using gin (user_id, (replace(upper(lower((title || E'\n' || coalesce(description, '')) collate "und-x-icu")), 'Σ', 'σ')) gin_trgm_ops)
  where deleted_at is null;

-- Of partial indexes the planner uses no statistics, so what is filtered by expressions has its own.
create statistics task_due_soonest_stats on (coalesce(due_date, 'infinity'::date)) from task;
create statistics task_due_latest_stats on (coalesce(due_date, '-infinity'::date)) from task;
create statistics task_search_stats
  on (replace(upper(lower((title || E'\n' || coalesce(description, '')) collate "und-x-icu")), 'Σ', 'σ')) from task;

-- The first answer to each write that carried an Idempotency-Key.
create table idempotency_key (
  user_id      text not null references "user" (id) on delete cascade,
  key          text not null check (char_length(key) between 1 and 255),
  request_hash bytea not null,
  status       smallint not null,
  headers      jsonb not null,
  body         text not null,
  created_at   timestamptz(3) not null default now(),
  primary key (user_id, key)
);
create index idempotency_key_created_at_idx on idempotency_key (created_at);

-- Counters of the rate limits: not worth a write-ahead log.
create unlogged table rate_limit (
  key    varchar(255) primary key,
  points integer not null default 0,
  expire bigint
) with (fillfactor = 50);
