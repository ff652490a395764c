// The SQL of changes: what a user's tasks became after a revision, in the order of revisions.
import type { Task } from '../../contract/task.ts';
import { read } from '../database/statement.ts';
import { TASK_COLUMNS } from './task-columns.ts';

export interface ChangedTask extends Task {
  deleted_at: string | null;
  /** The revision at which the task came into being, and at which it last came out of the trash. */
  created_rev: number;
  restored_rev: number | null;
}

/**
 * $1 user id, $2 revision after which, $3 head: tombstones up to it are left out, since a client that starts from nothing
 * never had these tasks; $4 how many
 */
export const changesAfter = read<ChangedTask>(
  'changes_after',
  `select ${TASK_COLUMNS}, deleted_at, created_rev, restored_rev from task
   where user_id = $1 and rev > $2 and (deleted_at is null or rev > $3) order by rev limit $4`,
);
