-- API tokens: what a program signs in with. Only the hash is kept.
create table api_token (
  user_id      text not null references "user" (id) on delete cascade,
  id           text not null constraint api_token_id_key unique check (char_length(id) = 36),
  token_hash   bytea not null constraint api_token_hash_key unique check (octet_length(token_hash) = 32),
  hint         text not null check (char_length(hint) between 1 and 16),
  name         text not null check (char_length(name) between 1 and 100),
  scopes       text[] not null check (cardinality(scopes) > 0 and scopes <@ array['tasks:read', 'tasks:write', 'account:read']),
  created_at   timestamptz(3) not null default now(),
  expires_at   timestamptz(3) not null,
  last_used_at timestamptz(3),
  primary key (user_id, id)
);
create index api_token_expires_at_idx on api_token (expires_at);

-- As with sessions: whoever ends a token, and by whatever way, its sockets on every node hear of it.
create trigger api_token_end_is_announced after delete on api_token for each row execute function announce_session_end();

-- The tokens of a disabled account are refused, and stay for the day that it is enabled again; their sockets close now.
create function announce_disabled_user() returns trigger language plpgsql as $$
begin
  perform pg_notify('donewell_session_ends', id) from api_token where user_id = new.id and expires_at > now();
  return null;
end $$;
create trigger user_disabling_is_announced after update of disabled_at on "user"
  for each row when (old.disabled_at is null and new.disabled_at is not null) execute function announce_disabled_user();
