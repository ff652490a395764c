// POST /api/account/import: all of a file or nothing of it, and nothing twice.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import { makeToken, tokenClient } from './support/api-tokens.ts';
import { type AnyBody, Client } from './support/client.ts';
import { expectConverged, TestFollower } from './support/follower.ts';
import { seedSession } from './support/nodes.ts';
import { exportOf, exportText, importFile, linesIn, listingsOf, NDJSON } from './support/portability.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { allPages, countersOf } from './support/tasks.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof seedClient>>;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  ada = await seedClient(server);
});

const titles = async (client: Client = ada, query = 'sort=created_at&order=asc') =>
  (await allPages(client, query)).map(({ title }) => title);
const ndjson = { type: NDJSON };
const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();

/** A history with everything in it. */
async function live(client: Client): Promise<void> {
  const make = async (task: object) => (await client.post('/api/tasks', task)).body.id as number;
  const ids: number[] = [];
  for (const [index, title] of [
    'If a < b',
    'Ünïcode 🙂',
    'O’Brien; DROP TABLE',
    '"quoted", comma',
    '=1+1',
  ].entries())
    ids.push(
      await make({
        title,
        description: index % 2 === 0 ? `line one\nline two\t${title}` : null,
        category: ['home', 'work', null][index % 3],
        priority: (index % 3) + 1,
        due_date: index === 1 ? null : `2026-0${index + 1}-15`,
      }),
    );
  const [first, second, third, fourth] = ids;
  await client.patch(`/api/tasks/${fourth}/complete`);
  await client.patch(`/api/tasks/${first}`, { title: 'If a < b, then' });
  await client.delete(`/api/tasks/${second}`);
  await client.delete(`/api/tasks/${third}`);
  await client.post(`/api/tasks/${third}/restore`);
  await client.delete(`/api/tasks/${await make({ title: 'Gone for good' })}?permanent=true`);
}

describe('a round trip', () => {
  it('into a fresh account gives every listing, the trash and the figures again', async () => {
    await live(ada);
    const file = await exportText(ada);
    const bob = await seedClient(server);
    const { status, body } = await importFile(bob, file, ndjson);
    expect([status, body]).toEqual([
      200,
      {
        format: 'ndjson',
        dry_run: false,
        tasks: 5,
        created: 5,
        already_there: 0,
        expired: 0,
        warnings: [],
        warnings_total: 0,
      },
    ]);
    expect(await listingsOf(bob)).toEqual(await listingsOf(ada));
    const figures = async (client: Client) => {
      const {
        generated_at: _,
        recent_tasks,
        stats,
        ...rest
      } = (await client.get('/api/dashboard/overview')).body;
      const recent = recent_tasks.map(({ title }: AnyBody) => title);
      return { ...rest, recent, stats: { ...stats, updated_at: '' } };
    };
    expect(await figures(bob)).toEqual(await figures(ada));
    const { kept, counted } = await countersOf(server, bob.account.id);
    expect(kept).toEqual(counted);
    expect(kept.rev).toBe(5);
    // And once more, from the second account.
    const eve = await seedClient(server);
    await importFile(eve, await exportText(bob), ndjson);
    expect(await listingsOf(eve)).toEqual(await listingsOf(ada));
  });

  it('into an account that has been used keeps later revisions at later times', async () => {
    await live(ada);
    const bob = await seedClient(server);
    await bob.post('/api/tasks', { title: 'Before' });
    expect((await importFile(bob, await exportText(ada), ndjson)).body.created).toBe(5);
    const rows = await server.sql<AnyBody>(
      'select rev, updated_at from task where user_id = $1 order by rev',
      [bob.account.id],
    );
    expect(rows.map(({ rev }) => Number(rev))).toEqual([1, 2, 3, 4, 5, 6]);
    const times = rows.map(({ updated_at }) => updated_at.getTime());
    expect(times).toEqual([...times].sort((one, other) => one - other));
  });

  it('into the very account changes nothing, and brings back only what is gone for good', async () => {
    await live(ada);
    const before = await listingsOf(ada);
    const file = await exportText(ada);
    const [row] = await server.sql<AnyBody>('select rev from user_sync where user_id = $1', [ada.account.id]);
    expect((await importFile(ada, file, ndjson)).body).toMatchObject({ created: 0, already_there: 5 });
    expect(await listingsOf(ada)).toEqual(before);
    expect(await server.sql('select rev from user_sync where user_id = $1', [ada.account.id])).toEqual([row]);
    const [gone] = (await ada.get('/api/tasks?limit=1')).body.tasks;
    await ada.delete(`/api/tasks/${gone.id}?permanent=true`);
    for (const [created, already_there] of [
      [1, 4],
      [0, 5],
    ])
      expect((await importFile(ada, file, ndjson)).body).toMatchObject({ created, already_there });
    expect((await titles()).sort()).toEqual(
      before['sort=created_at&order=asc']?.map(({ title }) => title).sort(),
    );
  });
});

