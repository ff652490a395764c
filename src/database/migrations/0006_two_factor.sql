-- The second factor: one secret and a set of recovery codes for each account that wants it.
alter table "user" add column two_factor_enabled boolean not null default false;

create table two_factor (
  id           text primary key check (char_length(id) between 1 and 64),
  user_id      text not null constraint two_factor_user_key unique references "user" (id) on delete cascade,
  -- Encrypted with the server's secret; of recovery codes there are keyed hashes alone, as a JSON list.
  secret       text not null check (char_length(secret) between 1 and 1000),
  backup_codes text not null check (char_length(backup_codes) between 2 and 2000),
  -- False until the first right code.
  verified     boolean not null default false,
  -- The 30-second step of the last code that was taken: it and those before it are never taken again.
  last_step    bigint check (last_step >= 0),
  -- Better Auth's own counters. Ours count instead.
  failed_verification_count integer not null default 0,
  locked_until timestamptz(3)
);

-- The flag and the factor are switched by one statement, whoever switches: nobody can be asked for a code that does not
-- exist, and nobody keeps a factor that is no longer asked for.
create function switch_two_factor() returns trigger language plpgsql as $$
begin
  if new.two_factor_enabled then
    update two_factor set verified = true where user_id = new.id;
    if not found then
      raise exception 'There is no second factor to turn on.';
    end if;
  else
    delete from two_factor where user_id = new.id;
  end if;
  return null;
end $$;
create trigger user_switches_two_factor after update of two_factor_enabled on "user"
  for each row when (old.two_factor_enabled is distinct from new.two_factor_enabled)
  execute function switch_two_factor();
