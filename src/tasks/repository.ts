// The SQL of single tasks. Every statement names the user: what is not theirs is not there.

import { TRASH_DAYS } from '../../contract/limits.ts';
import type { Priority, Task } from '../../contract/task.ts';
import { MOST_AT_ONCE, type Owned, read, write, writeForEach } from '../database/statement.ts';
import { KEEP_NEW, NOTHING_KEPT } from '../http/idempotency.ts';
import { TASK_COLUMNS } from '../sync/task-columns.ts';
import { ADVANCING, followedBy, LOCKED, lockedIf } from '../sync/user-row.ts';

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

const columnsOf = (row: string) =>
  TASK_COLUMNS.split(', ')
    .map((column) => `${row}.${column}`)
    .join(', ');

/** What is written, for one user in each row. The limit tells the planner how few these are. */
function inputOf(columns: string): string {
  return `input as (select * from json_to_recordset($1) as input (user_id text, ${columns}) limit ${MOST_AT_ONCE})`;
}

/** For which answer is kept under which key. */
export interface KeyInput {
  key: string;
  /** Of the request, as `\x` and hexadecimal digits. */
  hash: string;
  /** Those that each such answer has. */
  headers: Record<string, string>;
}
const KEY = 'key text, hash bytea, headers jsonb';

const TIMES = new Set(['completed_at', 'created_at', 'updated_at']);

/** Of a row, the JSON text that a client is sent. */
function taskJson(row: string): string {
  const columns = TASK_COLUMNS.split(', ').map((column) =>
    TIMES.has(column)
      ? `to_char(${row}.${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`
      : `${row}.${column}`,
  );
  return `(select row_to_json(shown)::text from (select ${columns.join(', ')}) as shown)`;
}

/** A task's answer, as it is kept. */
export interface KeptTask extends Owned {
  rev: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * Parts of a statement that keep the answers about the tasks of `written` under the keys of `input`, and tell them.
 * @param headers more of them, as arguments of `jsonb_build_object`.
 */
function keptFor(written: string, status: number, headers: string): string {
  return `kept as (
     ${KEEP_NEW}
     select user_id, key, hash, ${status}, input.headers || jsonb_build_object(${headers}), ${taskJson(written)}
     from ${written} join input using (user_id)
     returning user_id, headers, body
   )
   select user_id, headers, body, rev from kept join ${written} using (user_id)`;
}
const etagOf = (row: string) => `'etag', '"' || ${row}.rev || '"'`;

export type NewTaskInput = Owned & Omit<TaskFields, 'completed_at'>;
const NEW = 'title text, description text, status boolean, category text, priority smallint, due_date date';

const made = `made as (
     insert into task
       (user_id, title, description, status, category, priority, due_date, completed_at, created_at, updated_at, rev, created_rev)
     select user_id, title, description, status, category, priority, due_date, case when status then now end, now, now, rev, rev
     from input join locked using (user_id)
     returning ${TASK_COLUMNS}
   ), ${followedBy('made', { wasThere: false })}`;

export const insertTask = writeForEach<NewTaskInput, Task>(
  'task_insert',
  `with ${inputOf(NEW)}, ${LOCKED}, ${made} select ${TASK_COLUMNS} from made`,
);

/** The same, with the answer kept under a key: nothing at all when there is one. */
export const insertTaskKept = writeForEach<
  NewTaskInput & KeyInput & { /** What its address begins with. */ tasks: string },
  KeptTask
>(
  'task_insert_kept',
  `with ${inputOf(`${NEW}, ${KEY}, tasks text`)}, ${lockedIf(NOTHING_KEPT)}, ${made},
   ${keptFor('made', 201, `${etagOf('made')}, 'location', tasks || made.id`)}`,
);

/** What is to be set of a live task; what can be cleared stands beside whether it is given. */
export interface TaskChangeInput extends Owned {
  id: string;
  /** ETags of which it must have one; null where none was asked for. */
  tags: readonly string[] | null;
  title: string | null;
  has_description: boolean;
  description: string | null;
  status: boolean | null;
  has_category: boolean;
  category: string | null;
  priority: Priority | null;
  has_due_date: boolean;
  due_date: string | null;
}
const CHANGE = `id bigint, tags text[], title text, has_description boolean, description text, status boolean,
   has_category boolean, category text, priority smallint, has_due_date boolean, due_date date`;

const CHANGED_FIELDS = ['title', 'description', 'status', 'category', 'priority', 'due_date'];
const fieldsOf = (row: string) => CHANGED_FIELDS.map((field) => `${row}.${field}`).join(', ');

/**
 * Sets what is given of live tasks, which are then in `changed`. Nothing is there, and nothing has happened, when there is no
 * such task, when it has none of the ETags, or when nothing would differ: which of these it is, `taskOrTrashed` tells under
 * the user's lock.
 *
 * The task may have changed between what the statement sees and its lock, and what was found is not what is there: so it is
 * changed only as long as it has the revision that was found.
 */
const changed = `wanted as (
     select input.user_id, task.id, task.rev as was_rev, task.status as was_status, task.priority as was_priority,
       coalesce(input.title, task.title) as title, case when has_description then input.description else task.description end as description,
       coalesce(input.status, task.status) as status, case when has_category then input.category else task.category end as category,
       coalesce(input.priority, task.priority) as priority, case when has_due_date then input.due_date else task.due_date end as due_date,
       locked.rev, locked.now
     from input join locked using (user_id) cross join lateral (
       select * from task where task.user_id = input.user_id and task.id = input.id and deleted_at is null offset 0
     ) as task
     where tags is null or '"' || task.rev || '"' = any (tags)
   ),
   changed as (
     update task set title = wanted.title, description = wanted.description, status = wanted.status, category = wanted.category,
       priority = wanted.priority, due_date = wanted.due_date, rev = wanted.rev, updated_at = wanted.now,
       completed_at = case when wanted.status = was_status then completed_at when wanted.status then wanted.now end
     from wanted
     where task.user_id = wanted.user_id and task.id = wanted.id and task.rev = was_rev
       and (${fieldsOf('task')}) is distinct from (${fieldsOf('wanted')})
     returning ${columnsOf('task')}, was_status, was_priority
   ), ${followedBy('changed', { wasThere: true })}`;

export const updateTask = writeForEach<TaskChangeInput, Task>(
  'task_update',
  `with ${inputOf(CHANGE)}, ${LOCKED}, ${changed} select ${TASK_COLUMNS} from changed`,
);

/** The same, with the answer kept under a key: nothing at all when there is one. */
export const updateTaskKept = writeForEach<TaskChangeInput & KeyInput, KeptTask>(
  'task_update_kept',
  `with ${inputOf(`${CHANGE}, ${KEY}`)}, ${lockedIf(NOTHING_KEPT)}, ${changed},
   ${keptFor('changed', 200, etagOf('changed'))}`,
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
