// The dashboard, in pictures that a screen reader gets as tables. Loaded when it is first shown.
import './styles/dashboard.css';
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Overview } from '../contract/dashboard.ts';
import { TREND_DAYS } from '../contract/limits.ts';
import { type BarRow, Bars, Calendar, Ring, Trend } from './charts.tsx';
import { shortDate } from './dates.ts';
import { Figure } from './figure.tsx';
import { call } from './http.ts';
import { connection } from './live.ts';
import { user } from './person.ts';
import { whenReachable } from './reading.ts';
import { revision } from './store.ts';
import { count } from './task-words.ts';

/** The last one stays while the next is read, and while there is no network. */
const overview = signal<{ userId: string; data: Overview } | undefined>(undefined);
const fault = signal<string | undefined>(undefined);
const SETTLE = 1_200;
const TREND_SHOWN = 30;
const MOST_CATEGORIES = 8;

async function read(): Promise<void> {
  try {
    await whenReachable();
    const query = new URLSearchParams({
      tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
      days: String(TREND_DAYS),
    });
    const data = await call<Overview>('GET', `api/dashboard/overview?${query}`);
    overview.value = { userId: user.peek()?.id ?? '', data };
    fault.value = undefined;
  } catch (error) {
    fault.value = (error as Error).message;
  }
}

function useOverview(): Overview | undefined {
  const rev = revision.value;
  const isMendable = fault.value !== undefined && connection.value === 'live';
  const own = overview.value?.userId === user.value?.id ? overview.value?.data : undefined;
  useEffect(() => {
    // Changes come in bursts: one reading is enough for all of them.
    const timer = setTimeout(() => void read(), own ? SETTLE : 0);
    return () => clearTimeout(timer);
  }, [rev, isMendable]);
  return own;
}

function Numbers({ data }: { data: Overview }): JSX.Element {
  const { stats, streak, due } = data;
  const numbers: [string, number, string][] = [
    ['open', stats.pending_tasks, ''],
    ['done', stats.completed_tasks, ''],
    ['in all', stats.total_tasks, ''],
    ['overdue', due.overdue, due.overdue > 0 ? 'is-late' : ''],
    [streak.current_days === 1 ? 'day in a row' : 'days in a row', streak.current_days, ''],
    [streak.longest_days === 1 ? 'day, longest streak' : 'days, longest streak', streak.longest_days, ''],
  ];
  return (
    <section class="sheet figure two-thirds" aria-labelledby="totals">
      <h2 id="totals">So far</h2>
      <dl class="numbers">
        {numbers.map(([label, number, kind]) => (
          <div key={label} class={kind}>
            <dt>{label}</dt>
            <dd>{number.toLocaleString('en-GB')}</dd>
          </div>
        ))}
      </dl>
      <p class="figure-note">A streak is days in a row with something ticked off.</p>
    </section>
  );
}

function splitBar(label: string, completed: number, pending: number): BarRow {
  return {
    label,
    parts: [
      { amount: completed, kind: 'done' },
      { amount: pending, kind: 'open' },
    ],
    words: `${pending.toLocaleString('en-GB')} open, ${completed.toLocaleString('en-GB')} done`,
  };
}

function Breakdowns({ data }: { data: Overview }): JSX.Element {
  const priorities = [...data.by_priority].sort((a, b) => b.priority - a.priority);
  const all = [...data.by_category].sort((a, b) => b.total - a.total);
  const shown = all.slice(0, MOST_CATEGORIES);
  const columns = ['Open', 'Done', 'All'];
  const legend = (
    <ul class="legend">
      <li>Done</li>
      <li class="key-open">Open</li>
    </ul>
  );
  const more = all.length - shown.length;
  return (
    <>
      <Figure
        title="By priority"
        size="third"
        columns={['Priority', ...columns]}
        rows={priorities.map(({ label, pending, completed, total }) => [label, pending, completed, total])}
      >
        <Bars
          of={Math.max(...priorities.map(({ total }) => total))}
          rows={priorities.map(({ label, completed, pending }) => splitBar(label, completed, pending))}
        />
        {legend}
      </Figure>
      <Figure
        title="By category"
        size="two-thirds"
        columns={['Category', ...columns]}
        rows={all.map(({ category, pending, completed, total }) => [
          category ?? 'None',
          pending,
          completed,
          total,
        ])}
        {...(more > 0 ? { note: `and ${more} more` } : {})}
      >
        <Bars
          of={Math.max(...shown.map(({ total }) => total))}
          rows={shown.map(({ category, completed, pending }) =>
            splitBar(category ?? 'None', completed, pending),
          )}
        />
      </Figure>
    </>
  );
}

