// The trash: thirty days to change one's mind, invisible everywhere else, and empty for good when emptied.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnyBody, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { allPages, countersOf, problem, seedTasks } from './support/tasks.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
let task: AnyBody;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
});
afterAll(() => server.close());

beforeEach(async () => {
  task = (
    await ada.post('/api/tasks', {
      title: 'Secret plan',
      description: 'with details',
      category: 'hidden',
      due_date: '2026-12-31',
      priority: 3,
      status: true,
    })
  ).body;
});

const inTrash = async (id: number = task.id) =>
  (await allPages(ada, 'trashed=true')).find((listed) => listed.id === id);
const restore = (id: number | string = task.id) => ada.post(`/api/tasks/${id}/restore`);
const purge = (id: number | string = task.id) => ada.delete(`/api/tasks/${id}?permanent=true`);
const rowOf = async (id: number = task.id) =>
  (await server.sql<AnyBody>('select * from task where id = $1', [id]))[0];
const stats = async () => (await ada.get('/api/dashboard/stats')).body;

async function missing(): Promise<AnyBody> {
  return problem(await ada.get('/api/tasks/999999'));
}

async function expectExactCounters(): Promise<void> {
  const { kept, counted } = await countersOf(server, ada.user.id);
  expect(kept).toEqual(counted);
}

describe('a trashed task', () => {
  beforeEach(async () => {
    expect((await ada.delete(`/api/tasks/${task.id}`)).status).toBe(200);
  });

  it('is the same 404 as a missing one for everything but restore, permanent and trashed', async () => {
    const gone = await missing();
    expect(gone.status).toBe(404);
    const path = `/api/tasks/${task.id}`;
    for (const answer of [
      await ada.get(path),
      await ada.get(`${path}?trashed=true`),
      await ada.put(path, { title: 'x' }),
      await ada.patch(path, { title: 'x' }),
      await ada.patch(path, {}),
      await ada.patch(`${path}/complete`),
      await ada.delete(path),
      await ada.delete(`${path}?permanent=false`),
    ])
      expect(problem(answer)).toEqual(gone);
  });

  it('is in no listing, whatever is asked, and in the trash with the time of its deletion', async () => {
    for (const query of [
      '',
      'trashed=false',
      'q=secret',
      'category=hidden',
      'status=true',
      'priority=3',
      'sort=title',
    ])
      expect((await allPages(ada, query)).map(({ id }) => id)).not.toContain(task.id);
    const listed = await inTrash();
    expect(listed).toEqual({
      ...task,
      updated_at: listed.deleted_at,
      rev: task.rev + 1,
      deleted_at: expect.stringMatching(TIME),
    });
    for (const query of ['q=secret', 'category=hidden', 'status=true', 'priority=3', 'due_after=2026-12-30'])
      expect((await allPages(ada, `trashed=true&${query}`)).map(({ id }) => id)).toContain(task.id);
    expect((await allPages(ada, 'trashed=true&status=false')).map(({ id }) => id)).not.toContain(task.id);
  });

  it('counts nowhere', async () => {
    const { body } = await ada.get('/api/dashboard/overview');
    const { body: list } = await ada.get('/api/tasks?include_total=true');
    expect(body.stats.total_tasks).toBe(list.total);
    expect(body.by_category.map(({ category }: AnyBody) => category)).not.toContain('hidden');
    expect(body.recent_tasks.map(({ id }: AnyBody) => id)).not.toContain(task.id);
    await expectExactCounters();
  });

  it('comes back by restore as it was, with a new version', async () => {
    const before = await stats();
    const { status, headers, body } = await restore();
    expect(status).toBe(200);
    expect(body).toEqual({ ...task, updated_at: expect.stringMatching(TIME), rev: task.rev + 2 });
    expect(body).not.toHaveProperty('deleted_at');
    expect(headers.get('etag')).toBe(`"${body.rev}"`);
    expect((await ada.get(`/api/tasks/${task.id}`)).body).toEqual(body);
    expect(await inTrash()).toBeUndefined();
    expect((await stats()).completed_tasks).toBe(before.completed_tasks + 1);
    await expectExactCounters();
  });

  it('comes back once, however many ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => restore()));
    expect(new Set(answers.map(({ status, text }) => `${status}${text}`)).size).toBe(1);
    expect(answers[0]?.body.rev).toBe(task.rev + 2);
    await expectExactCounters();
  });

  it('goes for good by permanent, and leaves nothing of its text', async () => {
    const { status, text } = await purge();
    expect([status, text]).toEqual([200, '{"message":"Task deleted successfully"}']);
    expect(await rowOf()).toMatchObject({
      title: '',
      description: null,
      category: null,
      due_date: null,
      rev: String(task.rev + 2),
      purged_at: expect.any(Date),
      deleted_at: expect.any(Date),
    });
    const gone = await missing();
    for (const answer of [await restore(), await purge(), await ada.delete(`/api/tasks/${task.id}`)])
      expect(problem(answer)).toEqual(gone);
    expect(await inTrash()).toBeUndefined();
    await expectExactCounters();
  });

  it('can be restored and deleted for good at once, and only one of the two happens last', async () => {
    const [restored, purged] = await Promise.all([restore(), purge()]);
    expect(purged.status).toBe(200);
    expect([200, 404]).toContain(restored.status);
    expect(problem(await restore())).toEqual(await missing());
    await expectExactCounters();
  });

  it.each([
    ['29 days 23 hours', 200],
    ['30 days', 404],
    ['31 days', 404],
    ['80 days', 404],
  ])('after %s answers restore with %i', async (age, status) => {
    await server.sql(`update task set deleted_at = now() - $2::interval where id = $1`, [task.id, age]);
    expect((await inTrash()) !== undefined).toBe(status === 200);
    const total = (await ada.get('/api/tasks?trashed=true&include_total=true')).body.total;
    expect(total).toBe((await allPages(ada, 'trashed=true')).length);
    if (status === 404) {
      expect(problem(await restore())).toEqual(await missing());
      expect(problem(await purge())).toEqual(await missing());
    } else expect((await restore()).status).toBe(200);
  });
});

