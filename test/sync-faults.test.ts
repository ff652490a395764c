// Nodes that are killed, paused, restarted and cut off, as real processes: nobody misses a change, nobody sees a foreign one.
// DONEWELL_LONG=1 makes it longer.

import type { ClientConfig } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connected, expectConverged, TestFollower } from './support/follower.ts';
import {
  clientOf,
  createSilently,
  type Database,
  type SeededUser,
  seedUsers,
  startNode,
} from './support/nodes.ts';
import { type RunningServer, until } from './support/process.ts';
import { RawSocket } from './support/raw-socket.ts';
import { createDatabase } from './support/server.ts';
import { query } from './support/sql.ts';

const IS_LONG = Boolean(process.env.DONEWELL_LONG);
const KILLS = IS_LONG ? 12 : 2;
const STORM_USERS = IS_LONG ? 400 : 100;
const SOCKETS_EACH = 5;

let connection: ClientConfig;
let dropDatabase: () => Promise<void>;
let database: Database;
/** Never harmed. */
let survivor: RunningServer;
const followers: TestFollower[] = [];
const nodes: RunningServer[] = [];

beforeAll(async () => {
  const created = await createDatabase();
  connection = created.connection;
  dropDatabase = created.drop;
  database = { sql: (text, values) => query(connection, text, values) as never };
  survivor = await startNode(connection);
});
afterAll(async () => {
  expect(await survivor.stop()).toBe(0);
  expect(survivor.stdout()).not.toContain('a defect');
  await dropDatabase();
});
afterEach(async () => {
  for (const follower of followers.splice(0)) follower.close();
  for (const node of nodes.splice(0)) node.kill('SIGKILL');
});

async function victimNode(env: Record<string, string> = {}): Promise<RunningServer> {
  const node = await startNode(connection, env);
  nodes.push(node);
  return node;
}

function follow(url: string, user: SeededUser): TestFollower {
  const follower = new TestFollower(url, user);
  followers.push(follower);
  return follower;
}

const allConnected = () => Promise.all(followers.map(({ socket }) => connected(socket)));

/** Writes through each node in turn until it is told to stop. What fails on a dead node may or may not have been done. */
class Load {
  written = 0;
  #isOver = false;
  readonly #ended: Promise<unknown>;

  constructor(urls: readonly string[], users: readonly SeededUser[]) {
    this.#ended = Promise.all(users.map((user) => this.#write(urls.map((url) => clientOf(url, user)))));
  }

  async #write(clients: ReturnType<typeof clientOf>[]): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      try {
        const { status } =
          (await clients[turn % clients.length]?.post('/api/tasks', { title: `Turn ${turn}` })) ?? {};
        if (status === 201) this.written++;
      } catch {
        // The node is gone.
      }
    }
  }

  async reaches(count: number): Promise<void> {
    const goal = this.written + count;
    await until(() => this.written >= goal, 'writes');
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#ended;
  }
}

