-- Passkeys: public keys of devices by which an account is signed in to without a password.
create table passkey (
  id            text primary key check (char_length(id) between 1 and 64),
  user_id       text not null references "user" (id) on delete cascade,
  name          text check (char_length(name) between 1 and 100),
  public_key    text not null,
  credential_id text not null constraint passkey_credential_key unique check (char_length(credential_id) between 1 and 1400),
  -- How often the device says that it was used; many say 0 always.
  counter       bigint not null check (counter between 0 and 4294967295),
  device_type   text not null check (device_type in ('singleDevice', 'multiDevice')),
  backed_up     boolean not null,
  transports    text check (char_length(transports) <= 100),
  aaguid        text check (char_length(aaguid) <= 64),
  created_at    timestamptz(3) not null default now()
);
create index passkey_user_id_idx on passkey (user_id);
