// What PostgreSQL refuses of a transaction or a preparation is the failure of all that relies on it: never half a write, never a 500.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signUp } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { type DatabaseProxy, startProxy } from './support/proxy.ts';
import { createDatabase, startServer, type TestServer } from './support/server.ts';

const BEGIN = 'begin isolation level read committed';
/** As when somebody cancels it; no longer than the other. */
const CANCELLED = "do 'begin raise query_canceled;end'";

type Asked = [method: string, path: string];

let database: Awaited<ReturnType<typeof createDatabase>>;
let proxy: DatabaseProxy;
let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
beforeAll(async () => {
  database = await createDatabase();
  proxy = await startProxy(database.connection);
  server = await startServer({ connection: proxy.connection });
  ada = await signUp(server.url);
});
afterAll(async () => {
  await server.close();
  await proxy.close();
  await database.drop();
});

const live = (id: number) => ada.get(`/api/tasks/${id}`);
const state = async () => {
  const [stats, changes] = [await ada.get('/api/dashboard/stats'), await ada.get('/api/sync')];
  return { stats: stats.body, rev: changes.body.rev, tasks: changes.body.tasks };
};

it.each([
  ['a deletion', false, (id: number): Asked => ['DELETE', `/api/tasks/${id}`]],
  ['a deletion for good', false, (id: number): Asked => ['DELETE', `/api/tasks/${id}?permanent=true`]],
  ['a restoring', true, (id: number): Asked => ['POST', `/api/tasks/${id}/restore`]],
] as const)(
  '%s whose transaction could not begin is 503 and has not happened, and can be sent again',
  async (_what, isTrashed, request) => {
    for (const headers of [{}, { 'idempotency-key': randomUUID() }]) {
      const { id } = (await ada.post('/api/tasks', { title: 'Still here' })).body;
      if (isTrashed) await ada.delete(`/api/tasks/${id}`);
      const before = await state();
      const [method, path] = request(id);
      proxy.falsify(BEGIN, CANCELLED);
      const refused = await ada.request(method, path, { headers });
      proxy.falsify();
      expectProblem(refused, 'overloaded', 503);
      expect(await state()).toEqual(before);
      const again = await ada.request(method, path, { headers });
      expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, null]);
      expect((await live(id)).status).toBe(isTrashed ? 200 : 404);
    }
  },
);

it('a reader behind one that could not be prepared is asked again, and none is told 500', async () => {
  // New connections, on which nothing is prepared.
  proxy.cut();
  const holder = new pg.Client(database.connection);
  await holder.connect();
  // Inside its transaction a client sees who waits as it was when it first looked.
  const watcher = new pg.Client(database.connection);
  await watcher.connect();
  const waiting = `select pid from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and application_name = 'donewell'`;
  try {
    await holder.query('begin; lock table session in access exclusive mode');
    const answers = Array.from({ length: 60 }, () => ada.get('/api/dashboard/stats'));
    await until(async () => (await watcher.query(waiting)).rows.length > 0, 'them to wait');
    await watcher.query(`select pg_cancel_backend(pid) from (${waiting}) as waiting`);
    await until(async () => (await watcher.query(waiting)).rows.length > 0, 'them to be asked again');
    await holder.query('commit');
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
  } finally {
    await holder.end();
    await watcher.end();
  }
});
