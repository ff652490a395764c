// The dashboards: exact at every moment, and equal to an independent count in any time zone.
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnyBody, Client, signUp } from './support/client.ts';
import { addDays, dayIn, recount, zoneAtNoon } from './support/dashboard-model.ts';
import { startServer, type TestServer } from './support/server.ts';
import { allPages, recountUser, type SeededTask, seedTasks } from './support/tasks.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.sql('delete from task');
  await recountUser(server, ada.user.id);
});

const overview = async (query = ''): Promise<AnyBody> => {
  const { status, body, text } = await ada.get(`/api/dashboard/overview${query}`);
  expect(status, text).toBe(200);
  return body;
};
const seed = (tasks: SeededTask[]) => seedTasks(server, ada.user.id, tasks);
const iso = (milliseconds: number) => new Date(milliseconds).toISOString();

const byName = (rows: AnyBody[]) =>
  rows.toSorted((a, b) => String(a.category).localeCompare(String(b.category)));

async function expectRecount(zone: string, days: number): Promise<AnyBody> {
  const body = await overview(`?tz=${encodeURIComponent(zone)}&days=${days}`);
  const wanted = recount(await allPages(ada, ''), zone, days, Date.parse(body.generated_at));
  expect({ ...body, by_category: byName(body.by_category) }).toEqual({
    ...wanted,
    by_category: byName(wanted.by_category),
  });
  return body;
}

describe('stats', () => {
  const stats = async () => (await ada.get('/api/dashboard/stats')).body;

  it('are zero without tasks, and date from sign-up', async () => {
    const eve = await signUp(server.url);
    const { status, headers, body } = await eve.get('/api/dashboard/stats');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    expect(body).toEqual({
      total_tasks: 0,
      completed_tasks: 0,
      pending_tasks: 0,
      completion_rate: 0,
      updated_at: eve.user.created_at,
    });
  });

  it.each([
    [0, 3, 0],
    [3, 3, 100],
    [1, 2, 50],
    [3, 5, 60],
    [1, 3, 33.3],
    [2, 3, 66.7],
    [1, 8, 12.5],
    [1, 16, 6.3],
    [57, 400, 14.3],
    [1, 400, 0.3],
    [1, 2000, 0.1],
    [1, 2001, 0],
    [1999, 2000, 100],
    [1998, 2000, 99.9],
  ])('say of %i completed among %i: %d per cent', async (completed, total, rate) => {
    await server.sql('update user_sync set medium_total = $2, medium_completed = $3 where user_id = $1', [
      ada.user.id,
      total,
      completed,
    ]);
    expect(await stats()).toMatchObject({
      total_tasks: total,
      completed_tasks: completed,
      pending_tasks: total - completed,
      completion_rate: rate,
    });
  });

  it('follow each change, and their time is that of the last one', async () => {
    const task = (await ada.post('/api/tasks', { title: 'One', priority: 1 })).body;
    expect(await stats()).toMatchObject({ total_tasks: 1, completed_tasks: 0, updated_at: task.updated_at });
    const done = (await ada.patch(`/api/tasks/${task.id}/complete`)).body;
    const after = await stats();
    expect(after).toMatchObject({ completed_tasks: 1, completion_rate: 100, updated_at: done.updated_at });
    await ada.patch(`/api/tasks/${task.id}/complete`);
    await ada.put(`/api/tasks/${task.id}`, { title: 'One' });
    expect(await stats()).toEqual(after);
    await ada.put(`/api/tasks/${task.id}`, { priority: 'high', status: false });
    expect(await stats()).toMatchObject({ total_tasks: 1, completed_tasks: 0, pending_tasks: 1 });
    await ada.delete(`/api/tasks/${task.id}`);
    const [row] = await server.sql<{ deleted_at: Date }>('select deleted_at from task');
    expect(await stats()).toMatchObject({ total_tasks: 0, updated_at: row?.deleted_at.toISOString() });
  });

  it.each(['/api/dashboard/stats', '/api/dashboard/overview'])('%s needs a session', async (path) => {
    expect((await new Client(server.url).get(path)).status).toBe(401);
  });

  it('work with a trailing slash', async () => {
    expect((await ada.get('/api/dashboard/stats/')).body).toEqual(await stats());
    expect((await ada.get('/api/dashboard/overview/')).status).toBe(200);
  });
});

