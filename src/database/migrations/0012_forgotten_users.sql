-- What is a user's without a reference that could cascade: sign-ins on their way, counters of requests, the e-mail of an invitation.
create function forget_user() returns trigger language plpgsql as $$
begin
  delete from verification where value = old.id or strpos(value, to_json(old.id)::text) > 0;
  delete from rate_limit where right(key, char_length(old.id) + 1) = ':' || old.id;
  update invitation set email = null where used_by = old.id;
  return old;
end $$;
create trigger user_is_forgotten before delete on "user"
  for each row execute function forget_user();
