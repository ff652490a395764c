// What a socket hears: one exact event for each change, in order, and nothing for anything else.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { STATS_INTERVAL } from '../contract/limits.ts';
import type { AnyBody, Client } from './support/client.ts';
import {
  chainOf,
  connected,
  expectConverged,
  type ListeningSocket,
  openSocket,
  type Received,
  TestFollower,
} from './support/follower.ts';
import { clientOf, createSilently, type SeededUser, seedUsers } from './support/nodes.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let user: SeededUser;
let other: SeededUser;
let client: Client;
let socket: ListeningSocket;
let foreign: ListeningSocket;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  [user, other] = (await seedUsers(server, 2)) as [SeededUser, SeededUser];
  client = clientOf(server.url, user);
  socket = openSocket(server.url, user);
  foreign = openSocket(server.url, other);
  await Promise.all([connected(socket), connected(foreign)]);
});
afterEach(() => {
  socket.disconnect();
  foreign.disconnect();
});

const isTask = ([name]: Received) => name.startsWith('task:');

/** A last write, after whose event nothing of before can still be under way. */
async function heard(): Promise<Received[]> {
  const { body } = await client.post('/api/tasks', { title: 'The end' });
  await until(() => socket.received.some(([, { task }]) => task?.id === body.id), 'the last event');
  return socket.received.filter(isTask).filter(([, { task }]) => task?.id !== body.id);
}

async function create(fields: object = {}): Promise<AnyBody> {
  const { body } = await client.post('/api/tasks', { title: 'Task', ...fields });
  return body;
}

/** The event with this revision. Waited for before the next write: changes that follow quickly may arrive as one. */
function eventAt(rev: number): Promise<Received> {
  return until(
    () => socket.received.filter(isTask).find(([, event]) => event.rev === rev),
    `revision ${rev}`,
  );
}

describe('each write', () => {
  it('that creates a task is one task:created with the task as the answer has it', async () => {
    const task = await create({
      description: 'Ünïcode 🦊',
      priority: 'high',
      due_date: '2030-01-31',
      status: true,
    });
    expect(await heard()).toEqual([['task:created', { rev: 1, prev_rev: 0, at: task.created_at, task }]]);
  });

  it('that changes a task is one task:updated', async () => {
    const { id } = await create();
    const changes = [
      () => client.put(`/api/tasks/${id}`, { title: 'Put' }),
      () => client.patch(`/api/tasks/${id}`, { category: 'home' }),
      () => client.patch(`/api/tasks/${id}/complete`),
      () => client.patch(`/api/tasks/${id}`, { status: false }),
    ];
    let rev = 1;
    await eventAt(rev);
    for (const change of changes) {
      const { body: task } = await change();
      rev++;
      const event = { rev, prev_rev: rev - 1, at: task.updated_at, task };
      expect(await eventAt(rev)).toEqual(['task:updated', event]);
    }
    expect(await heard()).toHaveLength(5);
  });

  it('that deletes a task is one task:deleted with its id alone, restoring it one task:restored', async () => {
    const { id } = await create({ title: 'Secret' });
    await eventAt(1);
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    await client.delete(`/api/tasks/${id}`);
    expect(await eventAt(2)).toEqual(['task:deleted', { rev: 2, prev_rev: 1, at, id }]);
    const { body: task } = await client.post(`/api/tasks/${id}/restore`);
    expect(await eventAt(3)).toEqual(['task:restored', { rev: 3, prev_rev: 2, at: task.updated_at, task }]);
    await client.delete(`/api/tasks/${id}?permanent=true`);
    expect(await eventAt(4)).toEqual(['task:deleted', { rev: 4, prev_rev: 3, at, id }]);
  });

  it('of somebody else is not heard at all', async () => {
    await create();
    await eventAt(1);
    const theirs = clientOf(server.url, other);
    await theirs.post('/api/tasks', { title: 'Theirs' });
    await until(() => foreign.received.some(([name]) => name === 'dashboard:stats'));
    expect(chainOf(foreign.received)).toEqual(['task:created 0→1']);
    expect(JSON.stringify(foreign.received)).not.toContain(user.id);
    expect(JSON.stringify(socket.received)).not.toContain('Theirs');
  });

  it('is heard by every socket of the user alike, by WebSocket and by polling', async () => {
    const second = openSocket(server.url, user);
    const polling = openSocket(server.url, user, { transports: ['polling'] });
    await Promise.all([connected(second), connected(polling)]);
    for (let number = 0; number < 5; number++) await create();
    await heard();
    for (const one of [second, polling]) {
      await until(() => one.received.filter(isTask).length === 6);
      expect(one.received.filter(isTask)).toEqual(socket.received.filter(isTask));
      one.disconnect();
    }
  });
});

