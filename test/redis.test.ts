// With REDIS_URL: hints of changes and rate limits go through Redis, and go on without it while it is away.
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connected, expectConverged, TestFollower } from './support/follower.ts';
import { clientOf, type SeededUser, seedUsers } from './support/nodes.ts';
import { until } from './support/process.ts';
import { type DatabaseProxy, startProxy } from './support/proxy.ts';
import { startServer, type TestServer } from './support/server.ts';

const REDIS = process.env.TEST_REDIS_URL;
const CHANNEL = 'donewell_changes';
const LIMIT = 8;

let network: DatabaseProxy;
let env: Record<string, string>;
let nodes: [TestServer, TestServer];
let redis: Redis;
let postgres: pg.Client;
/** Hints that went by, in Redis and in PostgreSQL. */
const hints: { redis: string[]; postgres: string[] } = { redis: [], postgres: [] };
const followers: TestFollower[] = [];

async function setUp(url: string): Promise<void> {
  const { hostname, port, username, password } = new URL(url);
  network = await startProxy({ connectionString: `redis://${hostname}:${port || 6379}` });
  const login = password === '' ? '' : `${username}:${password}@`;
  env = { REDIS_URL: `redis://${login}127.0.0.1:${network.connection.port}` };
  const first = await startServer({ env, shared: true });
  nodes = [first, await startServer({ env, shared: true, connection: first.connection })];
  redis = new Redis(url);
  await redis.subscribe(CHANNEL);
  redis.on('message', (_channel, payload) => hints.redis.push(payload));
  postgres = new pg.Client(first.connection);
  await postgres.connect();
  await postgres.query(`listen ${CHANNEL}`);
  postgres.on('notification', ({ payload = '' }) => hints.postgres.push(payload));
}

/** A user who follows on both nodes. */
async function newUser(): Promise<SeededUser> {
  const [user] = (await seedUsers(nodes[0], 1)) as [SeededUser];
  followers.push(...nodes.map(({ url }) => new TestFollower(url, user)));
  await Promise.all(followers.map(({ socket }) => connected(socket)));
  await until(() => followers.every(({ known }) => known.stats), 'the first syncs');
  return user;
}

async function write(user: SeededUser, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    const { status } = await clientOf(nodes[turn % 2 === 0 ? 0 : 1].url, user).post('/api/tasks', {
      title: 'Task',
    });
    expect(status).toBe(201);
  }
}

const isHintOf = (user: SeededUser) => (payload: string) => payload.includes(user.id);

describe.skipIf(REDIS === undefined)(
  REDIS ? 'with Redis' : 'with Redis (skipped: TEST_REDIS_URL is not set)',
  () => {
    beforeAll(() => setUp(REDIS ?? ''));
    afterAll(async () => {
      redis.disconnect();
      await postgres.end();
      await nodes[1].close();
      await nodes[0].close();
      await network.close();
    });
    afterEach(() => {
      for (const follower of followers.splice(0)) follower.close();
    });

    it('hints go through it and not through PostgreSQL, and say nothing of what changed', async () => {
      const user = await newUser();
      await write(user, 6);
      await expectConverged(nodes[1].url, followers);
      await until(() => hints.redis.some((payload) => payload.includes(`["${user.id}",6]`)), 'the hint');
      expect(hints.postgres.filter(isHintOf(user))).toEqual([]);
      for (const payload of hints.redis) expect(payload).toMatch(/^\[(\["[0-9a-f-]{36}",\d+\],?)+\]$/);
      // By events alone: nobody had to ask.
      expect(followers.map(({ syncs }) => syncs)).toEqual([1, 1]);
    });

    it('nothing is missed while it is away, comes back, hangs and goes on', async () => {
      const user = await newUser();
      await write(user, 4);
      await network.refuse();
      await write(user, 6);
      await expectConverged(nodes[0].url, followers);
      await network.resume();
      await write(user, 6);
      await expectConverged(nodes[1].url, followers);
      network.hang();
      await write(user, 2);
      await expectConverged(nodes[0].url, followers);
      await network.resume();
      network.cut();
      await write(user, 4);
      await expectConverged(nodes[1].url, followers);
      expect(hints.postgres.some(isHintOf(user))).toBe(true);
    });

    it('hints go through it again once it is back', async () => {
      const user = await newUser();
      await until(async () => {
        await write(user, 1);
        return hints.redis.some(isHintOf(user));
      }, 'a hint in Redis');
      await expectConverged(nodes[0].url, followers);
    });

    it('a message that is no hint harms nobody', async () => {
      const user = await newUser();
      const publisher = new Redis(REDIS ?? '');
      const odd = [
        '',
        'x',
        '{}',
        '[]',
        '[1]',
        '[[1,2]]',
        '[["a","b"]]',
        `[["${user.id}",1e99]]`,
        `[["${user.id}",999]]`,
      ];
      for (const payload of odd) await publisher.publish(CHANNEL, payload);
      await write(user, 4);
      await expectConverged(nodes[0].url, followers);
      publisher.disconnect();
    });

    it('requests are counted together by all nodes, and without it, too', async () => {
      const limited = { ...env, RATE_LIMIT_REQUESTS: String(LIMIT), RATE_LIMIT_WINDOW: '600' };
      const { connection } = nodes[0];
      const pair = [
        await startServer({ env: limited, shared: true, connection }),
        await startServer({ env: limited, shared: true, connection }),
      ] as const;
      const count = async (user: SeededUser) => {
        const statuses: number[] = [];
        for (let turn = 0; turn < LIMIT + 4; turn++)
          statuses.push((await clientOf(pair[turn % 2 === 0 ? 0 : 1].url, user).get('/api/tasks')).status);
        return statuses;
      };
      const expected = Array.from({ length: LIMIT + 4 }, (_, turn) => (turn < LIMIT ? 200 : 429));
      const [one, other] = (await seedUsers(nodes[0], 2)) as [SeededUser, SeededUser];
      expect(await count(one)).toEqual(expected);
      await network.refuse();
      expect(await count(other)).toEqual(expected);
      await network.resume();
      for (const node of pair) await node.close();
    });
  },
);
