// GET /api/account/export: all that is one's own, as one moment had it, and nothing else.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import { makeToken, tokenClient } from './support/api-tokens.ts';
import { type AnyBody, Client, PASSWORD } from './support/client.ts';
import { Judge, type OpenApi } from './support/openapi.ts';
import { exportText, linesIn, NDJSON } from './support/portability.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openRawReader } from './support/slow-reader.ts';
import { seedTasks } from './support/tasks.ts';

const EXPORT = '/api/account/export';
let server: TestServer;
let ada: Awaited<ReturnType<typeof seedClient>>;
let live: AnyBody;
let trashed: AnyBody;

beforeAll(async () => {
  server = await startServer();
  ada = await seedClient(server);
  const eve = await seedClient(server);
  await eve.post('/api/tasks', { title: 'Not hers' });
  const given = {
    title: 'If a < b',
    description: 'one\ntwo "three" 🙂',
    category: 'x',
    due_date: '2026-12-31',
  };
  live = (await ada.post('/api/tasks', { ...given, priority: 'high', status: true })).body;
  trashed = (await ada.post('/api/tasks', { title: 'Thrown away' })).body;
  const gone = (await ada.post('/api/tasks', { title: 'Gone for good' })).body;
  await ada.delete(`/api/tasks/${trashed.id}`);
  await ada.delete(`/api/tasks/${gone.id}?permanent=true`);
});
afterAll(() => server.close());

const openTransactions = async () => {
  const [row] = await server.sql<AnyBody>(
    `select count(*)::integer as open from pg_stat_activity
     where datname = current_database() and application_name = 'donewell' and xact_start is not null`,
  );
  return row.open;
};

describe('an export', () => {
  it('has a header, the profile, the tasks with the trash, and an end that counts them', async () => {
    const { status, headers, text } = await ada.get(EXPORT);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(NDJSON);
    expect(headers.get('content-disposition')).toMatch(
      /^attachment; filename="donewell-\d{4}-\d\d-\d\d\.ndjson"$/,
    );
    expect(headers.get('cache-control')).toBe('no-store');
    const trash = (await ada.get('/api/tasks?trashed=true')).body.tasks[0];
    const shown = ({ user_id: _, ...task }: AnyBody) => ({ type: 'task', deleted_at: null, ...task });
    const account = (await ada.get('/api/account')).body;
    expect(linesIn(text)).toEqual([
      {
        type: 'header',
        format: 'donewell-export',
        version: 1,
        exported_at: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
        user_id: ada.account.id,
      },
      { type: 'profile', ...account },
      shown(live),
      shown(trash),
      { type: 'end', tasks: 2, trashed: 1 },
    ]);
    expect(text.endsWith('\n')).toBe(true);
  });

  it('is as the document says, line by line', async () => {
    const document = (await new Client(server.url).get('/openapi.json')).body as OpenApi;
    const judge = new Judge(document);
    const response = judge.responseFor('GET', EXPORT, 200) as { content: Record<string, { schema: object }> };
    expect(Object.keys(response.content)).toEqual([NDJSON]);
    for (const line of linesIn(await exportText(ada)))
      expect([line.type, judge.faults(response.content[NDJSON]?.schema ?? {}, line)]).toEqual([
        line.type,
        [],
      ]);
  });

  it('has no secret in it', async () => {
    const { token } = await makeToken(ada, ['tasks:read']);
    const text = await exportText(ada);
    const secrets = await server.sql<AnyBody>(
      `select password_hash as secret from account where user_id = $1 union all select token from session where user_id = $1`,
      [ada.account.id],
    );
    for (const secret of [token, PASSWORD, ada.accessToken, ...secrets.map((row) => row.secret)])
      expect(text).not.toContain(secret);
    expect(text).not.toMatch(/password|hash|token|session|import_key/i);
  });

  it('is told to the owner’s trail', async () => {
    await ada.get(EXPORT);
    const [event] = await server.sql<AnyBody>(
      'select kind, session_id from security_event where user_id = $1 order by id desc limit 1',
      [ada.account.id],
    );
    expect(event).toEqual({ kind: 'data_exported', session_id: ada.session.id });
  });

  it('needs who it is, and of a token both scopes', async () => {
    expectProblem(await new Client(server.url).get(EXPORT), 'unauthenticated');
    for (const scopes of [['tasks:read'], ['account:read', 'tasks:write']]) {
      const client = tokenClient(server.url, await makeToken(ada, scopes));
      expectProblem(await client.get(EXPORT), 'unauthorized_access');
    }
    const client = tokenClient(server.url, await makeToken(ada, ['tasks:read', 'account:read']));
    expect(linesIn((await client.get(EXPORT)).text)).toHaveLength(5);
    expectProblem(await ada.post(EXPORT), 'method_not_allowed');
  });

  it('answers HEAD as GET, without a body, without reading and without an event', async () => {
    const events = () =>
      server.sql(`select from security_event where user_id = $1 and kind = 'data_exported'`, [
        ada.account.id,
      ]);
    const [got, before] = [await ada.get(EXPORT), await events()];
    const { status, headers, text } = await ada.request('HEAD', EXPORT);
    expect([status, text]).toEqual([200, '']);
    for (const name of ['content-type', 'content-disposition', 'cache-control', 'content-length'])
      expect([name, headers.get(name)]).toEqual([name, got.headers.get(name)]);
    expect(await events()).toEqual(before);
    expect((await new Client(server.url).request('HEAD', EXPORT)).status).toBe(401);
    const reader = tokenClient(server.url, await makeToken(ada, ['tasks:read']));
    expect((await reader.request('HEAD', EXPORT)).status).toBe(403);
  });
});