describe('nothing is heard', () => {
  it('of writes that change nothing, are refused, or are repeated', async () => {
    const headers = { 'idempotency-key': 'once' };
    const body = { title: 'Once' };
    const first = await client.post('/api/tasks', body, { headers });
    const again = await client.post('/api/tasks', body, { headers });
    expect([again.headers.get('idempotency-replayed'), again.body.id]).toEqual(['true', first.body.id]);
    const path = `/api/tasks/${first.body.id}`;
    const writes = [
      await client.put(path, { title: 'Once' }),
      await client.patch(path, {}),
      await client.patch(path, { status: false, priority: 'medium', unknown: 1 }),
      await client.post(`${path}/restore`),
      await client.patch(path, { title: 'Stale' }, { headers: { 'if-match': '"77"' } }),
      await client.patch(path, { title: '' }),
      await client.patch('/api/tasks/999999999', { title: 'Nobody' }),
      await client.delete(path, { headers: { 'if-match': '"77"' } }),
      await client.post('/api/tasks', body, { headers: { 'idempotency-key': '' } }),
      await clientOf(server.url, other).patch(path, { title: 'Theirs' }),
    ];
    expect(writes.map(({ status }) => status)).toEqual([200, 200, 200, 200, 412, 422, 404, 412, 422, 404]);
    expect(chainOf(await heard())).toEqual(['task:created 0→1']);
    expect(foreign.received).toEqual([]);
  });

  it('of reads', async () => {
    for (const path of ['/api/tasks', '/api/sync', '/api/dashboard/stats', '/api/dashboard/overview'])
      expect((await client.get(path)).status).toBe(200);
    expect(await heard()).toEqual([]);
  });
});

describe('dashboard:stats', () => {
  it('comes with the first change and is what the route says, with the revision', async () => {
    await create({ status: true });
    await until(() => socket.received.length === 2);
    const { body } = await client.get('/api/dashboard/stats');
    expect(socket.received[1]).toEqual(['dashboard:stats', { ...body, rev: 1 }]);
  });

  it('comes at most four times a second in a storm of changes, and the last one always', async () => {
    const start = performance.now();
    const writes = Array.from({ length: 120 }, (_, number) => create({ status: number % 3 === 0 }));
    await Promise.all(writes);
    const { body } = await client.get('/api/dashboard/stats');
    const last = { ...body, rev: 120 };
    await until(() => socket.received.some(([, { rev, total_tasks }]) => rev === 120 && total_tasks === 120));
    const stats = socket.received.filter(([name]) => name === 'dashboard:stats');
    const intervals = (performance.now() - start) / (STATS_INTERVAL - 1);
    expect(stats.at(-1)).toEqual(['dashboard:stats', last]);
    expect(stats.length).toBeGreaterThan(0);
    expect(stats.length).toBeLessThanOrEqual(1 + intervals);
    expect(stats.length).toBeLessThan(60);
  });
});

