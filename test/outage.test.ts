// A database that refuses, falls silent, drops connections and comes back: nothing dies, nothing is lost, nobody is lied to.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { migrate } from '../src/database/migrate.ts';
import { type Answer, type AnyBody, Client, signUp } from './support/client.ts';
import { SECRETS } from './support/foreign.ts';
import { databaseOn } from './support/global-setup.ts';
import { expectProblem } from './support/problem.ts';
import {
  dataDirectory,
  freePort,
  type RunningServer,
  type ServerProcess,
  spawnScript,
  startProcess,
  until,
} from './support/process.ts';
import { type DatabaseProxy, startProxy } from './support/proxy.ts';
import { createDatabase, startServer, type TestServer } from './support/server.ts';
import { openRawReader } from './support/slow-reader.ts';
import { query } from './support/sql.ts';

let database: Awaited<ReturnType<typeof createDatabase>>;
let proxy: DatabaseProxy;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await startProxy(database.connection);
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
});

describe('a server that starts before its database', () => {
  const place = dataDirectory();
  afterAll(() => place.remove());
  const start = (): ServerProcess =>
    spawnScript({ cwd: place.directory, env: { PORT: '0', DATABASE_URL: proxy.url, ...SECRETS } });

  it('waits, says so, and is ready once the database is there', async () => {
    await proxy.refuse();
    const server = start();
    try {
      const tries = () =>
        server
          .stdout()
          .match(/The database at 127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\); trying again in/g);
      await until(() => (tries()?.length ?? 0) >= 2);
      expect(server.hasExited()).toBe(false);
      await proxy.resume();
      const url = await until(() => /web {3}(http\S+)/.exec(server.stdout())?.[1]);
      expect((await new Client(url).get('/health')).body.database).toBe('connected');
      expect(server.stderr()).toBe('');
    } finally {
      await proxy.resume();
      server.kill('SIGTERM');
      expect(await server.exited).toBe(0);
    }
  });

  it('says meanwhile at its address that it lives and is not ready', async () => {
    await proxy.refuse();
    const port = await freePort();
    const env = { PORT: String(port), DATABASE_URL: proxy.url, ...SECRETS };
    const server = spawnScript({ cwd: place.directory, env });
    const client = new Client(`http://127.0.0.1:${port}`);
    try {
      const live = await until(() => client.get('/health/live').catch(() => undefined), 'an answer');
      expect([live.status, live.body]).toEqual([200, { status: 'alive' }]);
      const health = await client.get('/health/', { headers: { 'x-request-id': 'mine' } });
      expect([health.status, health.headers.get('x-request-id')]).toEqual([503, 'mine']);
      expect(health.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(health.body).toMatchObject({ status: 'unhealthy', api: 'running', database: 'unreachable' });
      expectProblem(await client.post('/api/tasks', { title: 'Early' }), 'database_error');
      await proxy.resume();
      await until(async () => (await client.get('/health').catch(() => undefined))?.status === 200, 'it');
      expect((await client.get('/api/tasks')).status).toBe(401);
    } finally {
      await proxy.resume();
      server.kill('SIGTERM');
      expect([await server.exited, server.stderr()]).toEqual([0, '']);
    }
  });

  it('can be stopped while it waits, be it for a refusal or for silence', async () => {
    for (const fault of [() => proxy.refuse(), () => proxy.hang()]) {
      await fault();
      const server = start();
      try {
        if (fault.toString().includes('refuse'))
          await until(() => server.stdout().includes('cannot be reached'));
        else await until(() => proxy.open() > 0);
      } finally {
        server.kill('SIGTERM');
        expect([await server.exited, server.stderr()]).toEqual([0, '']);
        await proxy.resume();
      }
    }
  });
});

describe('a server that is told to stop while its database is silent', () => {
  const place = dataDirectory();
  let server: RunningServer;
  let ada: Awaited<ReturnType<typeof signUp>>;
  beforeEach(async () => {
    server = await startProcess({ cwd: place.directory, env: { DATABASE_URL: proxy.url, ...SECRETS } });
    ada = await signUp(server.url);
    expect((await ada.get('/api/tasks')).status).toBe(200);
  });
  afterEach(async () => {
    server.kill('SIGKILL');
    await proxy.resume();
  });
  afterAll(() => place.remove());

  async function stopWhile(waiting: Promise<Answer<AnyBody>>[]): Promise<void> {
    // They are there once another one has been answered on the same way.
    await ada.get('/health/live');
    server.kill('SIGTERM');
    for (const answer of await Promise.all(waiting)) expectProblem(answer, 'overloaded', 503);
    expect([await server.exited, server.stderr()]).toEqual([0, '']);
  }

  it('refuses what still waits, rather than cut it off, and ends with 0', async () => {
    proxy.hang();
    await stopWhile([
      ada.get('/api/tasks'),
      ada.post('/api/tasks', { title: 'Waits' }),
      ada.get('/api/nowhere'),
      ada.post('/api/auth/logout'),
    ]);
  });

  it('does so beside an export that has begun and is not read on', async () => {
    await query(
      database.connection,
      `insert into task (user_id, title, description, created_at, updated_at, rev, created_rev)
       select $1, 'Task ' || number, repeat('x', 900), now(), now(), number, number from generate_series(1, 20000) as number`,
      [ada.user.id],
    );
    const reader = await openRawReader(server.url, '/api/account/export', ada.accessToken);
    await reader.readSome();
    proxy.hang();
    await stopWhile([ada.get('/api/tasks')]);
    expect(reader.isWhole()).toBe(false);
  });
});

