// Cursors: each row exactly once while others come, go and change; bound to one user and one listing.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnyBody, Client, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { allPages, type SeededTask, seedTasks } from './support/tasks.ts';

const SORTS = ['created_at', 'updated_at', 'due_date', 'priority', 'title'] as const;
const CASES = SORTS.flatMap((sort) => (['asc', 'desc'] as const).map((order) => ({ sort, order })));

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
let eve: Awaited<ReturnType<typeof signUp>>;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
  eve = await signUp(server.url);
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.sql('delete from task');
});

/** Only three values of each sort key among all rows. */
function tied(number: number): SeededTask {
  const third = Math.floor(number / 3) % 3;
  return {
    title: ['a', 'B', 'é'][third] ?? '',
    due_date: [null, '2026-03-01', '2026-03-02'][third] ?? null,
    priority: third + 1,
    created_at: `2026-03-01T00:00:0${third}.000Z`,
    updated_at: `2026-03-01T00:00:0${third}.000Z`,
  };
}

describe.each(CASES)('by $sort, $order', ({ sort, order }) => {
  it('visits each of many equal rows once, in pages of any size', async () => {
    const ids = await seedTasks(
      server,
      ada.user.id,
      Array.from({ length: 30 }, (_, n) => tied(n)),
    );
    const whole = await allPages(ada, `sort=${sort}&order=${order}`);
    expect(whole.map(({ id }) => id).sort((a, b) => a - b)).toEqual(ids);
    for (const limit of [1, 4, 10])
      expect(await allPages(ada, `sort=${sort}&order=${order}`, limit)).toEqual(whole);
  });

  it('visits what stays exactly once while others come, go and change', async () => {
    const ids = await seedTasks(
      server,
      ada.user.id,
      Array.from({ length: 40 }, (_, n) => tied(n)),
    );
    const gone = new Set<number>();
    const changed = new Set<number>();
    const visited: number[] = [];
    const random = (from: number[]) => from[Math.floor(Math.random() * from.length)] ?? 0;
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { status, body } = await ada.get(
        `/api/tasks?limit=6&sort=${sort}&order=${order}${cursor ? `&cursor=${cursor}` : ''}`,
      );
      expect(status).toBe(200);
      visited.push(...body.tasks.map(({ id }: AnyBody) => id));
      cursor = body.next_cursor;
      // The very row that the cursor stands on goes, another goes, one changes, and some come at every place.
      const stayers = ids.filter((id) => !gone.has(id) && !changed.has(id));
      for (const id of [visited.at(-1) ?? 0, random(stayers)]) {
        await ada.delete(`/api/tasks/${id}`);
        gone.add(id);
      }
      const change = random(stayers.filter((id) => !gone.has(id)));
      await ada.patch(`/api/tasks/${change}`, {
        description: `Changed after ${visited.length}`,
        category: 'x',
      });
      // To change a task is to move it in this one order.
      if (sort === 'updated_at') changed.add(change);
      if (visited.length < 60) {
        await ada.post('/api/tasks', { title: 'A first', priority: 1, due_date: '2020-01-01' });
        await ada.post('/api/tasks', { title: 'é', priority: 2 });
        await ada.post('/api/tasks', { title: 'zzz', priority: 3, due_date: '2030-01-01' });
      }
    }
    const old = visited.filter((id) => ids.includes(id) && !changed.has(id));
    expect(old).toHaveLength(new Set(old).size);
    for (const id of ids.filter((one) => !gone.has(one) && !changed.has(one)))
      expect([id, old.filter((one) => one === id).length]).toEqual([id, 1]);
    if (sort !== 'updated_at') expect(visited).toHaveLength(new Set(visited).size);
  });
});

describe('order', () => {
  it('puts tasks without a date last in both directions', async () => {
    await seedTasks(server, ada.user.id, [
      { title: 'none 1' },
      { title: 'late', due_date: '9999-12-31' },
      { title: 'none 2' },
      { title: 'early', due_date: '0001-01-01' },
      { title: 'middle', due_date: '2026-03-01' },
    ]);
    const titles = async (order: string) =>
      (await allPages(ada, `sort=due_date&order=${order}`, 2)).map(({ title }) => title);
    expect(await titles('asc')).toEqual(['early', 'middle', 'late', 'none 1', 'none 2']);
    expect(await titles('desc')).toEqual(['late', 'middle', 'early', 'none 2', 'none 1']);
  });

  it('puts titles as people do, not as bytes stand', async () => {
    const given = ['zebra', 'Äpfel', 'apple', 'Zoo', 'Éclair', 'banana', 'eclair', '10', '9', 'ñ', 'nz', 'o'];
    await seedTasks(
      server,
      ada.user.id,
      given.map((title) => ({ title })),
    );
    expect((await allPages(ada, 'sort=title&order=asc', 5)).map(({ title }) => title)).toEqual(
      given.toSorted(new Intl.Collator('und').compare),
    );
  });

  it('by priority asks the newest of each first, unless turned round', async () => {
    const ids = await seedTasks(server, ada.user.id, [
      { title: '1', priority: 2, created_at: '2026-01-01T00:00:00Z' },
      { title: '2', priority: 3, created_at: '2026-01-02T00:00:00Z' },
      { title: '3', priority: 3, created_at: '2026-01-03T00:00:00Z' },
      { title: '4', priority: 1, created_at: '2026-01-04T00:00:00Z' },
    ]);
    const found = (await allPages(ada, 'sort=priority')).map(({ id }) => ids.indexOf(id) + 1);
    expect(found).toEqual([3, 2, 1, 4]);
  });

  it('by time of change follows each change', async () => {
    const [first, second, third] = await seedTasks(server, ada.user.id, [
      { title: '1' },
      { title: '2' },
      { title: '3' },
    ]);
    await ada.patch(`/api/tasks/${first}/complete`);
    const found = await allPages(ada, 'sort=updated_at', 1);
    expect(found.map(({ id }) => id)).toEqual([first, third, second]);
  });
});

