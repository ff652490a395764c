// Catching up over HTTP: everything, then what changed since, in one loop; each page one moment's truth.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AnyBody, Client } from './support/client.ts';
import { freshRead } from './support/follower.ts';
import { clientOf, type SeededUser, seedUsers } from './support/nodes.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let user: SeededUser;
let client: Client;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  [user] = (await seedUsers(server, 1)) as [SeededUser];
  client = clientOf(server.url, user);
});

async function create(title: string): Promise<AnyBody> {
  return (await client.post('/api/tasks', { title })).body;
}

async function createMany(count: number): Promise<AnyBody[]> {
  const tasks: AnyBody[] = [];
  for (let number = 1; number <= count; number++) tasks.push(await create(`Task ${number}`));
  return tasks;
}

async function sync(query: Record<string, string | number> = {}): Promise<AnyBody> {
  const parameters = new URLSearchParams(
    Object.entries(query).map(([name, value]) => [name, String(value)] as [string, string]),
  );
  const { status, body, text } = await client.get(`/api/sync?${parameters}`);
  expect(status, text).toBe(200);
  return body;
}

const revsOf = (page: AnyBody): number[] => page.tasks.map((task: AnyBody) => task.rev);

/** Every page from a cursor on. */
async function pages(limit: number, cursor?: string): Promise<AnyBody[]> {
  const all: AnyBody[] = [];
  for (let next = cursor; ; ) {
    const page = await sync({ limit, ...(next === undefined ? {} : { cursor: next }) });
    all.push(page);
    if (!page.has_more) return all;
    next = page.cursor;
  }
}

describe('a first sync', () => {
  it('of a user without tasks is empty, and has a cursor to go on from', async () => {
    const page = await sync();
    const { body: stats } = await client.get('/api/dashboard/stats');
    expect(page).toEqual({
      tasks: [],
      deleted: [],
      cursor: expect.any(String),
      has_more: false,
      rev: 0,
      stats,
    });
    expect(await sync({ cursor: page.cursor })).toEqual(page);
  });

  it('brings every task once, exactly as the other routes show it, in the order of the last changes', async () => {
    const [first, second, third] = await createMany(3);
    const { body: changed } = await client.patch(`/api/tasks/${first.id}`, { title: 'Changed', priority: 3 });
    const page = await sync();
    expect(page.tasks).toEqual([second, third, changed]);
    expect(revsOf(page)).toEqual([2, 3, 4]);
    expect(page).toMatchObject({ deleted: [], has_more: false, rev: 4 });
  });

  it('says nothing of tasks that were deleted before it', async () => {
    const [kept, trashed, purged] = await createMany(3);
    await client.delete(`/api/tasks/${trashed.id}`);
    await client.delete(`/api/tasks/${purged.id}?permanent=true`);
    expect(await sync()).toMatchObject({ tasks: [{ id: kept.id }], deleted: [], rev: 5 });
    const paged = await pages(1);
    expect(paged.flatMap((page) => page.deleted)).toEqual([]);
    expect(paged.flatMap(revsOf)).toEqual([1]);
  });

  it('takes an empty cursor for none', async () => {
    const [task] = await createMany(1);
    expect(await sync({ cursor: '' })).toMatchObject({ tasks: [task] });
  });

  it('carries the stats of the very moment of its tasks', async () => {
    const [task] = await createMany(3);
    await client.patch(`/api/tasks/${task.id}/complete`);
    const { body: stats } = await client.get('/api/dashboard/stats');
    expect((await sync()).stats).toEqual(stats);
    expect(stats).toMatchObject({ total_tasks: 3, completed_tasks: 1, completion_rate: 33.3 });
  });
});

