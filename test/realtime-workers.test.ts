// Several workers behind one port: every request of a polling client may reach another one, and it must not matter.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ClientConfig } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { expectConverged, type SocketSettings, TestFollower } from './support/follower.ts';
import {
  clientOf,
  type Database,
  type SeededUser,
  seedSession,
  seedUsers,
  startNode,
} from './support/nodes.ts';
import { type RunningServer, until } from './support/process.ts';
import { createDatabase } from './support/server.ts';
import { query } from './support/sql.ts';

const USERS = 8;

let connection: ClientConfig;
let dropDatabase: () => Promise<void>;
let database: Database;
let server: RunningServer;
let temporary: string;
let users: SeededUser[];
const followers: TestFollower[] = [];
/** Workers that have had a connection. */
const owners = new Set<string | undefined>();

beforeAll(async () => {
  const created = await createDatabase();
  connection = created.connection;
  dropDatabase = created.drop;
  database = { sql: (text, values) => query(connection, text, values) as never };
  temporary = mkdtempSync(path.join(tmpdir(), 'donewell-test-workers-'));
  server = await startNode(connection, { WORKERS: '2', TMPDIR: temporary });
  users = await seedUsers(database, USERS);
});
afterAll(async () => {
  await server.stop();
  rmSync(temporary, { recursive: true, force: true });
  await dropDatabase();
});
afterEach(() => {
  for (const follower of followers.splice(0)) follower.close();
});

function follow(settings: SocketSettings): void {
  for (const user of users) followers.push(new TestFollower(server.url, user, settings));
}

const allConnected = () => until(() => followers.every(({ socket }) => socket.connected), 'all connections');

async function writeForAll(): Promise<void> {
  await Promise.all(users.map((user) => clientOf(server.url, user).post('/api/tasks', { title: 'Task' })));
}

/** Process ids of the workers. */
function workers(): number[] {
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8');
  return children.trim().split(/\s+/).map(Number);
}

describe('with WORKERS=2', () => {
  it.each([
    ['clients that poll first and upgrade, as they do by default', ['polling', 'websocket'], 'websocket'],
    ['clients that only poll', ['polling'], 'polling'],
    ['clients by WebSocket', ['websocket'], 'websocket'],
  ])('%s connect at the first attempt and miss nothing', async (_who, transports, settled) => {
    const failures: string[] = [];
    follow({ transports });
    for (const { socket } of followers) {
      socket.on('connect_error', ({ message }) => failures.push(message));
      socket.on('disconnect', (reason) => failures.push(reason));
    }
    await allConnected();
    for (let round = 0; round < 5; round++) await writeForAll();
    const engines = followers.map(({ socket }) => socket.io.engine);
    await until(() => engines.every(({ transport }) => transport.name === settled), 'the upgrades');
    for (let round = 0; round < 5; round++) await writeForAll();
    await expectConverged(server.url, followers);
    expect(failures).toEqual([]);
    for (const { id } of engines) owners.add(/^w\d+-/.exec(String(id))?.[0]);
    expect(server.stdout()).not.toContain('Session ID unknown');
    expect(new Set(followers.map(({ syncs }) => syncs))).toEqual(new Set([1]));
  });

  it('hundreds of clients that poll come and go, and none is turned away', async () => {
    const failures: string[] = [];
    for (let round = 0; round < 40; round++) {
      for (let times = 0; times < 3; times++) follow({ transports: ['polling'] });
      for (const { socket } of followers) socket.on('connect_error', ({ message }) => failures.push(message));
      await until(() => failures.length > 0 || followers.every(({ socket }) => socket.connected));
      for (const follower of followers.splice(0)) follower.close();
    }
    expect(failures).toEqual([]);
  });

  it('both workers have had some of them', () => {
    expect(owners.size).toBe(2);
  });

  it('a connection of a worker that is not there is unknown, as to any server', async () => {
    const client = new Client(server.url);
    for (const sid of [
      'w99-unknown',
      'w0-unknown',
      'w-1-unknown',
      'w1-unknown',
      'w2-unknown',
      'w999999999-/../x',
      '../x',
    ]) {
      const { status, body } = await client.get(
        `/socket.io/?EIO=4&transport=polling&sid=${encodeURIComponent(sid)}`,
      );
      expect([sid, status, body]).toEqual([sid, 400, { code: 1, message: 'Session ID unknown' }]);
    }
  });

  it('a session that ends takes its sockets with it, whichever worker has them', async () => {
    const session = await seedSession(database, users[0]?.id ?? '');
    for (let index = 0; index < 6; index++)
      followers.push(new TestFollower(server.url, session, { transports: ['polling'] }));
    await allConnected();
    expect((await clientOf(server.url, session).post('/api/auth/logout')).status).toBe(200);
    await until(() =>
      followers.every(({ received }) => received.some(([name]) => name === 'session:revoked')),
    );
    await until(() => followers.every(({ socket }) => !socket.active), 'the disconnects');
  });

  it('a worker that is killed is replaced, and its clients come back and have missed nothing', async () => {
    follow({ transports: ['polling', 'websocket'] });
    const upgrading = [...followers];
    follow({ transports: ['polling'] });
    await allConnected();
    // No connection is being opened any more: Node loses one that it has just handed to a worker that dies.
    await until(() => upgrading.every(({ socket }) => socket.io.engine.transport.name === 'websocket'));
    const [victim = 0, other = 0] = workers();
    process.kill(victim, 'SIGKILL');
    await until(() => workers().length === 2 && !workers().includes(victim), 'another worker');
    expect(workers()).toContain(other);
    await writeForAll();
    await allConnected();
    await expectConverged(server.url, followers);
  });

  it('a stop with open sockets ends with 0 and leaves nothing behind', async () => {
    follow({ transports: ['polling', 'websocket'] });
    follow({ transports: ['polling'] });
    await allConnected();
    expect(readdirSync(temporary)).toHaveLength(1);
    expect(await server.stop()).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });
});
