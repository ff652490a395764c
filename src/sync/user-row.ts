// Each user's one row: locked first by every write, it holds the revision and the counters of that user's tasks.
import type { Stats } from '../../contract/dashboard.ts';
import type { Priority } from '../../contract/task.ts';
import { read, write } from '../database/statement.ts';

export interface UserRow {
  epoch: number;
  rev: number;
  floor_rev: number;
  /** When the tasks last changed; sign-up time if never. */
  updated_at: string;
  low_total: number;
  low_completed: number;
  medium_total: number;
  medium_completed: number;
  high_total: number;
  high_completed: number;
}

/** Each priority's total and completed tasks, in the order of the priorities. */
const COUNTERS = [
  'low_total',
  'low_completed',
  'medium_total',
  'medium_completed',
  'high_total',
  'high_completed',
];

/** Now, but never before the user's last change: the order of times is the order of revisions. */
const NOW = "greatest(date_trunc('milliseconds', clock_timestamp()), changed_at)";

/** The counters, changed by the parameters from `$first` on. */
function counted(first: number): string {
  return COUNTERS.map((column, index) => `${column} = ${column} + $${first + index}`).join(', ');
}

/** $1 user id */
export const userRow = read<UserRow>(
  'user_row',
  `select s.epoch, s.rev, s.floor_rev, coalesce(s.changed_at, u.created_at) as updated_at, ${COUNTERS.join(', ')}
   from user_sync s join "user" u on u.id = s.user_id where s.user_id = $1`,
);

/** $1 user id */
export const lockUserRow = write<{ rev: number; now: string }>(
  'user_row_lock',
  `select rev, ${NOW} as now from user_sync where user_id = $1 for no key update`,
);

const ADVANCE = `update user_sync set rev = $2, changed_at = $3, ${counted(4)} where user_id = $1`;

/** $1 user id, $2 new revision, $3 time, then for each priority the changes of total and completed. */
export const advanceUserRow = write('user_row_advance', ADVANCE);

/** Part of a statement that changes one task under the lock, and takes the same as `advanceUserRow` before its own values. */
export const ADVANCING = `advanced as (${ADVANCE})`;

/**
 * Part of a statement that writes one task for each of several users, given by `input`: the user's row locked, with the revision and
 * the time that come next. Users whose row another node has locked are passed over, so that nobody waits for others. Each is looked
 * up by itself (`lateral`), whatever the planner thinks of how many there are.
 * @param condition without which nothing happens for a user.
 */
export function lockedIf(condition: string): string {
  return `locked as (
     select user_id, taken.rev, taken.now
     from input cross join lateral (
       select user_sync.rev + 1 as rev, ${NOW} as now from user_sync where user_sync.user_id = input.user_id
       for no key update skip locked
     ) as taken
     where ${condition}
   )`;
}
export const LOCKED = lockedIf('true');

/** 1 if the task of a row of `written` is, or was, among those that the counter at this place counts; else 0. */
function isCounted(place: number, state: '' | 'was_'): string {
  const priority = 1 + Math.floor(place / 2);
  const completed = place % 2 === 1 ? ` and written.${state}status` : '';
  return `(written.${state}priority = ${priority}${completed})::integer`;
}

/**
 * Part of such a statement: the users' rows follow what has been written.
 * @param written tells of each task what it is now (`user_id`, `rev`, `updated_at`, `status`, `priority`) and, where it was there before,
 * what it was (`was_status`, `was_priority`).
 */
export function followedBy(written: string, { wasThere }: { wasThere: boolean }): string {
  const change = (place: number) => isCounted(place, '') + (wasThere ? ` - ${isCounted(place, 'was_')}` : '');
  return `followed as (
     update user_sync set rev = written.rev, changed_at = written.updated_at,
       ${COUNTERS.map((column, place) => `${column} = ${column} + ${change(place)}`).join(', ')}
     from ${written} as written where user_sync.user_id = written.user_id
   )`;
}

export interface Counts {
  total: number;
  completed: number;
}

export function countsByPriority(row: UserRow): Record<Priority, Counts> {
  return {
    1: { total: row.low_total, completed: row.low_completed },
    2: { total: row.medium_total, completed: row.medium_completed },
    3: { total: row.high_total, completed: row.high_completed },
  };
}

export function totalCounts(row: UserRow): Counts {
  const all = Object.values(countsByPriority(row));
  return {
    total: all.reduce((sum, { total }) => sum + total, 0),
    completed: all.reduce((sum, { completed }) => sum + completed, 0),
  };
}

/** The stats of a user, exact as of the row. */
export function statsOf(row: UserRow): Stats {
  const { total, completed } = totalCounts(row);
  // One division of whole numbers is exact at every half: (201 / 400) * 1000 is just under 502.5.
  const completion_rate = total === 0 ? 0 : Math.round((completed * 1000) / total) / 10;
  return {
    total_tasks: total,
    completed_tasks: completed,
    pending_tasks: total - completed,
    completion_rate,
    updated_at: row.updated_at,
  };
}