describe('a later sync', () => {
  it('brings what was created, changed, restored and deleted since, and nothing else', async () => {
    const [same, changed, trashed, purged, back] = await createMany(5);
    await client.delete(`/api/tasks/${back.id}`);
    const { cursor } = await sync();
    const { body: afterChange } = await client.patch(`/api/tasks/${changed.id}`, { status: true });
    await client.delete(`/api/tasks/${trashed.id}`);
    await client.delete(`/api/tasks/${purged.id}?permanent=true`);
    const { body: restored } = await client.post(`/api/tasks/${back.id}/restore`);
    const created = await create('New');
    const page = await sync({ cursor });
    expect(page.tasks).toEqual([afterChange, restored, created]);
    expect(page.deleted).toEqual([
      { id: trashed.id, rev: 8, deleted_at: expect.stringMatching(/^\d{4}-.+T.+\.\d{3}Z$/) },
      { id: purged.id, rev: 9, deleted_at: expect.stringMatching(/^\d{4}-.+T.+\.\d{3}Z$/) },
    ]);
    expect(page).toMatchObject({ rev: 11, has_more: false });
    expect(JSON.stringify(page)).not.toContain(`"id":${same.id},`);
  });

  it('brings a task that changed ten times once, as it is now', async () => {
    const task = await create('Changing');
    const { cursor } = await sync();
    for (let round = 1; round <= 10; round++)
      await client.patch(`/api/tasks/${task.id}`, { title: `Round ${round}` });
    const page = await sync({ cursor });
    expect(page.tasks).toMatchObject([{ id: task.id, title: 'Round 10', rev: 11 }]);
  });

  it('brings a tombstone once more when a deleted task is then deleted for good, without a word of its text', async () => {
    const task = await create('Secret text');
    await client.delete(`/api/tasks/${task.id}`);
    const { cursor } = await sync();
    await client.delete(`/api/tasks/${task.id}?permanent=true`);
    const { text } = await client.get(`/api/sync?cursor=${cursor}`);
    expect(JSON.parse(text)).toMatchObject({ tasks: [], deleted: [{ id: task.id, rev: 3 }], rev: 3 });
    expect(text).not.toContain('Secret');
  });

  it('brings the same again for the same cursor, however often, and from any cursor ever handed out', async () => {
    const cursors: string[] = [];
    for (let round = 0; round < 6; round++) {
      cursors.push((await sync()).cursor);
      const task = await create(`Task ${round}`);
      if (round % 2 === 1) await client.delete(`/api/tasks/${task.id}`);
    }
    for (const cursor of cursors) {
      const page = await sync({ cursor });
      expect(await sync({ cursor })).toEqual(page);
      const all = await pages(1, cursor);
      expect(all.flatMap((one) => one.tasks)).toEqual(page.tasks);
      expect(all.flatMap((one) => one.deleted)).toEqual(page.deleted);
    }
  });

  it('says nothing after writes that changed nothing or failed', async () => {
    const task = await create('Task');
    const page = await sync();
    await client.put(`/api/tasks/${task.id}`, { title: 'Task' });
    await client.patch(`/api/tasks/${task.id}`, {}, { headers: { 'if-match': '"99"' } });
    await client.post('/api/tasks', { title: '' });
    await client.post(`/api/tasks/${task.id}/restore`);
    await client.delete('/api/tasks/999999999');
    expect(await sync({ cursor: page.cursor })).toEqual({ ...page, tasks: [] });
  });
});

describe('pages', () => {
  it('hold as many changes as the limit says, and are full to the last but one', async () => {
    await createMany(7);
    for (const limit of [1, 2, 3, 6, 7, 8, 1_000]) {
      const all = await pages(limit);
      expect(all.map((page) => page.tasks.length)).toEqual(
        Array.from({ length: Math.ceil(7 / limit) }, (_, index) => Math.min(limit, 7 - index * limit)),
      );
      expect(all.flatMap(revsOf)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(all.every((page) => page.rev === 7)).toBe(true);
    }
  });

  it('count tombstones, too', async () => {
    const { cursor } = await sync();
    for (const task of await createMany(5)) await client.delete(`/api/tasks/${task.id}`);
    const all = await pages(2, cursor);
    expect(all.map(({ tasks, deleted }) => tasks.length + deleted.length)).toEqual([2, 2, 1]);
    expect(all.flatMap(({ deleted }) => deleted.map((tombstone: AnyBody) => tombstone.rev))).toEqual([
      6, 7, 8, 9, 10,
    ]);
  });

  it('hold 500 changes when nothing is said, and at most 1000', async () => {
    await server.sql(
      `with made as (insert into task (user_id, title, created_at, updated_at, rev, created_rev)
         select $1, 'Task', now(), now(), n, n from generate_series(1, 1001) n)
       update user_sync set rev = 1001, medium_total = 1001 where user_id = $1`,
      [user.id],
    );
    expect((await sync()).tasks).toHaveLength(500);
    expect((await pages(1_000)).map((page) => page.tasks.length)).toEqual([1_000, 1]);
  });

  it('miss nothing and repeat nothing stale while the user writes between and during them', async () => {
    const tasks = await createMany(30);
    const seen = new Map<number, AnyBody>();
    let lastRev = 0;
    let writing: Promise<unknown> | undefined;
    for (let cursor: string | undefined; ; ) {
      const page = await sync({ limit: 4, ...(cursor === undefined ? {} : { cursor }) });
      const revs = [...revsOf(page), ...page.deleted.map(({ rev }: AnyBody) => rev)];
      expect(revs.every((rev) => rev > lastRev)).toBe(true);
      lastRev = Math.max(lastRev, ...revs);
      for (const task of page.tasks) seen.set(task.id, task);
      for (const { id } of page.deleted) seen.delete(id);
      cursor = page.cursor;
      if (!page.has_more && writing === undefined) break;
      await writing;
      writing = undefined;
      if (tasks.length < 15) continue;
      writing = Promise.all([
        client.delete(`/api/tasks/${tasks.pop().id}`),
        client.patch(`/api/tasks/${tasks[0].id}`, { title: `Changed after ${lastRev}` }),
        create(`Created after ${lastRev}`),
      ]);
    }
    const fresh = await freshRead(server.url, user);
    expect(JSON.stringify([...seen.values()].sort((a, b) => a.id - b.id))).toBe(fresh.tasks);
  });

  it('bring a task that was deleted after its page as a tombstone', async () => {
    const [first] = await createMany(3);
    const page = await sync({ limit: 1 });
    expect(page.tasks).toMatchObject([{ id: first.id }]);
    await client.delete(`/api/tasks/${first.id}`);
    const rest = await pages(1, page.cursor);
    expect(rest.flatMap(({ deleted }) => deleted)).toMatchObject([{ id: first.id, rev: 4 }]);
  });
});

describe('limit', () => {
  it.each(['0', '1001', '-1', '1.5', '1e2', '', 'abc', '0x10', '99999999999999999999'])(
    '%j is refused',
    async (limit) => {
      const { status, body } = await client.get(`/api/sync?limit=${limit}`);
      expect(status).toBe(422);
      expect(body).toMatchObject({
        code: 'validation_error',
        errors: [{ path: 'limit', message: 'must be a whole number from 1 to 1000' }],
      });
    },
  );

  it('given twice is refused', async () => {
    expect((await client.get('/api/sync?limit=1&limit=2')).status).toBe(422);
  });
});

describe('whose changes', () => {
  it('are only ever one’s own', async () => {
    const [other] = (await seedUsers(server, 1)) as [SeededUser];
    const theirs = clientOf(server.url, other);
    await create('Mine');
    await theirs.post('/api/tasks', { title: 'Theirs' });
    const { body } = await theirs.get('/api/sync');
    expect(body).toMatchObject({ tasks: [{ title: 'Theirs', user_id: other.id, rev: 1 }], rev: 1 });
    expect((await sync()).tasks).toMatchObject([{ title: 'Mine', user_id: user.id, rev: 1 }]);
  });

  it('are nobody’s without a session', async () => {
    const { status, body } = await client.get('/api/sync', { headers: { authorization: 'Bearer nonsense' } });
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'unauthenticated' });
  });
});