describe('a cursor', () => {
  const LISTING = 'limit=2&status=false&priority=2&q=task&sort=title&order=asc';
  let cursor: string;

  beforeEach(async () => {
    for (const user of [ada, eve])
      await seedTasks(
        server,
        user.user.id,
        Array.from({ length: 9 }, (_, n) => ({ title: `Task ${n}` })),
      );
    cursor = (await ada.get(`/api/tasks?${LISTING}`)).body.next_cursor;
  });

  const ask = (query: string, client: Client = ada) => client.get(`/api/tasks?${query}`);

  async function refused(query: string, client: Client = ada): Promise<void> {
    const { status, body } = await ask(query, client);
    expect([query, status, body.code, body.errors]).toEqual([
      query,
      422,
      'validation_error',
      [{ path: 'cursor', message: expect.any(String) }],
    ]);
  }

  it('goes on from where it was taken', async () => {
    const { body } = await ask(`${LISTING}&cursor=${cursor}`);
    expect(body.tasks.map(({ title }: AnyBody) => title)).toEqual(['Task 2', 'Task 3']);
  });

  it('stays good while the size of a page and the wish for a total change', async () => {
    const query = LISTING.replace('limit=2', 'limit=5').replace('priority=2', 'priority=MEDIUM');
    const { body } = await ask(`${query}&include_total=true&cursor=${cursor}`);
    expect([body.tasks.length, body.total]).toEqual([5, 9]);
  });

  it('stays good for another session of the user and on another node', async () => {
    const other = await startServer({ connection: server.connection });
    try {
      const client = new Client(other.url);
      client.bearer = ada.accessToken;
      expect((await ask(`${LISTING}&cursor=${cursor}`, client)).body.tasks).toHaveLength(2);
    } finally {
      await other.close();
    }
  });

  it.each([
    ['another order', LISTING.replace('order=asc', 'order=desc')],
    ['another sort', LISTING.replace('sort=title', 'sort=created_at')],
    ['another status', LISTING.replace('status=false', 'status=true')],
    ['no status', LISTING.replace('status=false&', '')],
    ['another priority', LISTING.replace('priority=2', 'priority=3')],
    ['another search', LISTING.replace('q=task', 'q=tasks')],
    ['one more filter', `${LISTING}&category=home`],
    ['the empty category', `${LISTING}&category=`],
    ['a day', `${LISTING}&due_after=2020-01-01`],
    ['the trash', `${LISTING}&trashed=true`],
    ['the defaults', 'limit=2'],
  ])('is refused with %s', async (_what, query) => {
    await refused(`${query}&cursor=${cursor}`);
  });

  it('is refused to anybody else', async () => {
    await refused(`${LISTING}&cursor=${cursor}`, eve);
    const hers = (await ask(LISTING, eve)).body.next_cursor;
    expect(hers).not.toBe(cursor);
    await refused(`${LISTING}&cursor=${hers}`);
  });

  it('is refused when any of it was changed, cut or added to', async () => {
    const swapped = (at: number) => (cursor[at] === 'A' ? 'B' : 'A');
    const forged = [...cursor].map((_, at) => cursor.slice(0, at) + swapped(at) + cursor.slice(at + 1));
    await Promise.all(forged.map((one) => refused(`${LISTING}&cursor=${one}`)));
    for (const one of [
      cursor.slice(0, -1),
      cursor.slice(1),
      `${cursor}A`,
      `${cursor}=`,
      `${cursor}%20`,
      cursor.toUpperCase(),
      Buffer.from(JSON.stringify(['Task 1', 1])).toString('base64url'),
      `${'A'.repeat(22)}${Buffer.from(JSON.stringify(['Task 1', 1])).toString('base64url')}`,
    ])
      await refused(`${LISTING}&cursor=${one}`);
  });

  it('is refused to a server with another secret', async () => {
    const other = await startServer({
      connection: server.connection,
      env: { SECRET_KEY: 'another secret key of forty characters..', BETTER_AUTH_SECRET: 'b'.repeat(48) },
    });
    try {
      const client = new Client(other.url);
      for (const [name, value] of ada.cookies) client.cookies.set(name, value);
      expect((await ask(LISTING, client)).status).toBe(200);
      await refused(`${LISTING}&cursor=${cursor}`, client);
    } finally {
      await other.close();
    }
  });

  it('cannot be combined with a skip', async () => {
    const { status, body } = await ask(`${LISTING}&skip=1&cursor=${cursor}`);
    expect([status, body.errors[0].path]).toEqual([422, 'skip']);
  });

  it('tells nothing of the user to who reads it', async () => {
    const inside = Buffer.from(cursor, 'base64url').toString('latin1');
    expect(inside).not.toContain(ada.user.id);
  });

  it('carries a title of the greatest length', async () => {
    await seedTasks(
      server,
      ada.user.id,
      Array.from({ length: 3 }, (_, n) => ({ title: '😀'.repeat(199) + n, category: 'long' })),
    );
    expect(await allPages(ada, 'sort=title&order=asc&category=long', 1)).toHaveLength(3);
  });
});