describe('many changes at once', () => {
  /** Commits as many tasks as one change would, of which the listener is told at the commit. */
  async function createMany(count: number): Promise<void> {
    await server.sql(
      `with made as (insert into task (user_id, title, created_at, updated_at, rev, created_rev)
              select $1, 'One of many', now(), now(), rev + n, rev + n
              from user_sync, generate_series(1, $2) n where user_id = $1),
            counted as (update user_sync set rev = rev + $2, medium_total = medium_total + $2, changed_at = now()
              where user_id = $1 returning rev)
       select pg_notify('donewell_changes', json_build_array(json_build_array($1, rev))::text) from counted`,
      [user.id, count],
    );
  }

  it('up to a hundred are told one by one', async () => {
    await createMany(100);
    await until(() => socket.received.some(([, { rev }]) => rev === 100));
    expect(chainOf(await heard())).toEqual(
      Array.from({ length: 100 }, (_, index) => `task:created ${index}→${index + 1}`),
    );
    expect(socket.received.map(([name]) => name)).not.toContain('sync:required');
  });

  it('more are told by one sync:required, and what follows is told again', async () => {
    const follower = new TestFollower(server.url, user);
    await connected(follower.socket);
    await createMany(101);
    await until(() => socket.received.length > 0);
    expect(socket.received[0]).toEqual(['sync:required', { rev: 101 }]);
    expect(await heard()).toEqual([]);
    expect(socket.received.find(isTask)).toMatchObject(['task:created', { rev: 102, prev_rev: 101 }]);
    await expectConverged(server.url, [follower]);
    follower.close();
  });

  it('to one task are one event, named by what the client must know first', async () => {
    const [changed, back, gone] = [await create(), await create(), await create()];
    await client.delete(`/api/tasks/${back.id}`);
    await eventAt(4);
    socket.received.length = 0;
    // Revisions 5 to 12, of which nobody is told.
    const set = (id: number, rev: number, change: string) =>
      server.sql(`update task set ${change}, rev = ${rev}, updated_at = now() where id = $1`, [id]);
    await server.sql(
      `insert into task (user_id, title, created_at, updated_at, rev, created_rev) values ($1, 'New', now(), now(), 6, 5)`,
      [user.id],
    );
    await set(changed.id, 7, `title = 'Changed'`);
    await set(changed.id, 8, `title = 'Changed twice'`);
    await set(back.id, 9, 'deleted_at = null, restored_rev = 9');
    await set(back.id, 10, `title = 'Back, changed'`);
    await set(gone.id, 11, `title = 'Changed'`);
    await set(gone.id, 12, 'deleted_at = now()');
    await server.sql('update user_sync set rev = 12 where user_id = $1', [user.id]);
    await create();
    await until(() => socket.received.some(([, { rev }]) => rev === 13));
    expect(chainOf(socket.received)).toEqual([
      'task:created 4→6',
      'task:updated 6→8',
      'task:restored 8→10',
      'task:deleted 10→12',
      'task:created 12→13',
    ]);
  });
});

describe('a restored backup', () => {
  it('is found by the sweep, and followers start again from what is there now', async () => {
    const follower = new TestFollower(server.url, user);
    const [kept] = [await create({ title: 'Kept' }), await create(), await create()];
    await expectConverged(server.url, [follower]);
    await server.sql('delete from task where user_id = $1 and id <> $2', [user.id, kept.id]);
    await server.sql(`update user_sync set epoch = epoch + 1, rev = 1, medium_total = 1 where user_id = $1`, [
      user.id,
    ]);
    await until(() => follower.received.some(([name]) => name === 'sync:required'), 'the sweep');
    await create({ title: 'After' });
    await expectConverged(server.url, [follower]);
    expect(JSON.parse(follower.known.tasks)).toMatchObject([{ title: 'Kept' }, { title: 'After' }]);
    follower.close();
  });

  it('with the very revision of before is found by its epoch', async () => {
    await create();
    await until(() => socket.received.length === 2);
    await server.sql('update user_sync set epoch = epoch + 1 where user_id = $1', [user.id]);
    await until(() => socket.received.some(([name]) => name === 'sync:required'), 'the sweep');
  });
});

describe('a sweep that fails, though the database is there', () => {
  it('is logged as a defect, and the sweeps after it go on', async () => {
    await server.sql('alter table user_sync rename to user_sync_elsewhere');
    try {
      await until(() => server.logs.some((line) => line.includes('"a defect"')), 'the defect in the log');
    } finally {
      await server.sql('alter table user_sync_elsewhere rename to user_sync');
    }
    const rev = await createSilently(server, user.id, 'Only the sweep tells');
    expect(await eventAt(rev)).toMatchObject(['task:created', { task: { title: 'Only the sweep tells' } }]);
  });
});
