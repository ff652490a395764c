-- The last way in to an account (a password, another service, a passkey) is never taken away, however many are at once.
create function keep_a_way_in() returns trigger language plpgsql as $$
begin
  -- Whoever takes away another one waits here; where the account itself goes there is no row any more.
  perform from "user" where id = old.user_id for no key update;
  if found
    and not exists (select from account where user_id = old.user_id
                    and (provider_id <> 'credential' or password_hash is not null))
    and not exists (select from passkey where user_id = old.user_id)
  then
    raise exception 'It is the last way in.' using errcode = 'DW003';
  end if;
  return null;
end $$;
create trigger account_is_not_the_last_way_in after delete on account
  for each row execute function keep_a_way_in();
create trigger passkey_is_not_the_last_way_in after delete on passkey
  for each row execute function keep_a_way_in();
