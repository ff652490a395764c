-- Mails on their way: written together with what causes them, and sent by whichever node is first.
create table mail (
  id              uuid primary key,
  kind            text not null check (kind ~ '^[a-z_]{1,40}$'),
  -- Whose mail it is, so that it goes with the account; null for somebody who has none.
  user_id         text references "user" (id) on delete cascade,
  -- Recipient, subject and text, encrypted: they may hold a link that opens an account. Gone as soon as it is sent or given up.
  sealed          bytea check (octet_length(sealed) <= 65536),
  attempts        integer not null default 0,
  -- Also the end of the sender's claim: one that died leaves the mail to the next.
  next_attempt_at timestamptz(3) not null default now(),
  give_up_at      timestamptz(3) not null,
  last_failure    text check (char_length(last_failure) <= 300),
  sent_at         timestamptz(3),
  given_up_at     timestamptz(3),
  created_at      timestamptz(3) not null default now(),
  constraint mail_ended check ((sealed is null) = (num_nonnulls(sent_at, given_up_at) = 1))
);
create index mail_due_idx on mail (next_attempt_at) where sealed is not null;
create index mail_ended_idx on mail (created_at) where sealed is null;
create index mail_user_id_idx on mail (user_id);