describe('the overview', () => {
  it('of nothing has every row that must be there', async () => {
    const body = await overview();
    expect(body.by_priority).toEqual(
      ['Low', 'Medium', 'High'].map((label, n) => ({
        priority: n + 1,
        label,
        total: 0,
        completed: 0,
        pending: 0,
      })),
    );
    expect(body).toMatchObject({
      by_category: [],
      due: { overdue: 0, today: 0, next_7_days: 0, later: 0, no_date: 0 },
      streak: { current_days: 0, longest_days: 0 },
      recent_tasks: [],
    });
    expect(body.trend).toHaveLength(30);
    expect(body.trend.at(-1)).toEqual({ date: body.generated_at.slice(0, 10), created: 0, completed: 0 });
  });

  const now = Date.now();
  const instant = fc.integer({ min: -400 * DAY, max: -1000 }).map((back) => iso(now + back));
  const task: fc.Arbitrary<SeededTask> = fc.record({
    title: fc.constantFrom('One', 'Two'),
    category: fc.option(fc.constantFrom('home', 'Work', 'Zoë')),
    priority: fc.constantFrom(1, 2, 3),
    due_date: fc.option(fc.integer({ min: -5, max: 12 }).map((days) => addDays(dayIn('UTC', now), days))),
    created_at: instant,
    completed_at: fc.option(
      fc.oneof(
        instant,
        fc.integer({ min: -9 * DAY, max: -1000 }).map((back) => iso(now + back)),
      ),
    ),
    deleted_at: fc.option(fc.constant(iso(now)), { freq: 5 }),
  });

  it('equals a recount in every zone, for random tasks', async () => {
    const number = Math.floor(Math.random() * 2 ** 31);
    await seed(fc.sample(task, { seed: number, numRuns: 150 }));
    for (const [zone, days] of [
      ['UTC', 30],
      ['Pacific/Kiritimati', 366],
      ['Pacific/Pago_Pago', 366],
      ['America/Havana', 366],
      ['Europe/Paris', 366],
      ['Asia/Kolkata', 45],
      ['Asia/Kathmandu', 1],
      ['Australia/Lord_Howe', 366],
      ['America/St_Johns', 300],
      ['Africa/Cairo', 366],
      ['America/Santiago', 366],
      ['Etc/GMT+12', 7],
      ['EST5EDT', 366],
      ['CET', 366],
      ['EET', 366],
      ['WET', 366],
      ['MET', 366],
    ] as const)
      await expectRecount(zone, days);
  });

  it('counts trashed tasks nowhere', async () => {
    await seed([{ title: 'Live', category: 'a' }]);
    const { generated_at: _, ...before } = await overview();
    await seed([
      { title: 'Trashed', category: 'b', due_date: '2020-01-01', deleted_at: iso(now) },
      { title: 'Trashed and done', priority: 3, completed_at: iso(now), deleted_at: iso(now) },
      { title: '', deleted_at: iso(now), purged_at: iso(now) },
    ]);
    const { generated_at: __, ...after } = await overview();
    expect({ ...after, stats: { ...after.stats, updated_at: before.stats.updated_at } }).toEqual(before);
  });

  it('has uncategorised tasks in a row of their own', async () => {
    await seed([{ title: 'a', completed_at: iso(now) }, { title: 'b' }, { title: 'c', category: 'home' }]);
    expect((await overview()).by_category).toEqual([
      { category: null, total: 2, completed: 1, pending: 1 },
      { category: 'home', total: 1, completed: 0, pending: 1 },
    ]);
  });

  it('shows the ten tasks that changed last, as they are', async () => {
    const ids = await seed(Array.from({ length: 12 }, (_, n) => ({ title: `Task ${n}` })));
    await ada.patch(`/api/tasks/${ids[0]}/complete`);
    const { recent_tasks } = await overview();
    expect(recent_tasks.map(({ id }: AnyBody) => id)).toEqual([ids[0], ...ids.slice(3).reverse()]);
    expect(recent_tasks[0]).toEqual((await ada.get(`/api/tasks/${ids[0]}`)).body);
  });
});

