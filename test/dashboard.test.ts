// The dashboards: exact at every moment, and equal to an independent count.
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnyBody, Client, signUp } from './support/client.ts';
import { addDays, DAY, dayIn, expectRecount, iso } from './support/overview.ts';
import { startServer, type TestServer } from './support/server.ts';
import { recountUser, type SeededTask, seedTasks } from './support/tasks.ts';

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
    [201, 400, 50.3],
    [812, 1600, 50.8],
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
      await expectRecount(ada, zone, days);
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