describe('the same file again', () => {
  const CSV = 'title,priority\nMilk,1\nMilk,1\nBread,2\n';

  it('makes nothing, not even of equal rows, and of a longer one only what is new', async () => {
    expect((await importFile(ada, CSV)).body).toMatchObject({ tasks: 3, created: 3, already_there: 0 });
    expect((await importFile(ada, CSV)).body).toMatchObject({ tasks: 3, created: 0, already_there: 3 });
    // Saved by another program: other quotes, line ends, order of columns, a mark at the start.
    const saved =
      '\ufeff"priority";"title"\r\n"1";"Milk"\r\n"1";"Milk"\r\n"2";"Bread"\r\n"1";"Milk"\r\n3;Eggs\r\n';
    expect((await importFile(ada, saved)).body).toMatchObject({ tasks: 5, created: 2, already_there: 3 });
    expect((await titles()).sort()).toEqual(['Bread', 'Eggs', 'Milk', 'Milk', 'Milk']);
  });

  it('makes nothing of what was changed or trashed meanwhile, but again what was deleted for good', async () => {
    await importFile(ada, CSV);
    const [bread, ...milk] = (await allPages(ada, 'sort=title&order=asc')).map(({ id }) => id);
    await ada.patch(`/api/tasks/${bread}`, { title: 'Rye bread' });
    await ada.delete(`/api/tasks/${milk[0]}`);
    expect((await importFile(ada, CSV)).body).toMatchObject({ created: 0, already_there: 3 });
    await ada.delete(`/api/tasks/${milk[1]}?permanent=true`);
    expect((await importFile(ada, CSV)).body).toMatchObject({ created: 1, already_there: 2 });
    expect((await titles()).sort()).toEqual(['Milk', 'Rye bread']);
  });

  it('is the account’s own business', async () => {
    const bob = await seedClient(server);
    await importFile(ada, CSV);
    expect((await importFile(bob, CSV)).body.created).toBe(3);
    const file = exportOf([{}, {}], { user_id: ada.account.id });
    expect((await importFile(bob, file, ndjson)).body.created).toBe(2);
    expect(await titles(bob)).toHaveLength(5);
    expect(await titles()).toHaveLength(3);
  });

  it('with one Idempotency-Key gives the first answer again, and refuses another file', async () => {
    const headers = { 'idempotency-key': 'import-1' };
    const first = await importFile(ada, CSV, { headers });
    const again = await importFile(ada, CSV, { headers });
    expect(first.body.created).toBe(3);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expectProblem(await importFile(ada, `${CSV}x,1\n`, { headers }), 'idempotency_key_reused');
    const wrong = await importFile(ada, 'title,done\n"",yes\n', {
      headers: { 'idempotency-key': 'import-2' },
    });
    const wrongAgain = await importFile(ada, 'title,done\n"",yes\n', {
      headers: { 'idempotency-key': 'import-2' },
    });
    expectProblem(wrong, 'validation_error');
    expect(wrongAgain.body).toEqual(wrong.body);
    expect(wrongAgain.headers.get('idempotency-replayed')).toBe('true');
    expectProblem(await importFile(ada, CSV, { headers: { 'idempotency-key': 'ü' } }), 'validation_error');
  });
});

describe('a dry run', () => {
  it('answers the same and writes nothing', async () => {
    const file = 'title\nA\nB\n';
    const query = '?dry_run=true';
    const state = () => server.sql('select * from user_sync where user_id = $1', [ada.account.id]);
    const before = await state();
    const dry = await importFile(ada, file, { query, headers: { 'idempotency-key': 'dry' } });
    expect([dry.status, dry.body]).toMatchObject([200, { dry_run: true, created: 2, already_there: 0 }]);
    expect(await state()).toEqual(before);
    expect(await titles()).toEqual([]);
    const real = await importFile(ada, file);
    expect(real.body).toEqual({ ...dry.body, dry_run: false });
    expect((await importFile(ada, file, { query })).body).toMatchObject({ created: 0, already_there: 2 });
    expectProblem(await importFile(ada, 'title,done\n"",yes\n', { query }), 'validation_error');
    expectProblem(await importFile(ada, file, { query: '?dry_run=yes' }), 'validation_error');
  });
});

