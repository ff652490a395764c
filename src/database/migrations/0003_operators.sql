-- Sign-up by invitation, and accounts that an operator has closed.
alter table "user" add column disabled_at timestamptz(3);

create table invitation (
  id         text primary key check (char_length(id) between 1 and 36),
  -- SHA-256 of what the link carries: who reads the table cannot use it.
  token_hash bytea not null constraint invitation_token_hash_key unique check (octet_length(token_hash) = 32),
  -- Whom it is for; anybody who has the link if null.
  email      text check (char_length(email) between 3 and 200 and email = lower(email)),
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null,
  used_at    timestamptz(3),
  used_by    text references "user" (id) on delete set null
);
create index invitation_email_idx on invitation (email) where used_at is null;
create index invitation_used_by_idx on invitation (used_by);

-- By which invitation an account came into being.
alter table "user" add column invitation_id text references invitation (id) on delete set null;
create index user_invitation_id_idx on "user" (invitation_id);

-- However many sign up with one invitation at once, one gets it.
create function take_invitation() returns trigger language plpgsql as $$
begin
  update invitation set used_at = now(), used_by = new.id
  where id = new.invitation_id and used_at is null and expires_at > now() and (email is null or email = new.email);
  if not found then
    raise exception 'The invitation cannot be used.' using errcode = 'DW001';
  end if;
  return null;
end $$;
create trigger user_takes_invitation after insert on "user"
  for each row when (new.invitation_id is not null) execute function take_invitation();

-- The lock on the user's row makes a sign-in and an operator who closes the account follow one another.
create function refuse_session_of_disabled_user() returns trigger language plpgsql as $$
begin
  perform from "user" where id = new.user_id and disabled_at is null for key share;
  if not found and exists (select from "user" where id = new.user_id) then
    raise exception 'The account is disabled.' using errcode = 'DW002';
  end if;
  return new;
end $$;
create trigger session_needs_enabled_user before insert on session
  for each row execute function refuse_session_of_disabled_user();
