// The follower on a bad wire: events that are lost, doubled, late or early, answers that fail or come slowly.
import { EventEmitter } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Follower, type FollowerState, jittered, SyncResetError } from '../client/follower.ts';
import type { SyncPage } from '../contract/sync.ts';
import type { Client } from './support/client.ts';
import { connected, freshRead, type ListeningSocket, openSocket, type Received } from './support/follower.ts';
import { clientOf, type SeededUser, seedUsers } from './support/nodes.ts';
import { until } from './support/process.ts';
import { newSeed, randomFrom } from './support/random.ts';
import { startServer, type TestServer } from './support/server.ts';

const seed = newSeed();
let server: TestServer;
let user: SeededUser;
let client: Client;
let socket: ListeningSocket;
/** What the follower hears; each test decides how it gets there. */
let wire: EventEmitter;
let follower: Follower;
let states: { rev: number; size: number }[];
/** How often it asked, and with which cursor. */
let asked: (string | undefined)[];
/** What happens before an answer is read, and to it. */
let beforeAnswer: (() => Promise<void>) | undefined;

async function readSync(cursor: string | undefined): Promise<SyncPage> {
  asked.push(cursor);
  const query = new URLSearchParams({ limit: '3', ...(cursor === undefined ? {} : { cursor }) });
  const { status, body } = await client.get(`/api/sync?${query}`);
  await beforeAnswer?.();
  if (status === 410) throw new SyncResetError();
  if (status !== 200) throw new Error(`/api/sync answered ${status}`);
  return body;
}

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  [user] = (await seedUsers(server, 1)) as [SeededUser];
  client = clientOf(server.url, user);
  socket = openSocket(server.url, user);
  wire = new EventEmitter();
  states = [];
  asked = [];
  beforeAnswer = undefined;
  const onChange = ({ rev, tasks }: FollowerState) => states.push({ rev, size: tasks.size });
  follower = new Follower({ readSync, onChange, random: () => 0 });
  follower.follow(wire as never);
  await connected(socket);
});
afterEach(() => {
  follower.stop();
  socket.disconnect();
});

/** Makes a change and returns its event, which the follower has not heard yet. */
async function change(path = '/api/tasks', fields: object = { title: 'Task' }): Promise<Received> {
  const answer = path === '/api/tasks' ? await client.post(path, fields) : await client.patch(path, fields);
  return until(() =>
    socket.received.find(([name, { rev }]) => /^task:/.test(name) && rev === answer.body.rev),
  );
}

const hear = ([name, payload]: Received) => wire.emit(name, payload);

async function expectRight(): Promise<void> {
  const fresh = await freshRead(server.url, user);
  await until(() => follower.state.rev === fresh.rev, `revision ${fresh.rev}`);
  const tasks = [...follower.state.tasks.values()].sort((one, other) => one.id - other.id);
  expect(JSON.stringify(tasks)).toBe(fresh.tasks);
}

describe('an event', () => {
  beforeEach(async () => {
    await change();
    await follower.sync();
  });

  it('that follows on what is known is applied, without asking', async () => {
    const created = await change();
    hear(created);
    hear(await change(`/api/tasks/${created[1].task.id}`, { title: 'Changed' }));
    await expectRight();
    expect(asked).toHaveLength(1);
  });

  it('that is no news is ignored', async () => {
    const [first, second] = [await change(), await change()];
    for (const event of [first, first, second, first, second]) hear(event);
    await expectRight();
    expect(asked).toHaveLength(1);
    expect(states).toHaveLength(3);
  });

  it('that leaves a gap has it ask', async () => {
    await change();
    hear(await change());
    await expectRight();
    expect(asked).toHaveLength(2);
  });

  it('that comes too early has it ask, and the late one is then no news', async () => {
    const [first, second] = [await change(), await change()];
    hear(second);
    hear(first);
    await expectRight();
    expect(asked).toHaveLength(2);
  });

  it('that says what became of a stretch of which a part is known is applied', async () => {
    const [, { rev, task }] = await change();
    hear(['task:updated', { rev, prev_rev: 0, at: task.updated_at, task }]);
    await expectRight();
    expect(asked).toHaveLength(1);
  });

  it('sync:required has it ask', async () => {
    await change();
    wire.emit('sync:required', { rev: 2 });
    await expectRight();
  });

  it('connect has it ask, and so does a socket that is connected already', async () => {
    await change();
    wire.emit('connect');
    await expectRight();
    await change();
    follower.follow(socket as never);
    await expectRight();
    expect(wire.eventNames()).toEqual([]);
  });
});