function DueFigure({ due }: { due: Overview['due'] }): JSX.Element {
  const buckets: [string, number, 'late' | 'done' | 'open'][] = [
    ['Overdue', due.overdue, 'late'],
    ['Today', due.today, 'done'],
    ['Next 7 days', due.next_7_days, 'done'],
    ['Later', due.later, 'done'],
    ['No date', due.no_date, 'open'],
  ];
  return (
    <Figure
      title="What is due"
      size="half"
      columns={['When', 'Open tasks']}
      rows={buckets.map(([label, amount]) => [label, amount])}
    >
      <Bars
        of={Math.max(...buckets.map(([, amount]) => amount))}
        rows={buckets.map(([label, amount, kind]) => ({
          label,
          parts: [{ amount, kind }],
          words: amount.toLocaleString('en-GB'),
        }))}
      />
    </Figure>
  );
}

function monthsOf(trend: Overview['trend']): [string, number][] {
  const months = new Map<string, number>();
  for (const { date, completed } of trend)
    months.set(date.slice(0, 7), (months.get(date.slice(0, 7)) ?? 0) + completed);
  return [...months];
}

function OverTime({ trend }: { trend: Overview['trend'] }): JSX.Element {
  const recent = trend.slice(-TREND_SHOWN);
  const year = trend.reduce((sum, { completed }) => sum + completed, 0);
  const days = trend.filter(({ completed }) => completed > 0).length;
  return (
    <>
      <Figure
        title="The last 30 days"
        size="half"
        columns={['Day', 'Written', 'Done']}
        rows={recent.map(({ date, created, completed }) => [shortDate(date), created, completed])}
      >
        <Trend days={recent} />
        <ul class="legend">
          <li>Done</li>
          <li class="key-made">Written</li>
        </ul>
      </Figure>
      <Figure
        title="A year of done"
        note={`${count(year, 'task')} done on ${count(days, 'day')}.`}
        columns={['Month', 'Done']}
        rows={monthsOf(trend)}
      >
        <Calendar days={trend} />
      </Figure>
    </>
  );
}

function Board({ data }: { data: Overview }): JSX.Element {
  if (data.stats.total_tasks === 0)
    return (
      <div class="sheet empty">
        <h2>Nothing to draw yet</h2>
        <p>Write a few tasks, tick some off, and this page fills by itself.</p>
      </div>
    );
  return (
    <div class="board">
      <Figure
        title="Done"
        size="third"
        columns={['What', 'Share']}
        rows={[['Done', `${data.stats.completion_rate}%`]]}
      >
        <Ring rate={data.stats.completion_rate} />
      </Figure>
      <Numbers data={data} />
      <DueFigure due={data.due} />
      <OverTime trend={data.trend} />
      <Breakdowns data={data} />
    </div>
  );
}

function Waiting(): JSX.Element {
  if (fault.value)
    return (
      <div class="sheet empty">
        <h2>No figures just now</h2>
        <p>{fault.value}</p>
        <button type="button" class="button" onClick={() => void read()}>
          Try again
        </button>
      </div>
    );
  return (
    <div class="board" role="status">
      <span class="visually-hidden">Counting</span>
      <div class="sheet figure third figure-loading" />
      <div class="sheet figure two-thirds figure-loading" />
      <div class="sheet figure figure-loading" />
    </div>
  );
}

/** Nothing is counted live while nothing can be asked. */
function summary(data: Overview | undefined): string {
  if (fault.value === undefined && connection.value !== 'offline') return 'Counted live, in your time zone.';
  return data
    ? 'As last counted: the server cannot be reached.'
    : 'Counted anew when the server can be reached.';
}

export function DashboardPage(): JSX.Element {
  const data = useOverview();
  return (
    <div class="page dashboard">
      <header class="page-head">
        <h1>Dashboard</h1>
        <p class="summary">{summary(data)}</p>
      </header>
      {data ? <Board data={data} /> : <Waiting />}
    </div>
  );
}
