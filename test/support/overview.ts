// The overview counted again in JavaScript, from the tasks alone and with JavaScript's own time zones.
import { expect } from 'vitest';
import type { AnyBody, Client } from './client.ts';
import { allPages } from './tasks.ts';

export const DAY = 86_400_000;
export const HOUR = 3_600_000;

export const iso = (milliseconds: number) => new Date(milliseconds).toISOString();

// Made once for each zone: each costs a millisecond.
const calendars = new Map<string, Intl.DateTimeFormat>();

/** The calendar day of an instant in a zone, as text. */
export function dayIn(zone: string, instant: number): string {
  const known = calendars.get(zone);
  const calendar =
    known ??
    new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
  calendars.set(zone, calendar);
  return calendar.format(instant);
}

export const addDays = (day: string, days: number) =>
  iso(Date.parse(`${day}T00:00:00Z`) + days * DAY).slice(0, 10);

function breakdown(tasks: AnyBody[]): object {
  const completed = tasks.filter(({ status }) => status).length;
  return { total: tasks.length, completed, pending: tasks.length - completed };
}

function streakOf(tasks: AnyBody[], zone: string, today: string): object {
  const days = new Set(
    tasks.filter(({ status }) => status).map((task) => dayIn(zone, Date.parse(task.completed_at))),
  );
  const lengthTo = (last: string): number => {
    let length = 0;
    while (days.has(addDays(last, -length))) length++;
    return length;
  };
  return {
    current_days: lengthTo(today) || lengthTo(addDays(today, -1)),
    longest_days: Math.max(0, ...[...days].map(lengthTo)),
  };
}

/** The whole overview, counted from the tasks alone. `now` is the moment that the server counted at. */
function recount(tasks: AnyBody[], zone: string, days: number, now: number): AnyBody {
  const today = dayIn(zone, now);
  const open = tasks.filter(({ status }) => !status);
  const due = (test: (day: string) => boolean) =>
    open.filter((task) => task.due_date && test(task.due_date)).length;
  const daysOf = (times: string[]) => times.map((time) => dayIn(zone, Date.parse(time)));
  const created = daysOf(tasks.map((task) => task.created_at));
  const done = daysOf(tasks.flatMap((task) => task.completed_at ?? []));
  const trend = Array.from({ length: days }, (_, n) => addDays(today, n - days + 1)).map((date) => ({
    date,
    created: created.filter((day) => day === date).length,
    completed: done.filter((day) => day === date).length,
  }));
  const categories = [...Map.groupBy(tasks, ({ category }) => category)];
  const { total, completed, pending } = breakdown(tasks) as Record<string, number>;
  return {
    stats: {
      total_tasks: total,
      completed_tasks: completed,
      pending_tasks: pending,
      completion_rate: Number(total) === 0 ? 0 : Math.round((Number(completed) * 1000) / Number(total)) / 10,
      updated_at: expect.any(String),
    },
    by_priority: [1, 2, 3].map((priority) => ({
      priority,
      label: ['Low', 'Medium', 'High'][priority - 1],
      ...breakdown(tasks.filter((task) => task.priority === priority)),
    })),
    by_category: categories.map(([category, own]) => ({ category, ...breakdown(own) })),
    due: {
      overdue: due((day) => day < today),
      today: due((day) => day === today),
      next_7_days: due((day) => day > today && day <= addDays(today, 7)),
      later: due((day) => day > addDays(today, 7)),
      no_date: open.filter(({ due_date }) => due_date === null).length,
    },
    trend,
    streak: streakOf(tasks, zone, today),
    recent_tasks: tasks.toSorted((a, b) => b.rev - a.rev).slice(0, 10),
    generated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  };
}

const byName = (rows: AnyBody[]) =>
  rows.toSorted((a, b) => String(a.category).localeCompare(String(b.category)));

/** Asks for an overview and holds it against the recount. */
export async function expectRecount(client: Client, zone: string, days: number): Promise<AnyBody> {
  const { body } = await client.get(`/api/dashboard/overview?tz=${encodeURIComponent(zone)}&days=${days}`);
  const wanted = recount(await allPages(client, ''), zone, days, Date.parse(body.generated_at));
  expect({ ...body, by_category: byName(body.by_category) }).toEqual({
    ...wanted,
    by_category: byName(wanted.by_category),
  });
  return body;
}