describe('while it asks', () => {
  it('what it hears is applied on top, without asking again', async () => {
    await change();
    const heard: Received[] = [];
    beforeAnswer = async () => {
      beforeAnswer = undefined;
      heard.push(await change(), await change());
      for (const event of heard) hear(event);
    };
    await follower.sync();
    await expectRight();
    expect(asked).toHaveLength(1);
    expect(states.map(({ rev }) => rev)).toEqual([1, 3]);
  });

  it('what it hears with a gap has it ask once more', async () => {
    beforeAnswer = async () => {
      beforeAnswer = undefined;
      await change();
      hear(await change());
    };
    await follower.sync();
    await expectRight();
    expect(asked).toHaveLength(2);
  });

  it('any number of calls are one more round', async () => {
    beforeAnswer = async () => {
      beforeAnswer = undefined;
      for (let call = 0; call < 10; call++) void follower.sync();
    };
    await follower.sync();
    expect(asked).toHaveLength(2);
  });

  it('no event is taken to follow on a part of the pages', async () => {
    for (let number = 0; number < 8; number++) await change();
    const fourth = socket.received.filter(([name]) => name === 'task:created')[3] as Received;
    beforeAnswer = async () => void hear(fourth);
    await follower.sync();
    await expectRight();
    // All pages were read, and none of the states between passes for one of the server's.
    expect(asked).toHaveLength(3);
    expect(states.map(({ rev }) => rev)).toEqual([0, 0, 8]);
  });

  it('a failure is tried again from where it was', async () => {
    for (let number = 0; number < 5; number++) await change();
    let failures = 0;
    beforeAnswer = async () => {
      if (asked.length >= 2 && failures++ < 2) throw new Error('The network is away');
    };
    await follower.sync();
    await expectRight();
    expect(asked).toHaveLength(4);
    expect(new Set(asked.slice(1)).size).toBe(1);
  });

  it('stats that are older than those heard meanwhile do not replace them', async () => {
    await change();
    beforeAnswer = async () => {
      beforeAnswer = undefined;
      hear(await change());
      const { body } = await client.get('/api/dashboard/stats');
      wire.emit('dashboard:stats', { ...body, rev: 2 });
    };
    await follower.sync();
    expect(follower.state.stats?.total_tasks).toBe(2);
    wire.emit('dashboard:stats', { ...follower.state.stats, total_tasks: 1, rev: 1 });
    expect(follower.state.stats?.total_tasks).toBe(2);
  });
});

describe('a first answer', () => {
  it('replaces what was learnt from events before it, deleted tasks included', async () => {
    const created = await change();
    hear(created);
    expect(follower.state.tasks.size).toBe(1);
    // Lost on the way: only the next event shows that something is missing.
    await client.delete(`/api/tasks/${created[1].task.id}`);
    hear(await change());
    await expectRight();
    expect(asked[0]).toBeUndefined();
    expect(follower.state.tasks.size).toBe(1);
  });
});

describe('a reset', () => {
  it('has it read everything again, and meanwhile it goes on showing what it knew', async () => {
    for (let number = 0; number < 7; number++) await change();
    await follower.sync();
    const [gone] = follower.state.tasks.keys();
    await server.sql('delete from task where id = $1', [gone]);
    await server.sql(`update user_sync set epoch = epoch + 1, medium_total = 6 where user_id = $1`, [
      user.id,
    ]);
    states.length = 0;
    await follower.sync();
    await expectRight();
    expect(follower.state.tasks.has(gone ?? 0)).toBe(false);
    expect(states.map(({ size }) => size)).toEqual([7, 6]);
    expect(asked.at(-2)).toBeUndefined();
  });

  it('to an older state brings the older tasks back', async () => {
    const [, { task }] = await change();
    await change(`/api/tasks/${task.id}`, { title: 'Newer' });
    await follower.sync();
    await server.sql(`update task set title = 'Older', rev = 1 where user_id = $1`, [user.id]);
    await server.sql('update user_sync set epoch = epoch + 1, rev = 1 where user_id = $1', [user.id]);
    await follower.sync();
    await expectRight();
    expect([...follower.state.tasks.values()]).toMatchObject([{ title: 'Older' }]);
  });

  it('of a client that asked for everything is an error like any other: it waits before it asks again', async () => {
    let resets = 0;
    beforeAnswer = async () => {
      if (++resets <= 2) throw new SyncResetError();
    };
    const start = performance.now();
    await follower.sync();
    expect(asked).toEqual([undefined, undefined, undefined]);
    // 200 and 400 milliseconds, less the half that chance may take away.
    expect(performance.now() - start).toBeGreaterThan(250);
  });
});

describe('after stop()', () => {
  it('nothing changes any more, and a sync that waits ends', async () => {
    await change();
    beforeAnswer = async () => {
      throw new Error('The network is away');
    };
    const waiting = follower.sync();
    await until(() => asked.length === 1);
    follower.stop();
    await waiting;
    hear(await change());
    expect(states).toEqual([]);
    expect(follower.state.rev).toBe(0);
  });
});

describe('a wire that loses, doubles and delays at random', () => {
  it(`leaves it right after the next connect (seed ${seed})`, async () => {
    const random = randomFrom(seed);
    const late: Received[] = [];
    socket.onAny((name, payload) => {
      const chance = random();
      if (chance < 0.2) return; // lost
      if (chance < 0.4) late.push([name, payload]);
      else hear([name, payload]);
      if (chance > 0.9) hear([name, payload]);
      if (random() < 0.3) for (const event of late.splice(0).reverse()) hear(event);
    });
    const ids: number[] = [];
    for (let turn = 0; turn < 150; turn++) {
      const id = ids[Math.floor(random() * ids.length)];
      const chance = random();
      if (id === undefined || chance < 0.4)
        ids.push((await client.post('/api/tasks', { title: 'Task' })).body.id);
      else if (chance < 0.7) await client.patch(`/api/tasks/${id}`, { title: `Turn ${turn}` });
      else if (chance < 0.85) await client.delete(`/api/tasks/${id}`);
      else await client.post(`/api/tasks/${id}/restore`);
    }
    wire.emit('connect');
    await expectRight();
  });
});

describe('jittered()', () => {
  it('spreads a pause by half to both sides', () => {
    expect([0, 0.5, 0.999].map((chance) => Math.round(jittered(1_000, () => chance)))).toEqual([
      500, 1_000, 1_499,
    ]);
  });
});