describe('a live task', () => {
  it('is answered unchanged by restore', async () => {
    const { status, headers, body } = await restore();
    expect([status, body, headers.get('etag')]).toEqual([200, task, `"${task.rev}"`]);
    expect((await ada.get(`/api/tasks/${task.id}`)).body).toEqual(task);
  });

  it('can go for good at once', async () => {
    const before = await stats();
    expect((await purge()).status).toBe(200);
    expect(await rowOf()).toMatchObject({ title: '', description: null, category: null, due_date: null });
    expect((await stats()).total_tasks).toBe(before.total_tasks - 1);
    expect(problem(await restore())).toEqual(await missing());
    await expectExactCounters();
  });

  it.each(['yes', '1', '', 'TRUE', 'true&permanent=true'])(
    'is not deleted by permanent=%s: that is 422',
    async (value) => {
      const { status, body } = await ada.delete(`/api/tasks/${task.id}?permanent=${value}`);
      expect([status, body.errors[0].path]).toEqual([422, 'permanent']);
      expect((await ada.get(`/api/tasks/${task.id}`)).body).toEqual(task);
    },
  );

  it('with permanent=false goes to the trash', async () => {
    expect((await ada.delete(`/api/tasks/${task.id}?permanent=false`)).status).toBe(200);
    expect(await inTrash()).toBeDefined();
  });
});

describe('the trash', () => {
  it('is listed newest first, in pages, by any order', async () => {
    const eve = await signUp(server.url);
    await seedTasks(
      server,
      eve.user.id,
      Array.from({ length: 25 }, (_, n) => ({
        title: `Old ${n % 5}`,
        created_at: `2026-01-01T00:00:${String(n).padStart(2, '0')}Z`,
        deleted_at: new Date(Date.now() - 1000 * n).toISOString(),
      })),
    );
    const whole = await allPages(eve, 'trashed=true', 7);
    expect(whole.map(({ created_at }) => created_at)).toEqual(
      Array.from({ length: 25 }, (_, n) => `2026-01-01T00:00:${String(24 - n).padStart(2, '0')}.000Z`),
    );
    for (const sort of ['created_at', 'updated_at', 'due_date', 'priority', 'title'])
      expect(await allPages(eve, `trashed=true&sort=${sort}&order=asc`, 7)).toHaveLength(25);
    expect((await eve.get('/api/tasks?trashed=true&include_total=true&limit=1')).body.total).toBe(25);
    expect((await eve.get('/api/tasks')).body.tasks).toEqual([]);
  });

  it('shows deleted_at in no other listing', async () => {
    for (const listed of await allPages(ada, '')) expect(listed).not.toHaveProperty('deleted_at');
  });
});