describe('polling with If-None-Match', () => {
  const poll = (path: string, tag: string | null) =>
    client.get(path, { headers: { 'if-none-match': tag ?? 'missing' } });

  it('answers 304 without a body while nothing has changed, with the cursor as without', async () => {
    await createMany(2);
    const { headers, body } = await client.get('/api/sync');
    const tag = headers.get('etag');
    for (const path of ['/api/sync', `/api/sync?cursor=${body.cursor}`, `/api/sync?limit=2`]) {
      for (const header of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
        const answer = await poll(path, header);
        expect([path, header, answer.status, answer.text]).toEqual([path, header, 304, '']);
        expect(answer.headers.get('etag')).toMatch(/^"[^"]+"$/);
      }
    }
  });

  it('answers with the change after one, and its own tag is good for the next poll', async () => {
    await createMany(2);
    const first = await client.get('/api/sync');
    const created = await create('Third');
    const path = `/api/sync?cursor=${first.body.cursor}`;
    const second = await poll(path, first.headers.get('etag'));
    expect(second.status).toBe(200);
    expect(second.body.tasks).toEqual([created]);
    expect((await poll(path, second.headers.get('etag'))).status).toBe(304);
    const third = await poll(`/api/sync?cursor=${second.body.cursor}`, second.headers.get('etag'));
    expect(third.status).toBe(304);
    expect((await poll(`/api/sync?cursor=${second.body.cursor}`, first.headers.get('etag'))).status).toBe(
      200,
    );
  });

  it('never answers 304 to a client that has not read all pages', async () => {
    await createMany(5);
    const whole = await client.get('/api/sync');
    const tags = [whole.headers.get('etag')];
    let cursor = '';
    for (let page = 1; page <= 3; page++) {
      const path = `/api/sync?limit=2&cursor=${cursor}`;
      for (const tag of tags) expect((await poll(path, tag)).status).toBe(200);
      const answer = await client.get(path);
      expect(answer.body.has_more).toBe(page < 3);
      // The same page again is not modified, of course.
      expect((await poll(path, answer.headers.get('etag'))).status).toBe(304);
      tags.push(answer.headers.get('etag'));
      cursor = answer.body.cursor;
    }
    expect(new Set(tags).size).toBe(4);
    for (const tag of tags) expect((await poll(`/api/sync?cursor=${cursor}`, tag)).status).toBe(304);
  });

  it('never takes one user’s tag for another’s', async () => {
    const [other] = (await seedUsers(server, 1)) as [SeededUser];
    const { headers } = await client.get('/api/sync');
    const theirs = await clientOf(server.url, other).get('/api/sync', {
      headers: { 'if-none-match': headers.get('etag') ?? '' },
    });
    expect(theirs.status).toBe(200);
  });
});