describe('days and zones', () => {
  it.each([1, 2, 30, 365, 366])('days=%i gives exactly so many, oldest first, without gaps', async (days) => {
    for (const zone of ['UTC', 'America/New_York', 'Europe/London', 'Africa/Cairo']) {
      const { trend, generated_at } = await overview(`?days=${days}&tz=${zone}`);
      const today = dayIn(zone, Date.parse(generated_at));
      expect(trend.map(({ date }: AnyBody) => date)).toEqual(
        Array.from({ length: days }, (_, n) => addDays(today, n - days + 1)),
      );
    }
  });

  it.each(['0', '367', '-1', 'abc', '1.5', '', '1e2', '30&days=30', '9'.repeat(30)])(
    'days=%s is 422',
    async (days) => {
      const { status, body } = await ada.get(`/api/dashboard/overview?days=${days}`);
      expect([status, body.code, body.errors[0].path]).toEqual([422, 'validation_error', 'days']);
    },
  );

  it.each([
    'Mars/Olympus',
    'Europe/Pariss',
    '',
    '+02:00',
    '-05:00',
    'UTC+2',
    'GMT+2',
    '2',
    'Foo+3',
    'PST',
    'IST',
    'jst',
    'CEST',
    'SystemV/PST8PDT',
    'localtime',
    '../etc/passwd',
    "UTC'; drop table task;--",
    "Europe/Paris' or '1'='1",
    'Europe/Paris\0',
    'Europe/Paris ',
    'Éurope/Paris',
    'a'.repeat(5000),
    'constructor',
    '__proto__',
  ])('tz=%j is 422', async (tz) => {
    const { status, body } = await ada.get(`/api/dashboard/overview?tz=${encodeURIComponent(tz)}`);
    expect([status, body.code, body.errors[0].path]).toEqual([422, 'validation_error', 'tz']);
  });

  it('tz given twice is 422', async () => {
    const { status, body } = await ada.get('/api/dashboard/overview?tz=UTC&tz=UTC');
    expect([status, body.errors[0].path]).toEqual([422, 'tz']);
  });

  it('knows every zone that JavaScript knows', async () => {
    const zones = [
      ...Intl.supportedValuesOf('timeZone'),
      'UTC',
      'GMT',
      'Etc/GMT-14',
      'EST',
      'US/Pacific',
      'NZ',
      'Zulu',
    ];
    const [unknown] = await server.sql<{ names: string[] }>(
      `select array(select unnest($1::text[]) except select name from pg_timezone_names) as names`,
      [zones],
    );
    expect(unknown?.names).toEqual([]);
    for (const zone of zones.filter((_, n) => n % 25 === 0 || n >= zones.length - 7))
      expect((await overview(`?days=1&tz=${encodeURIComponent(zone)}`)).trend[0].date).toBe(
        dayIn(zone, Date.now()),
      );
  });

  it('sorts due dates by the day of the zone: at one instant a task is due today here and overdue there', async () => {
    const [east, west] = ['Pacific/Kiritimati', 'Pacific/Pago_Pago'] as const;
    // 25 hours lie between the two, so that their days always differ.
    const days = Array.from({ length: 24 }, (_, n) => addDays(dayIn('UTC', Date.now()), n - 11));
    await seed([
      ...days.map((due_date) => ({ title: due_date, due_date })),
      { title: 'no date' },
      { title: 'done', due_date: '2020-01-01', completed_at: iso(Date.now()) },
    ]);
    const there = await expectRecount(east, 1);
    const here = await expectRecount(west, 1);
    expect(there.due.overdue - here.due.overdue).toBeGreaterThanOrEqual(1);
    expect([there.due.today, here.due.today, there.due.next_7_days, there.due.no_date]).toEqual([1, 1, 7, 1]);
  });

  it('counts the first hour of a day whose midnight comes twice', async () => {
    const zone = 'America/Havana';
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' });
    const start = Math.floor(Date.now() / HOUR) * HOUR + HOUR / 2;
    const half = (instant: number) => clock.format(instant) === '00:30';
    const back = Array.from({ length: 365 * 24 }, (_, n) => n + 1).find(
      (n) => half(start - n * HOUR) && half(start - (n - 1) * HOUR),
    );
    const twice = start - Number(back) * HOUR;
    await seed([
      { title: 'first 00:30', created_at: iso(twice), completed_at: iso(twice) },
      { title: 'second 00:30', created_at: iso(twice + HOUR) },
      { title: 'the evening before', created_at: iso(twice - HOUR) },
    ]);
    const today = dayIn(zone, Date.now());
    const days = (Date.parse(today) - Date.parse(dayIn(zone, twice))) / DAY + 1;
    const { trend } = await expectRecount(zone, days);
    expect(trend[0]).toEqual({ date: dayIn(zone, twice), created: 2, completed: 1 });
  });

  it.each([
    ['CET', 'Europe/Brussels', 1],
    ['MET', 'Europe/Brussels', 1],
    ['EET', 'Europe/Athens', 2],
    ['WET', 'Europe/Lisbon', 0],
    ['cet', 'Europe/Brussels', 1],
  ])('%s has the summer of %s', async (zone, place, winter) => {
    // A summer day's last hour in winter time belongs to the next day in summer time.
    const summer = Array.from(
      { length: 366 },
      (_, n) => Math.floor(Date.now() / DAY) * DAY - (n + 2) * DAY,
    ).find((midnight) => dayIn(place, midnight - winter * HOUR - HOUR / 2) === iso(midnight).slice(0, 10));
    await seed([{ title: 'late', created_at: iso(Number(summer) - winter * HOUR - HOUR / 2) }]);
    const { trend } = await overview(`?days=366&tz=${zone}`);
    expect(trend.find(({ created }: AnyBody) => created === 1).date).toBe(iso(Number(summer)).slice(0, 10));
  });
});

