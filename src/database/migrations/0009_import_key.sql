-- What an imported task was made from, so that the same file makes it once.
alter table task add column import_key bytea constraint task_import_key_length check (octet_length(import_key) = 16);
create unique index task_import_key_idx on task (user_id, import_key) where import_key is not null;