describe('text that is imported', () => {
  it('is cleaned and kept as any other: formulas are text, markup does no harm', async () => {
    const rows = [
      ['=cmd|"/c calc"!A1', '=cmd|"/c calc"!A1'],
      ['+1 day, -2, @x', '+1 day, -2, @x'],
      ['  a < b && c > d  ', 'a < b && c > d'],
      ['<img src=x onerror=alert(1)>Hello', 'Hello'],
      ["Robert'); DROP TABLE students;--", "Robert'); DROP TABLE students;--"],
      ['e\u0301\u202e🙂', '\u00e9🙂'],
    ] as const;
    const csv = `title,description\n${rows.map(([text]) => `"${text.replaceAll('"', '""')}","line\r\nbreak"`).join('\n')}\n`;
    expect((await importFile(ada, csv)).status).toBe(200);
    expect(await titles()).toEqual(rows.map(([, stored]) => stored));
    expect(new Set((await allPages(ada, '')).map(({ description }) => description))).toEqual(
      new Set(['line\nbreak']),
    );
    const bob = await seedClient(server);
    await importFile(bob, exportOf(rows.map(([title]) => ({ title }))), ndjson);
    expect(await titles(bob)).toEqual(rows.map(([, stored]) => stored));
  });
});

describe('times', () => {
  it('of an export are kept, but none is in the future, and the trash has its end', async () => {
    const future = new Date(Date.now() + 86_400_000).toISOString();
    const file = exportOf([
      { title: 'a', created_at: '2020-02-29T10:00:00.123+02:00', updated_at: '2021-01-01T00:00:00Z' },
      { title: 'b', created_at: future, updated_at: future, status: true, completed_at: future },
      { title: 'c', status: true, completed_at: null, updated_at: '2022-01-01T00:00:00.000Z' },
      { title: 'd', status: false, completed_at: '2022-01-01T00:00:00.000Z' },
      { title: 'e', deleted_at: ago(29), updated_at: ago(29) },
      { title: 'f', deleted_at: ago(31), updated_at: ago(31) },
    ]);
    const started = Date.now();
    expect((await importFile(ada, file, ndjson)).body).toMatchObject({ tasks: 6, created: 5, expired: 1 });
    const [a, c, d, b] = await allPages(ada, 'sort=created_at&order=asc');
    expect([a.created_at, a.updated_at]).toEqual(['2020-02-29T08:00:00.123Z', '2021-01-01T00:00:00.000Z']);
    for (const time of [b.created_at, b.updated_at, b.completed_at]) {
      expect(Date.parse(time)).toBeGreaterThanOrEqual(started - 1_000);
      expect(Date.parse(time)).toBeLessThanOrEqual(Date.now() + 1_000);
    }
    expect(c.completed_at).toBe('2022-01-01T00:00:00.000Z');
    expect(d).toMatchObject({ status: false, completed_at: null });
    const trash = await allPages(ada, 'trashed=true');
    expect(trash.map(({ title }) => title)).toEqual(['e']);
    expect((await ada.post(`/api/tasks/${trash[0].id}/restore`)).status).toBe(200);
  });
});

describe('what a file is', () => {
  it('is told by its type or by format, and else asked for', async () => {
    const csv = 'title\nx\n';
    for (const type of ['text/csv', 'text/csv; charset=utf-8', 'APPLICATION/CSV'])
      expect((await importFile(ada, csv, { type })).body.format).toBe('csv');
    expect((await importFile(ada, exportOf([]), ndjson)).body).toMatchObject({ format: 'ndjson', tasks: 0 });
    for (const type of ['text/plain', 'application/json', 'application/octet-stream'])
      expect((await importFile(ada, csv, { type, query: '?format=csv' })).status).toBe(200);
    for (const type of ['text/plain', 'application/json', 'multipart/form-data; boundary=x'])
      expectProblem(await importFile(ada, csv, { type }), 'unsupported_media_type');
    const headers = { 'content-encoding': 'gzip' };
    expectProblem(await importFile(ada, csv, { headers }), 'unsupported_media_type');
    expectProblem(await importFile(ada, csv, { query: '?format=xls' }), 'validation_error');
    expectProblem(await ada.post('/api/account/import'), 'unsupported_media_type');
    expectProblem(await ada.get('/api/account/import'), 'method_not_allowed');
  });

  it('may be larger than other bodies, here and nowhere else', async () => {
    const csv = `title\n${Array.from({ length: 3_000 }, (_, index) => `Task ${index} ${'x'.repeat(100)}`).join('\n')}\n`;
    expect(csv.length).toBeGreaterThan(300_000);
    expect((await importFile(ada, csv)).body.created).toBe(3_000);
    expectProblem(await ada.post('/api/tasks', { title: 'x'.repeat(70_000) }), 'payload_too_large');
  });
});

