-- Links in e-mails. Of each kind an account has one: a new request takes the place of the link before.
create table mailed_link (
  user_id      text not null references "user" (id) on delete cascade,
  purpose      text not null check (purpose in ('reset_password', 'verify_email', 'approve_email_change', 'change_email')),
  -- SHA-256 of what the link carries: who reads the table cannot use it.
  token_hash   bytea not null constraint mailed_link_token_hash_key unique check (octet_length(token_hash) = 32),
  -- The address that was written to; for a change, the new one.
  email        text not null check (char_length(email) between 3 and 200 and email = lower(email)),
  requested_at timestamptz(3) not null,
  expires_at   timestamptz(3) not null,
  primary key (user_id, purpose)
);
create index mailed_link_expires_at_idx on mailed_link (expires_at);

-- Whoever changes the password, and by whatever way: links that could change it again or move the account are dead.
create function end_links_of_password() returns trigger language plpgsql as $$
begin
  delete from mailed_link where user_id = new.user_id and purpose <> 'verify_email';
  return null;
end $$;
create trigger password_ends_links after insert on account
  for each row when (new.password_hash is not null) execute function end_links_of_password();
create trigger password_change_ends_links after update of password_hash on account
  for each row when (old.password_hash is distinct from new.password_hash) execute function end_links_of_password();

-- A link that was sent to an address that is no longer the account's is dead.
create function end_links_of_email() returns trigger language plpgsql as $$
begin
  delete from mailed_link where user_id = new.id;
  return null;
end $$;
create trigger email_change_ends_links after update of email on "user"
  for each row when (old.email <> new.email) execute function end_links_of_email();
