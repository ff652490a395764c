// Cursors that cannot be served: always 410 with `sync_reset`, never 422, so that a client can always start again.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../src/database/database.ts';
import { applyRetention } from '../src/retention/retention.ts';
import type { AnyBody, Client } from './support/client.ts';
import { freshRead } from './support/follower.ts';
import { clientOf, type SeededUser, seedUsers } from './support/nodes.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let database: Database;
let user: SeededUser;
let client: Client;

beforeAll(async () => {
  server = await startServer();
  const { connection } = server;
  database = new Database({ connection, poolMode: 'session', poolSize: 2, log: () => {} });
});
afterAll(async () => {
  await database.close();
  await server.close();
});
beforeEach(async () => {
  [user] = (await seedUsers(server, 1)) as [SeededUser];
  client = clientOf(server.url, user);
});

async function create(title = 'Task'): Promise<AnyBody> {
  return (await client.post('/api/tasks', { title })).body;
}

async function cursorNow(query = ''): Promise<string> {
  return (await client.get(`/api/sync?${query}`)).body.cursor;
}

async function expectReset(query: string, by = client): Promise<void> {
  const { status, body, headers } = await by.get(`/api/sync?${query}`);
  expect([query.slice(0, 100), status, body.code]).toEqual([query.slice(0, 100), 410, 'sync_reset']);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(body.detail).toMatch(/Start again without a cursor\.$/);
}