describe('who may', () => {
  it('is whoever is signed in, or has a token with tasks:write, from an allowed page', async () => {
    const csv = 'title\nx\n';
    expectProblem(await importFile(new Client(server.url), csv), 'unauthenticated');
    const reading = tokenClient(server.url, await makeToken(ada, ['tasks:read', 'account:read']));
    expectProblem(await importFile(reading, csv), 'unauthorized_access');
    const writing = tokenClient(server.url, await makeToken(ada, ['tasks:write']));
    expect((await importFile(writing, csv)).body.created).toBe(1);
    const headers = { origin: 'https://evil.example' };
    expectProblem(await importFile(ada, csv, { headers }), 'unauthorized_access');
    const [event] = await server.sql<AnyBody>(
      `select kind, details from security_event where user_id = $1 order by id desc limit 1`,
      [ada.account.id],
    );
    expect(event).toEqual({ kind: 'data_imported', details: { token: expect.any(String), tasks: 1 } });
  });
});

describe('progress', () => {
  const csv = `title\n${Array.from({ length: 2_500 }, (_, index) => `T${index}`).join('\n')}\n`;
  const lines = async (options: { headers?: Record<string, string>; query?: string } = {}, file = csv) => {
    const answer = await importFile(ada, file, {
      ...options,
      headers: { accept: NDJSON, ...options.headers },
    });
    return { answer, told: typeof answer.body === 'string' ? linesIn(answer.body) : [] };
  };

  it('is told line by line to who asks for it, and ends with the result', async () => {
    const { answer, told } = await lines();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, NDJSON]);
    const progress = told.slice(0, -1);
    expect(progress.length).toBeGreaterThanOrEqual(3);
    expect(new Set(progress.map(({ type, total }) => `${type} ${total}`))).toEqual(
      new Set(['progress 2500']),
    );
    const done = progress.map((line) => line.done);
    expect(done).toEqual([...done].sort((one, other) => one - other));
    expect(done.at(-1)).toBe(2_500);
    expect(told.at(-1)).toMatchObject({ type: 'result', format: 'csv', created: 2_500, already_there: 0 });
  });

  it('does not come where nothing is written: faults and dry runs are answered as ever', async () => {
    expectProblem((await lines({}, 'title,done\n"",yes\nx,no\n')).answer as never, 'validation_error');
    expect((await lines({ query: '?dry_run=true' })).answer.body).toMatchObject({ created: 2_500 });
  });

  it('with an Idempotency-Key ends with the answer that was kept', async () => {
    const headers = { 'idempotency-key': 'progress' };
    const [one, two] = [await lines({ headers }), await lines({ headers })];
    expect(two.told.at(-1)).toEqual(one.told.at(-1));
    const other = await lines({ headers }, 'title\nother\n');
    expect(other.told).toEqual([
      { type: 'problem', problem: expect.objectContaining({ code: 'idempotency_key_reused', status: 422 }) },
    ]);
  });
});

describe('followers', () => {
  it('hear of a small import task by task, are told to sync after a big one, and have all of both', async () => {
    const user = await seedSession(server, ada.account.id);
    const follower = new TestFollower(server.url, user);
    await until(() => follower.socket.connected && follower.syncs > 0, 'the follower');
    await importFile(ada, 'title\na\nb\nc\n');
    await expectConverged(server.url, [follower]);
    expect(follower.received.filter(([name]) => name === 'task:created')).toHaveLength(3);
    await importFile(ada, `title\n${Array.from({ length: 3_000 }, (_, index) => `T${index}`).join('\n')}\n`);
    await until(() => follower.received.some(([name]) => name === 'sync:required'), 'sync:required');
    await expectConverged(server.url, [follower]);
    expect(follower.received.filter(([name]) => name === 'task:created')).toHaveLength(3);
    expect(JSON.parse(follower.known.tasks)).toHaveLength(3_003);
    follower.close();
  });
});
