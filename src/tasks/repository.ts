// The SQL of single tasks. Every statement names the user: what is not theirs is not there.

import { TRASH_DAYS } from '../../contract/limits.ts';
import type { Priority, Task } from '../../contract/task.ts';
import { read, write } from '../database/statement.ts';
import { KEEP_NEW, nothingKept } from '../http/idempotency.ts';
import { TASK_COLUMNS } from '../sync/task-columns.ts';
import { ADVANCED, ADVANCING, advancedIf, FOLLOWED, LOCKED } from '../sync/user-row.ts';

export interface StoredTask extends Task {
  deleted_at: string | null;
}

/** A task's own fields, as they are stored. */
export interface TaskFields {
  title: string;
  description: string | null;
  status: boolean;
  category: string | null;
  priority: Priority;
  due_date: string | null;
  completed_at: string | null;
}

/** $1 user id, $2 task id */
export const taskById = read<Task>(
  'task_by_id',
  `select ${TASK_COLUMNS} from task where user_id = $1 and id = $2 and deleted_at is null`,
);

/** $1 user id, $2 task id. Also one in the trash, as long as it can be restored. */
export const taskOrTrashed = read<StoredTask>(
  'task_or_trashed',
  `select ${TASK_COLUMNS}, deleted_at from task
   where user_id = $1 and id = $2 and purged_at is null
     and (deleted_at is null or deleted_at > now() - interval '${TRASH_DAYS} days')`,
);

const INSERT = `insert into task
     (user_id, title, description, status, category, priority, due_date, completed_at, created_at, updated_at, rev, created_rev)
   select $1, $8, $9, $10, $11, $12, $13, case when $10 then now end, now, now, rev, rev from advanced
   returning ${TASK_COLUMNS}`;

/** $1 user id, $2 to $7 counts, see `ADVANCED`; $8 title, $9 description, $10 status, $11 category, $12 priority, $13 due date */
export const insertTask = write<Task>('task_insert', `with ${ADVANCED} ${INSERT}`);

const TIMES = new Set(['completed_at', 'created_at', 'updated_at']);
const wireTime = (column: string) =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`;

/** Of a row of `from`, the JSON text that a client is sent. */
function taskJson(from: string): string {
  const columns = TASK_COLUMNS.split(', ').map((column) => (TIMES.has(column) ? wireTime(column) : column));
  return `(select row_to_json(shown)::text from (select ${columns.join(', ')} from ${from}) as shown)`;
}

/** A task's answer, as it is kept. */
export interface KeptTask {
  rev: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * The same, with the answer kept under a key: nothing at all when there is one. $14 key, $15 hash of the request, $16 headers
 * that each such answer has, $17 what its `Location` begins with
 */
export const insertTaskKept = write<KeptTask>(
  'task_insert_kept',
  `with ${advancedIf(nothingKept('$1', '$14'))}, made as (${INSERT})
   ${KEEP_NEW}
   select $1, $14, $15, 201, $16::jsonb || jsonb_build_object('etag', '"' || rev || '"', 'location', $17::text || id), ${taskJson('made')}
   from made
   returning headers, body, (select rev from made) as rev`,
);

const CHANGED_FIELDS = ['title', 'description', 'status', 'category', 'priority', 'due_date'];
const fieldsOf = (row: string) => CHANGED_FIELDS.map((field) => `${row}.${field}`).join(', ');

/**
 * Sets what is given of a live task, which is then in `changed`. Nothing is there, and nothing has happened, when there is no
 * such task, when it has none of the ETags, or when nothing would differ: which of these it is, `taskOrTrashed` tells under
 * the user's lock.
 * $1 user id, $2 task id, $3 ETags of which it must have one, $4 title, $5 whether there is a description and $6 which, $7 status,
 * $8 whether there is a category and $9 which, $10 priority, $11 whether there is a due date and $12 which.
 *
 * The task may have changed while this waited for the lock, and what was found then is not what is there: so it is
 * changed only as long as it has the revision that was found.
 * @param condition without which nothing happens at all.
 */
const changedIf = (condition: string) => `${LOCKED},
   wanted as (
     select task.id, task.rev as was_rev, task.status as was_status, task.priority as was_priority,
       coalesce($4, title) as title, case when $5 then $6 else description end as description, coalesce($7, status) as status,
       case when $8 then $9 else category end as category, coalesce($10, priority) as priority,
       case when $11 then $12 else due_date end as due_date, locked.rev, locked.now
     from locked, task
     where user_id = $1 and id = $2 and deleted_at is null and ($3::text[] is null or '"' || task.rev || '"' = any ($3))
       and ${condition}
   ),
   changed as (
     update task set title = wanted.title, description = wanted.description, status = wanted.status, category = wanted.category,
       priority = wanted.priority, due_date = wanted.due_date, rev = wanted.rev, updated_at = wanted.now,
       completed_at = case when wanted.status = was_status then completed_at when wanted.status then wanted.now end
     from wanted
     where task.user_id = $1 and task.id = wanted.id and task.rev = was_rev
       and (${fieldsOf('task')}) is distinct from (${fieldsOf('wanted')})
     returning ${TASK_COLUMNS.split(', ')
       .map((column) => `task.${column}`)
       .join(', ')}, was_status, was_priority
   ),
   ${FOLLOWED}`;

/** $1 to $12 see `changedIf` */
export const updateTask = write<Task>(
  'task_update',
  `with ${changedIf('true')} select ${TASK_COLUMNS} from changed`,
);

/**
 * The same, with the answer kept under a key: nothing at all when there is one. $13 key, $14 hash of the request, $15 headers
 * that each such answer has
 */
export const updateTaskKept = write<KeptTask>(
  'task_update_kept',
  `with ${changedIf(nothingKept('$1', '$13'))}
   ${KEEP_NEW}
   select $1, $13, $14, 200, $15::jsonb || jsonb_build_object('etag', '"' || rev || '"'), ${taskJson('changed')}
   from changed
   returning headers, body, (select rev from changed) as rev`,
);

/** $1 to $9 see `ADVANCING`; $10 task id */
export const trashTask = write(
  'task_trash',
  `with ${ADVANCING} update task set deleted_at = $3, updated_at = $3, rev = $2 where user_id = $1 and id = $10`,
);

/** $1 to $9 see `ADVANCING`; $10 task id */
export const restoreTask = write(
  'task_restore',
  `with ${ADVANCING}
   update task set deleted_at = null, updated_at = $3, rev = $2, restored_rev = $2 where user_id = $1 and id = $10`,
);

/** $1 to $9 see `ADVANCING`; $10 task id. The text goes; the tombstone that sync needs stays. */
export const purgeTask = write(
  'task_purge',
  `with ${ADVANCING}
   update task set title = '', description = null, category = null, due_date = null, deleted_at = coalesce(deleted_at, $3), purged_at = $3,
     import_key = null, updated_at = $3, rev = $2
   where user_id = $1 and id = $10`,
);