describe('a database that falls silent', () => {
  it('is 503 after a while on every route, unhealthy soon, and everything works again afterwards', async () => {
    const server = await startServer({ connection: proxy.connection });
    try {
      const ada = await signUp(server.url);
      const { body: task } = await ada.post('/api/tasks', { title: 'before' });
      // Connections that lie idle are gone, new ones are never answered.
      proxy.hang();
      proxy.cut();
      const [health, ...answers] = await Promise.all([
        ada.get('/health'),
        ada.get('/api/auth/session'),
        ada.get('/api/tasks'),
        ada.post('/api/tasks', { title: 'lost' }),
        ada.post('/api/auth/logout'),
        new Client(server.url).post('/api/auth/login', {
          email: ada.user.email,
          password: 'anything at all',
        }),
      ]);
      expect([health.status, health.body]).toEqual([
        503,
        expect.objectContaining({ status: 'unhealthy', api: 'running', database: 'unreachable' }),
      ]);
      for (const answer of answers)
        expectProblem(answer, answer.body.code === 'overloaded' ? 'overloaded' : 'database_error');
      expect((await ada.get('/health/live')).status).toBe(200);
      await proxy.resume();
      await until(async () => (await ada.get('/health')).status === 200);
      expect((await ada.get('/api/auth/session')).body.user.id).toBe(ada.user.id);
      expect((await ada.get('/api/tasks')).body.tasks).toEqual([task]);
    } finally {
      await proxy.resume();
      await server.close();
    }
  });
});

const ROUNDS = Number(process.env.OUTAGE_ROUNDS ?? 8);

/** Writes until told to stop, each with a key until it is acknowledged. */
class Writer {
  readonly acknowledged: string[] = [];
  readonly statuses = new Map<number, number>();
  readonly #client: Client;
  readonly #name: string;

  constructor(client: Client, name: string) {
    this.#client = client;
    this.#name = name;
  }

  note(answer: Answer<AnyBody>): void {
    this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1);
    if (answer.status === 503) expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  }

  async run(isOver: () => boolean): Promise<void> {
    for (let index = 0; !isOver(); index++) {
      const title = `${this.#name} ${index}`;
      const headers = { 'idempotency-key': randomUUID() };
      for (let status = 0; status !== 201; ) {
        const answer = await this.#client.post('/api/tasks', { title }, { headers });
        this.note(answer);
        status = answer.status;
        if (status !== 201 && status !== 503) throw new Error(`${status}: ${answer.text}`);
      }
      this.acknowledged.push(title);
      const session = await this.#client.get('/api/auth/session');
      this.note(session);
      if (session.status === 200) expect(session.body.user).not.toBeNull();
      this.note(await this.#client.get('/api/tasks?limit=1'));
      this.note(await this.#client.get('/api/auth/get-session'));
      this.note(await this.#client.get('/api/dashboard/overview?days=1'));
    }
  }
}

describe('connections that are ended under load', () => {
  let server: TestServer;

  it.each([
    ['by the server', false],
    ['by the server, on a node that counts its limits in the database', true],
    ['by the network', 'proxy'],
  ] as const)('cost at most a 503, and every acknowledged write is there once: %s', async (_name, how) => {
    const own = await createDatabase();
    const faulty = await startProxy(own.connection);
    server = await startServer({ connection: faulty.connection, shared: how === true });
    try {
      const clients = await Promise.all([signUp(server.url), signUp(server.url), signUp(server.url)]);
      const writers = clients.map((client, index) => new Writer(client, `writer ${index}`));
      let rounds = 0;
      const running = Promise.all(writers.map((writer) => writer.run(() => rounds >= ROUNDS)));
      const breaking = (async () => {
        for (; rounds < ROUNDS; rounds++) {
          const before = writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
          if (how === 'proxy') faulty.cut();
          else
            await server.sql(
              'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
            );
          await until(
            () => writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0) > before + 1,
          );
        }
      })();
      await Promise.all([running, breaking]);
      const statuses = new Set(writers.flatMap((writer) => [...writer.statuses.keys()]));
      expect([...statuses].filter((status) => ![200, 201, 503].includes(status))).toEqual([]);
      const rows = await server.sql<{ title: string }>('select title from task order by title');
      expect(rows.map(({ title }) => title)).toEqual(
        writers.flatMap(({ acknowledged }) => acknowledged).sort(),
      );
      for (const client of clients) {
        const { body } = await client.get('/api/dashboard/stats');
        const owned = rows.filter(({ title }) => title.startsWith(`writer ${clients.indexOf(client)} `));
        expect(body.total_tasks).toBe(owned.length);
      }
      expect(server.logs.filter((line) => /"level":[56]0/.test(line))).toEqual([]);
    } finally {
      await server.close();
      await faulty.close();
      await own.drop();
    }
  });
});

describe('migrating over a connection that breaks', () => {
  it('does all or nothing', async () => {
    const name = `donewell_test_broken_${process.pid}`;
    await query(inject('postgres'), `create database ${name}`);
    const connection = databaseOn(inject('postgres'), name);
    const fragile = await startProxy(connection);
    try {
      for (let attempt = 0; attempt < 5; attempt++) {
        const migrating = migrate(fragile.connection).catch(() => []);
        await until(() => fragile.open() > 0);
        fragile.cut();
        await migrating;
        const [tables] = await query<{ count: number }>(
          connection,
          `select count(*)::integer from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`,
        );
        expect([0, 10]).toContain(tables?.count);
      }
      await migrate(fragile.connection);
      expect(await migrate(fragile.connection)).toEqual([]);
    } finally {
      await fragile.close();
      await query(inject('postgres'), `drop database ${name} with (force)`);
    }
  });
});