describe('a streak', () => {
  const zone = zoneAtNoon();
  /** Completions so many days ago, at about this time of the day. */
  const completed = (...daysAgo: number[]) =>
    seed(daysAgo.map((days) => ({ title: `${days}`, completed_at: iso(Date.now() - days * DAY) })));
  const streak = async () => (await overview(`?tz=${encodeURIComponent(zone)}`)).streak;

  it.each([
    ['today alone', [0], 1, 1],
    ['yesterday alone', [1], 1, 1],
    ['the day before yesterday alone', [2], 0, 1],
    ['today and yesterday', [0, 1], 2, 2],
    ['two days ago and earlier', [2, 3, 4], 0, 3],
    ['yesterday and earlier, today not yet', [1, 2, 3], 3, 3],
    ['a longer run in the past', [0, 5, 6, 7, 8], 1, 4],
    ['several on one day', [0, 0, 0, 1], 2, 2],
    ['a year without a gap', Array.from({ length: 400 }, (_, n) => n), 400, 400],
    ['every other day', [0, 2, 4, 6], 1, 1],
  ])('with %s', async (_what, days, current_days, longest_days) => {
    await completed(...days);
    expect(await streak()).toEqual({ current_days, longest_days });
    await expectRecount(zone, 7);
  });

  it('loses a day whose only task is reopened or trashed', async () => {
    const ids = await completed(0, 1, 2);
    await ada.put(`/api/tasks/${ids[1]}`, { status: false });
    expect(await streak()).toEqual({ current_days: 1, longest_days: 1 });
    await ada.delete(`/api/tasks/${ids[0]}`);
    expect(await streak()).toEqual({ current_days: 0, longest_days: 1 });
    await ada.post(`/api/tasks/${ids[0]}/restore`);
    expect(await streak()).toEqual({ current_days: 1, longest_days: 1 });
  });

  it('counts days of the zone: the same completions may be one day here and two there', async () => {
    const noon = Math.floor(Date.now() / DAY) * DAY - DAY + 12 * HOUR;
    await seed([
      { title: 'before', completed_at: iso(noon - HOUR) },
      { title: 'after', completed_at: iso(noon + HOUR) },
    ]);
    const longest = async (tz: string) =>
      (await overview(`?tz=${encodeURIComponent(tz)}`)).streak.longest_days;
    expect([await longest('UTC'), await longest('Etc/GMT-12')]).toEqual([1, 2]);
  });
});