describe('a cursor that is not one of ours', () => {
  it.each([
    ['garbage', 'cursor=abc'],
    ['a number', 'cursor=0'],
    ['null', 'cursor=null'],
    ['JSON', `cursor=${encodeURIComponent('[1,2,3]')}`],
    ['a space', 'cursor=%20'],
    ['a NUL', 'cursor=%00'],
    ['a NUL inside', 'cursor=abc%00def'],
    ['a broken escape', 'cursor=%zz'],
    ['bytes that are not UTF-8', 'cursor=%ff%fe'],
    ['quotes', `cursor=${encodeURIComponent("' or 1=1 --")}`],
    ['emoji', `cursor=${encodeURIComponent('🦊')}`],
    ['8,000 letters', `cursor=${'A'.repeat(8_000)}`],
    ['random bytes', `cursor=${randomBytes(64).toString('base64url')}`],
    ['16 bytes', `cursor=${randomBytes(16).toString('base64url')}`],
    ['two values', 'cursor=a&cursor=b'],
    ['two empty values', 'cursor=&cursor='],
  ])('is reset: %s', async (_name, query) => {
    await expectReset(query);
  });

  it('is reset with every single bit of it changed', async () => {
    await create();
    const bytes = Buffer.from(await cursorNow(), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 5) {
      const tampered = Buffer.from(bytes);
      tampered[bit >> 3] = (tampered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await expectReset(`cursor=${tampered.toString('base64url')}`);
    }
  });

  it('is reset when it is ours, but cut, longer, padded or given twice', async () => {
    const cursor = await cursorNow();
    for (const query of [
      cursor.slice(0, -1),
      `${cursor}A`,
      `${cursor}=`,
      `%20${cursor}`,
      `${cursor}%00`,
      `${cursor}&cursor=${cursor}`,
    ]) {
      await expectReset(`cursor=${query}`);
    }
  });

  it('is reset when it is somebody else’s', async () => {
    const [other] = (await seedUsers(server, 1)) as [SeededUser];
    const theirs = clientOf(server.url, other);
    await create();
    // At the same revision, so that nothing but the owner is wrong.
    await theirs.post('/api/tasks', { title: 'Theirs' });
    await expectReset(`cursor=${await cursorNow()}`, theirs);
  });

  it('is reset when it belongs to the listing of tasks', async () => {
    await create();
    await create();
    const { body } = await client.get('/api/tasks?limit=1');
    await expectReset(`cursor=${body.next_cursor}`);
  });

  it('does not hide a wrong limit', async () => {
    const { status } = await client.get('/api/sync?cursor=abc&limit=0');
    expect(status).toBe(422);
  });

  it('is reset even when the client shows the tag of the present state', async () => {
    const { headers } = await client.get('/api/sync');
    const tag = headers.get('etag') ?? '';
    const { status } = await client.get('/api/sync?cursor=abc', { headers: { 'if-none-match': tag } });
    expect(status).toBe(410);
  });
});

describe('a cursor of another time', () => {
  it('from the future is reset: the database has lost what it stands for', async () => {
    await create();
    await create();
    const whole = await cursorNow();
    const half = await cursorNow('limit=1');
    await server.sql('delete from task where user_id = $1', [user.id]);
    await server.sql('update user_sync set rev = 0, medium_total = 0 where user_id = $1', [user.id]);
    await expectReset(`cursor=${whole}`);
    await expectReset(`cursor=${half}`);
  });

  it('of another epoch is reset: a backup has been restored', async () => {
    await create();
    const cursor = await cursorNow();
    const { headers } = await client.get('/api/sync');
    await server.sql('update user_sync set epoch = epoch + 1 where user_id = $1', [user.id]);
    await expectReset(`cursor=${cursor}`);
    const again = await client.get('/api/sync', { headers: { 'if-none-match': headers.get('etag') ?? '' } });
    expect(again.status).toBe(200);
  });

  it('is served before, and reset after the tombstones that it needs have had their 90 days', async () => {
    const [gone, kept] = [await create('Gone'), await create('Kept')];
    const old = await cursorNow();
    const middleOfPages = await cursorNow('limit=1');
    await client.delete(`/api/tasks/${gone.id}`);
    await create('Later');
    const recent = await cursorNow();

    await age(gone.id, '89 days 23 hours');
    await applyRetention(database);
    const { body } = await client.get(`/api/sync?cursor=${old}`);
    expect(body).toMatchObject({ deleted: [{ id: gone.id }], tasks: [{ title: 'Later' }] });

    await age(gone.id, '90 days 1 minute');
    await applyRetention(database);
    expect(await server.sql('select from task where id = $1', [gone.id])).toEqual([]);
    await expectReset(`cursor=${old}`);
    await expectReset(`cursor=${middleOfPages}`);
    expect((await client.get(`/api/sync?cursor=${recent}`)).body).toMatchObject({ tasks: [], deleted: [] });
    const fresh = await freshRead(server.url, user, 1);
    expect(JSON.parse(fresh.tasks)).toMatchObject([{ id: kept.id }, { title: 'Later' }]);
  });

  it('goes on being served in the middle of a first sync that began after the tombstones were gone', async () => {
    const gone = await create('Gone');
    await client.delete(`/api/tasks/${gone.id}`);
    await create('One');
    await create('Two');
    await age(gone.id, '91 days');
    await applyRetention(database);
    const page = await client.get('/api/sync?limit=1');
    const rest = await client.get(`/api/sync?limit=1&cursor=${page.body.cursor}`);
    expect(rest.body).toMatchObject({ tasks: [{ title: 'Two' }], has_more: false });
  });

  it('older than 90 days is still served when nothing it needs is gone', async () => {
    await create();
    const cursor = await cursorNow();
    await server.sql(`update task set updated_at = now() - interval '400 days' where user_id = $1`, [
      user.id,
    ]);
    await applyRetention(database);
    expect((await client.get(`/api/sync?cursor=${cursor}`)).status).toBe(200);
  });
});

describe('two nodes', () => {
  it('serve each other’s cursors', async () => {
    const other = await startServer({ connection: server.connection });
    await create();
    const cursor = await cursorNow('limit=1');
    const { status, body } = await clientOf(other.url, user).get(`/api/sync?cursor=${cursor}`);
    expect([status, body.rev]).toEqual([200, 1]);
    await other.close();
  });

  it('with another SECRET_KEY reset them', async () => {
    const env = { SECRET_KEY: 'another secret key of more than 32' };
    const other = await startServer({ connection: server.connection, env });
    const stranger = clientOf(other.url, user);
    stranger.bearer = undefined;
    const { status, body } = await stranger.get(`/api/sync?cursor=${await cursorNow()}`, {
      headers: { cookie: user.cookie },
    });
    expect([status, body.code]).toEqual([410, 'sync_reset']);
    await other.close();
  });
});

/** Puts a task into the trash and blanks it, that long ago. */
async function age(taskId: number, interval: string): Promise<void> {
  await server.sql(
    `update task set deleted_at = now() - $2::interval, updated_at = now() - $2::interval, purged_at = now() - $2::interval,
       title = '' where id = $1`,
    [taskId, interval],
  );
}
