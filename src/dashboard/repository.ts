// The SQL of the overview. $2 is an IANA time zone; a day is a day there. All of it runs in one snapshot.

import { RECENT_TASKS } from '../../contract/limits.ts';
import type { Task } from '../../contract/task.ts';
import { read } from '../database/statement.ts';
import { TASK_COLUMNS } from '../sync/task-columns.ts';

/** $1 user id */
export const categoryCounts = read<{ category: string | null; total: number; completed: number }>(
  'overview_categories',
  `select category, count(*)::integer as total, (count(*) filter (where status))::integer as completed
   from task where user_id = $1 and deleted_at is null
   group by category order by total desc, category collate "und-x-icu" nulls last`,
);

export interface DueCounts {
  overdue: number;
  today: number;
  next_7_days: number;
  later: number;
  no_date: number;
  generated_at: string;
}

/** $1 user id, $2 time zone. Pending tasks only. */
export const dueCounts = read<DueCounts>(
  'overview_due',
  `with today as (select (now() at time zone $2::text)::date as day)
   select (count(*) filter (where due_date < day))::integer as overdue,
          (count(*) filter (where due_date = day))::integer as today,
          (count(*) filter (where due_date between day + 1 and day + 7))::integer as next_7_days,
          (count(*) filter (where due_date > day + 7))::integer as later,
          (count(*) filter (where id is not null and due_date is null))::integer as no_date,
          now() as generated_at
   from today left join task on user_id = $1 and deleted_at is null and not status`,
);

/**
 * $1 user id, $2 time zone, $3 number of days up to today. The bounds let the indexes work and are a day wider than they
 * need be: where clocks go back over midnight a day begins twice, and only the day of each task decides.
 */
export const trend = read<{ date: string; created: number; completed: number }>(
  'overview_trend',
  `with span as (
     select (now() at time zone $2::text)::date - ($3::integer - 1) as first, (now() at time zone $2::text)::date as last
   ), bounds as (
     select (first - 1)::timestamp at time zone $2::text as since, (last + 2)::timestamp at time zone $2::text as until from span
   ), created as (
     select (created_at at time zone $2::text)::date as day, count(*)::integer as tasks from task, bounds
     where user_id = $1 and deleted_at is null and created_at >= since and created_at < until group by 1
   ), completed as (
     select (completed_at at time zone $2::text)::date as day, count(*)::integer as tasks from task, bounds
     where user_id = $1 and deleted_at is null and completed_at >= since and completed_at < until group by 1
   )
   select first + number as date, coalesce(created.tasks, 0) as created, coalesce(completed.tasks, 0) as completed
   from span cross join generate_series(0, $3::integer - 1) as number
   left join created on created.day = first + number
   left join completed on completed.day = first + number
   order by number`,
);

/** $1 user id, $2 time zone. Runs of days with a completion; a run that ended yesterday is still current. */
export const streaks = read<{ current_days: number; longest_days: number }>(
  'overview_streaks',
  `with days as (
     select distinct (completed_at at time zone $2::text)::date as day from task
     where user_id = $1 and deleted_at is null and completed_at is not null
   ), runs as (
     select max(day) as last, count(*)::integer as length
     from (select day, day - (row_number() over (order by day))::integer as run from days) as numbered group by run
   )
   select coalesce(max(length) filter (where last >= (now() at time zone $2::text)::date - 1), 0) as current_days,
          coalesce(max(length), 0) as longest_days
   from runs`,
);

/** $1 user id */
export const recentTasks = read<Task>(
  'overview_recent',
  `select ${TASK_COLUMNS} from task where user_id = $1 and deleted_at is null order by rev desc limit ${RECENT_TASKS}`,
);
