// The dashboards on the wire.
import { type Static, Type } from 'typebox';
import { Time } from './common.ts';
import { RECENT_TASKS, TREND_DAYS, TREND_DEFAULT_DAYS } from './limits.ts';
import { Task } from './task.ts';

const countOf = (example: number) => Type.Integer({ minimum: 0, examples: [example] });
const count = countOf(3);
const date = Type.String({ format: 'date', examples: ['2026-01-31'] });

export const Stats = Type.Object(
  {
    total_tasks: countOf(5),
    completed_tasks: countOf(3),
    pending_tasks: countOf(2),
    completion_rate: Type.Number({
      minimum: 0,
      maximum: 100,
      description: 'Percent with one decimal; 0 for no tasks.',
      examples: [60.0],
    }),
    updated_at: Time,
  },
  { $id: 'Stats' },
);
export type Stats = Static<typeof Stats>;

const breakdown = { total: count, completed: count, pending: count };

export const PriorityBreakdown = Type.Object({
  priority: Type.Integer({ minimum: 1, maximum: 3 }),
  label: Type.String({ examples: ['High'] }),
  ...breakdown,
});
export const CategoryBreakdown = Type.Object({
  category: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  ...breakdown,
});
export const TrendDay = Type.Object({ date, created: count, completed: count });

export const Overview = Type.Object(
  {
    stats: Stats,
    by_priority: Type.Array(PriorityBreakdown),
    by_category: Type.Array(CategoryBreakdown),
    due: Type.Object(
      { overdue: count, today: count, next_7_days: count, later: count, no_date: count },
      { description: 'Pending tasks only.' },
    ),
    trend: Type.Array(TrendDay, { description: 'Exactly `days` days, oldest first.' }),
    streak: Type.Object({ current_days: count, longest_days: count }),
    recent_tasks: Type.Array(Task, { maxItems: RECENT_TASKS, description: 'The last changed.' }),
    generated_at: Time,
  },
  { $id: 'Overview' },
);
export type Overview = Static<typeof Overview>;

export const OverviewQuery = Type.Object({
  tz: Type.Optional(
    Type.String({
      default: 'UTC',
      description: 'An IANA time zone.',
      examples: ['Europe/Paris'],
      'x-error': 'must be an IANA time zone such as Europe/Paris',
    }),
  ),
  days: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: TREND_DAYS,
      default: TREND_DEFAULT_DAYS,
      'x-error': `must be a whole number from 1 to ${TREND_DAYS}`,
    }),
  ),
});
export type OverviewQuery = Static<typeof OverviewQuery>;
