-- Accounts: the time zone of a profile, when a session was last used and when it ends whatever happens, security events.
alter table "user" add column time_zone text check (char_length(time_zone) between 1 and 64);

-- Both are unknown to Better Auth's own reading of a session. No extension, by whatever way, gets beyond `ends_at`.
alter table session add column last_used_at timestamptz(3), add column ends_at timestamptz(3);
update session
set ends_at = created_at + interval '30 days', expires_at = least(expires_at, created_at + interval '30 days');

create function keep_session_within_its_end() returns trigger language plpgsql as $$
begin
  new.expires_at := least(new.expires_at, new.ends_at);
  return new;
end $$;
create trigger session_ends_in_time before insert or update of expires_at, ends_at on session
  for each row execute function keep_session_within_its_end();

-- What happened to an account, for its owner to read. Kinds are a closed list in the contract; no detail is a secret.
create table security_event (
  user_id    text not null references "user" (id) on delete cascade,
  id         bigint generated always as identity,
  kind       text not null check (char_length(kind) between 1 and 40),
  created_at timestamptz(3) not null default clock_timestamp(),
  address    text check (char_length(address) <= 64),
  user_agent text check (char_length(user_agent) <= 512),
  session_id text check (char_length(session_id) <= 64),
  details    jsonb not null default '{}' check (char_length(details::text) <= 1000),
  primary key (user_id, id)
);
-- Of each kind only the newest are kept, so that nobody can fill the table.
create index security_event_kind_idx on security_event (user_id, kind, id);
create index security_event_created_at_idx on security_event (created_at);