async function terminateListeners(): Promise<number> {
  const rows = await database.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'donewell-listener' and datname = current_database()`,
  );
  return rows.length;
}

describe('a change that was committed, and then nobody was told', () => {
  it('is found by the sweep and pushed as an event', async () => {
    const [user] = (await seedUsers(database, 1)) as [SeededUser];
    const follower = follow(survivor.url, user);
    await allConnected();
    await until(() => follower.known.stats, 'the first sync');
    for (const title of ['First', 'Second']) {
      const rev = await createSilently(database, user.id, title);
      await until(() => follower.known.rev === rev, 'the sweep');
      expect(
        follower.received.find(([name, event]) => name === 'task:created' && event.rev === rev),
      ).toMatchObject(['task:created', { prev_rev: rev - 1, task: { title } }]);
    }
    expect(follower.syncs).toBe(1);
    await expectConverged(survivor.url, followers);
  });
});

describe('a node that is killed under load', () => {
  it(`${KILLS} times: its followers, on another node, and those of the others have missed nothing`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = await victimNode();
      const users = await seedUsers(database, 3);
      const moving = users.map((user) => follow(victim.url, user));
      for (const user of users) follow(survivor.url, user);
      await allConnected();
      const load = new Load([victim.url, survivor.url], [...users, ...users]);
      await load.reaches(30 + Math.floor(Math.random() * 60));
      victim.kill('SIGKILL');
      await victim.exited;
      await load.reaches(20);
      // In turn during the load and after it, when no event will follow that could show what is missing.
      if (kill % 2 === 0) await load.stop();
      for (const follower of moving) follower.moveTo(survivor.url);
      await load.stop();
      await expectConverged(survivor.url, followers);
      for (const follower of followers.splice(0)) follower.close();
    }
  }, 240_000);
});

describe('a node that is paused', () => {
  it('tells its followers after it all that happened elsewhere meanwhile', async () => {
    const paused = await victimNode();
    const users = await seedUsers(database, 2);
    for (const user of users) follow(paused.url, user);
    await allConnected();
    const load = new Load([survivor.url], users);
    await load.reaches(20);
    paused.kill('SIGSTOP');
    await load.reaches(60);
    paused.kill('SIGCONT');
    await load.reaches(20);
    await load.stop();
    await expectConverged(paused.url, followers);
  });
});

describe('a node whose listener is cut off again and again', () => {
  it('misses no change of another node', async () => {
    const deaf = await victimNode();
    const users = await seedUsers(database, 3);
    for (const user of users) {
      follow(deaf.url, user);
      follow(survivor.url, user);
    }
    await allConnected();
    const load = new Load([survivor.url, deaf.url], users);
    for (let cut = 0; cut < 5; cut++) {
      await load.reaches(20);
      expect(await until(terminateListeners)).toBeGreaterThan(0);
    }
    await load.stop();
    await expectConverged(deaf.url, followers);
    expect(deaf.stdout()).toContain('The listener has lost its connection');
  });
});

describe('a node that is restarted under load', () => {
  it('ends well, and its followers come back by themselves and have missed nothing', async () => {
    const first = await victimNode();
    const users = await seedUsers(database, 3);
    for (const user of users) follow(first.url, user);
    await allConnected();
    const load = new Load([survivor.url, first.url], users);
    await load.reaches(50);
    expect(await first.stop()).toBe(0);
    const again = await victimNode({ PORT: new URL(first.url).port });
    await until(() => followers.every(({ socket }) => socket.connected), 'the followers');
    await load.reaches(50);
    await load.stop();
    await expectConverged(again.url, followers);
  });
});

describe(`${STORM_USERS * SOCKETS_EACH} sockets of ${STORM_USERS} users that come back at once`, () => {
  it('are all let in, and have missed nothing and seen nothing foreign', async () => {
    const first = await victimNode();
    const users = await seedUsers(database, STORM_USERS);
    for (const user of users) for (let index = 0; index < SOCKETS_EACH; index++) follow(first.url, user);
    await until(() => followers.every(({ socket }) => socket.connected), 'the first connections');
    first.kill('SIGKILL');
    await first.exited;
    await Promise.all(
      users.map((user) => clientOf(survivor.url, user).post('/api/tasks', { title: 'Meanwhile' })),
    );
    const again = await victimNode({ PORT: new URL(first.url).port });
    await until(() => followers.every(({ socket }) => socket.connected), 'all to come back');
    await expectConverged(again.url, followers);
    await Promise.all(
      users.map((user) => clientOf(survivor.url, user).post('/api/tasks', { title: 'After' })),
    );
    await expectConverged(again.url, followers);
    for (const { known } of followers) expect(JSON.parse(known.tasks)).toHaveLength(2);
  }, 240_000);
});

describe('a node that is told to stop', () => {
  it('with a hundred open sockets, one of which reads nothing more, ends with 0, and they go on elsewhere', async () => {
    const leaving = await victimNode();
    const users = await seedUsers(database, 20);
    for (const user of users) {
      for (let index = 0; index < SOCKETS_EACH; index++) {
        const follower = follow(leaving.url, user);
        follower.socket.once('disconnect', () => follower.moveTo(survivor.url));
      }
    }
    await allConnected();
    const [{ token }] = users as [SeededUser];
    const stuck = await RawSocket.signedIn(leaving.url, token);
    stuck.stopReading();
    const load = new Load([leaving.url, survivor.url], users.slice(0, 5));
    await load.reaches(30);
    expect(await leaving.stop()).toBe(0);
    stuck.destroy();
    await until(() => followers.every(({ socket }) => socket.connected), 'the followers elsewhere');
    await load.reaches(10);
    await load.stop();
    await expectConverged(survivor.url, followers);
  });
});
