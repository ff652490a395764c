// How often a change of a task sends to the database and waits: counted in front of it.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type AnyBody, signUp } from './support/client.ts';
import { type DatabaseProxy, startProxy } from './support/proxy.ts';
import { createDatabase, startServer, type TestServer } from './support/server.ts';

let database: Awaited<ReturnType<typeof createDatabase>>;
let proxy: DatabaseProxy;
let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
let task: AnyBody;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await startProxy(database.connection);
  // One for readers and one for writers, so that what is counted goes over one connection.
  server = await startServer({ connection: proxy.connection, env: { DATABASE_POOL_SIZE: '2' } });
  ada = await signUp(server.url);
});
afterAll(async () => {
  await server.close();
  await proxy.close();
  await database.drop();
});
beforeEach(async () => {
  task = (await ada.post('/api/tasks', { title: 'First' })).body;
  // Over this connection the statement has gone now.
  await ada.patch(`/api/tasks/${task.id}`, { title: 'Second' });
});

const key = () => ({ 'idempotency-key': randomUUID() });

/** Now and then something else goes over the connection, as a use of the session is noted: that only adds. */
const ROUNDS = 5;
const third = (round: number) => `Third ${round}`;
const second = () => 'Second';

it.each<
  [
    string,
    title: (round: number) => string,
    headers: () => Record<string, string>,
    status: number,
    roundTrips: number,
  ]
>([
  ['makes a difference', third, () => ({}), 200, 1],
  ['makes a difference and has a key', third, key, 200, 1],
  ['makes none', second, () => ({}), 200, 4],
  ['makes none and has a key', second, key, 200, 4],
  ['is too late', third, () => ({ 'if-match': `"${task.rev}"` }), 412, 4],
])('one that %s', async (_what, title, headers, status, roundTrips) => {
  const counted: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = proxy.roundTrips('task_update');
    const answer = await ada.patch(`/api/tasks/${task.id}`, { title: title(round) }, { headers: headers() });
    expect(answer.status).toBe(status);
    counted.push(proxy.roundTrips('task_update') - before);
  }
  expect(Math.min(...counted)).toBe(roundTrips);
});