describe('while it is read', () => {
  const COUNT = 30_000;
  let bob: Awaited<ReturnType<typeof seedClient>>;
  beforeAll(async () => {
    bob = await seedClient(server);
    const description = 'x'.repeat(900);
    for (let made = 0; made < COUNT; made += 5_000)
      await seedTasks(
        server,
        bob.account.id,
        Array.from({ length: 5_000 }, (_, index) => ({ title: `T${made + index}`, description })),
      );
  });

  it('is one moment, whatever changes meanwhile', async () => {
    const reader = await openRawReader(server.url, EXPORT, bob.accessToken);
    await reader.readSome();
    // Far beyond what lies in buffers already: the export has not come to these.
    const [last] = (await bob.get('/api/tasks?sort=title&order=desc&limit=1&q=T29999')).body.tasks;
    await bob.patch(`/api/tasks/${last.id}`, { title: 'Changed' });
    const added = (await bob.post('/api/tasks', { title: 'Added' })).body;
    const text = await reader.readAll();
    const lines = linesIn(text);
    expect(lines.at(-1)).toEqual({ type: 'end', tasks: COUNT, trashed: 0 });
    expect(lines.at(-2)).toMatchObject({ id: last.id, title: 'T29999' });
    expect(text).not.toContain('"Added"');
    await bob.delete(`/api/tasks/${added.id}?permanent=true`);
  });

  it('frees its connection when the reader goes away, and its place with it', async () => {
    for (let round = 0; round < 3; round++) {
      const readers = await Promise.all([1, 2].map(() => openRawReader(server.url, EXPORT, bob.accessToken)));
      await Promise.all(readers.map((reader) => reader.readSome()));
      // Two of one user is all there may be.
      expectProblem(await bob.get(EXPORT), 'overloaded');
      expect((await ada.get(EXPORT)).status).toBe(200);
      for (const reader of readers) reader.leave();
      await until(async () => (await openTransactions()) === 0, 'the end of the transactions');
    }
    expect(linesIn(await exportText(bob)).at(-1)).toMatchObject({ tasks: COUNT });
  });

  it('keeps nobody else waiting, however many read slowly', async () => {
    const eve = await seedClient(server);
    const description = 'x'.repeat(900);
    await seedTasks(
      server,
      eve.account.id,
      Array.from({ length: 10_000 }, (_, index) => ({ title: `T${index}`, description })),
    );
    const readers = [
      await openRawReader(server.url, EXPORT, bob.accessToken),
      await openRawReader(server.url, EXPORT, bob.accessToken),
      await openRawReader(server.url, EXPORT, eve.accessToken),
    ];
    await Promise.all(readers.map((reader) => reader.readSome()));
    const { headers } = await ada.get(EXPORT);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    const statuses = await Promise.all(
      Array.from(
        { length: 40 },
        async (_, index) => (await ada.post('/api/tasks', { title: `N${index}` })).status,
      ),
    );
    expect(new Set(statuses)).toEqual(new Set([201]));
    for (const reader of readers) reader.leave();
    await until(async () => (await ada.get(EXPORT)).status === 200, 'a free place');
  });

  it('breaks off without its last line when the database goes away', async () => {
    const reader = await openRawReader(server.url, EXPORT, bob.accessToken);
    await reader.readSome();
    const ended = await server.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'donewell' and xact_start is not null`,
    );
    expect(ended.length).toBeGreaterThan(0);
    const text = await reader.readAll().catch(() => reader.text());
    expect(reader.isWhole()).toBe(false);
    expect(text).not.toContain('"type":"end"');
    await until(async () => (await bob.get(EXPORT)).status === 200, 'a free place');
  });

  it('leaves nothing open when the server stops meanwhile', async () => {
    const other = await startServer({ connection: server.connection, shared: true });
    const reader = await openRawReader(other.url, EXPORT, bob.accessToken);
    await reader.readSome();
    other.app.server.closeAllConnections();
    await other.close();
    await until(async () => (await openTransactions()) === 0, 'the end of the transaction');
    reader.leave();
  });
});
