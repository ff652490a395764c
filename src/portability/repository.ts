// The SQL of export and import. Every statement names the user.
import { TRASH_DAYS } from '../../contract/limits.ts';
import type { ExportedTask } from '../../contract/portability.ts';
import { read, write } from '../database/statement.ts';

/** $1 user id, $2 the last id of the page before, $3 how many */
export const tasksToExport = read<Omit<ExportedTask, 'type'>>(
  'export_tasks',
  `select id, title, description, status, category, priority, due_date, completed_at, created_at, updated_at, rev, deleted_at
   from task
   where user_id = $1 and id > $2 and purged_at is null
     and (deleted_at is null or deleted_at > now() - interval '${TRASH_DAYS} days')
   order by id limit $3`,
);

/** $1 user id, $2 keys. What has been deleted for good has none any more. */
export const keysThere = read<{ key: string }>(
  'import_keys_there',
  `select '\\x' || encode(import_key, 'hex') as key from task
   where user_id = $1 and import_key = any($2::bytea[]) and import_key is not null`,
);

/** $1 user id, $2 task ids */
export const tasksThere = read<{ id: number; created_at: string }>(
  'import_tasks_there',
  'select id, created_at from task where user_id = $1 and id = any($2::bigint[]) and purged_at is null',
);

/** $1 user id, $2 how far to count: whatever lies on the disk, tombstones as well */
export const countRows = read<{ rows: number }>(
  'import_count_rows',
  'select count(*)::integer as rows from (select from task where user_id = $1 limit $2::integer) counted',
);

/** $1 user id */
export const lastChange = read<{ changed_at: string | null }>(
  'import_last_change',
  'select changed_at from user_sync where user_id = $1',
);

/**
 * $1 user id, $2 rows as a JSON array, $3 their revisions, $4 when each last changed, $5 now. Ids are given in the order of
 * the rows; what the file dates into the future happened now.
 */
export const insertImported = write(
  'import_insert',
  `insert into task (user_id, title, description, status, category, priority, due_date, completed_at, created_at, updated_at,
                     deleted_at, rev, created_rev, import_key)
   select $1, t.title, t.description, t.status, t.category, t.priority, t.due_date,
          case when t.status then least(coalesce(t.completed_at, $5::timestamptz), $5::timestamptz) end,
          least(coalesce(t.created_at, $5::timestamptz), $5::timestamptz), t.updated_at,
          case when t.deleted_at is not null then least(t.deleted_at, $5::timestamptz) end, t.rev, t.rev, t.key::bytea
   from rows from (
     json_to_recordset($2::json) as (
       title text, description text, status boolean, category text, priority smallint, due_date date,
       completed_at timestamptz, created_at timestamptz, deleted_at timestamptz, key text),
     unnest($3::bigint[]),
     unnest($4::timestamptz[])
   ) with ordinality
     as t(title, description, status, category, priority, due_date, completed_at, created_at, deleted_at, key, rev, updated_at, n)
   order by t.n`,
);
