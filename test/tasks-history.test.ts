// Random histories by several writers of one user at once, on two nodes: revisions without holes, counters equal to a recount.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, type AnyBody, Client, signUp } from './support/client.ts';
import { startNode } from './support/nodes.ts';
import type { RunningServer } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { allPages, countersOf } from './support/tasks.ts';

let server: TestServer;
/** Another process on the same database: what one process does in turn, two do at once. */
let node: RunningServer;
let ada: Awaited<ReturnType<typeof signUp>>;
/** Four clients of one user, each with connections of its own. */
let writers: Client[];

beforeAll(async () => {
  server = await startServer();
  node = await startNode(server.connection);
  ada = await signUp(server.url);
  writers = Array.from({ length: 4 }, (_, number) => {
    const client = new Client(number % 2 ? node.url : server.url);
    client.bearer = ada.accessToken;
    return client;
  });
});
afterAll(async () => {
  await node.stop();
  await server.close();
});

const change = fc.record(
  {
    title: fc.constantFrom('One', 'Two', 'Three'),
    status: fc.boolean(),
    priority: fc.constantFrom(1, 2, 3, 'low', 'HIGH'),
    category: fc.constantFrom(null, '', 'home', 'work'),
    due_date: fc.constantFrom(null, '2026-01-31'),
  },
  { requiredKeys: [] },
);
const which = fc.nat();
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('create' as const), fields: change }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('update' as const), which, fields: change }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('complete' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reopen' as const), which }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), which }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('restore' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('permanent' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stale' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wrong' as const), which }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const ids: number[] = [];

function run(writer: Client, taken: Step, key: string): Promise<Answer<AnyBody>> {
  const headers = { 'idempotency-key': key };
  if (taken.kind === 'create')
    return writer.post('/api/tasks', { title: 'New', ...taken.fields }, { headers });
  const path = `/api/tasks/${ids[taken.which % Math.max(ids.length, 1)] ?? 1}`;
  switch (taken.kind) {
    case 'update':
      return writer.put(path, taken.fields, { headers });
    case 'complete':
      return writer.patch(`${path}/complete`);
    case 'reopen':
      return writer.patch(path, { status: false });
    case 'delete':
      return writer.delete(path, { headers });
    case 'restore':
      return writer.post(`${path}/restore`);
    case 'permanent':
      return writer.delete(`${path}?permanent=true`);
    case 'stale':
      return writer.patch(path, { title: 'Never' }, { headers: { 'if-match': '"0"' } });
    case 'wrong':
      return writer.patch(path, { status: false, priority: 7 });
  }
}

/** Everything that figures say, against everything that is there. */
async function assertExact(): Promise<void> {
  const { kept, counted } = await countersOf(server, ada.user.id);
  // The row with the highest revision may have been changed, never deleted: nothing is, for 90 days.
  expect(kept).toEqual(counted);
  const [stats, overview, tasks] = await Promise.all([
    ada.get('/api/dashboard/stats'),
    ada.get('/api/dashboard/overview'),
    allPages(ada, ''),
  ]);
  const completed = tasks.filter(({ status }) => status).length;
  expect(stats.body).toMatchObject({
    total_tasks: tasks.length,
    completed_tasks: completed,
    pending_tasks: tasks.length - completed,
    completion_rate: tasks.length === 0 ? 0 : Math.round((completed * 1000) / tasks.length) / 10,
  });
  expect(overview.body.stats).toEqual(stats.body);
  expect(overview.body.by_priority).toEqual(
    [1, 2, 3].map((priority) => {
      const own = tasks.filter((task) => task.priority === priority);
      const done = own.filter(({ status }) => status).length;
      const label = ['', 'Low', 'Medium', 'High'][priority];
      return { priority, label, total: own.length, completed: done, pending: own.length - done };
    }),
  );
}

it('four writers, six hundred operations: every revision is one change, every figure equals a recount', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const steps = fc.sample(step, { seed, numRuns: 600 });
  const revs: number[] = [];
  const statuses = new Map<number, number>();
  // The answers of deletions carry no revision.
  let silent = 0;
  for (let from = 0; from < steps.length; from += 50) {
    const batch = steps
      .slice(from, from + 50)
      .entries()
      .toArray();
    await Promise.all(
      writers.map(async (writer, lane) => {
        for (const [index, taken] of batch.filter(([number]) => number % writers.length === lane)) {
          const { status, body } = await run(writer, taken, `${seed}-${from}-${index}`);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (status === 201) ids.push(body.id);
          if (status < 300 && /delete|permanent/.test(taken.kind)) silent += 1;
          else if (status < 300) revs.push(body.rev);
        }
      }),
    );
    await assertExact();
  }
  expect([...statuses.keys()].sort(), `seed ${seed}`).toEqual([200, 201, 404, 412, 422]);
  const { rev } = (await countersOf(server, ada.user.id)).kept as { rev: number };
  // A no-op answers a revision that was there before; each other revision from 1 on was answered or is a deletion's.
  const answered = new Set(revs);
  expect(Math.max(...answered) <= rev, `seed ${seed}`).toBe(true);
  const unanswered = Array.from({ length: rev }, (_, n) => n + 1).filter((n) => !answered.has(n));
  expect(unanswered.length, `seed ${seed}`).toBe(silent);
});

it('a task answers its own history in order, and no two tasks share a revision', async () => {
  const rows = await server.sql<{ rev: string }>('select rev from task where user_id = $1', [ada.user.id]);
  expect(new Set(rows.map(({ rev }) => rev)).size).toBe(rows.length);
  const byChange = await allPages(ada, 'sort=updated_at&order=asc');
  for (const [index, task] of byChange.entries()) {
    const before = byChange[index - 1];
    if (before) expect(task.rev > before.rev && task.updated_at >= before.updated_at).toBe(true);
    expect(task.status).toBe(task.completed_at !== null);
    expect(task.created_at <= task.updated_at).toBe(true);
  }
});
