// A task's life over real HTTP: created, read, changed, completed.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnyBody, Client, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { countersOf } from './support/tasks.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
});
afterAll(() => server.close());

const FULL = {
  title: 'Buy milk',
  description: 'Two litres, if a < b',
  status: false,
  category: 'home',
  priority: 3,
  due_date: '2026-12-31',
};

async function create(fields: object = FULL): Promise<AnyBody> {
  const { status, body, text } = await ada.post('/api/tasks', fields);
  expect(status, text).toBe(201);
  return body;
}

const read = async (id: number) => (await ada.get(`/api/tasks/${id}`)).body;

describe('creating a task', () => {
  it('answers 201 with the task, its address and its version', async () => {
    const { status, headers, body } = await ada.post('/api/tasks', { ...FULL, priority: 'HIGH' });
    expect(status).toBe(201);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('location')).toBe(`/api/tasks/${body.id}`);
    expect(headers.get('etag')).toBe(`"${body.rev}"`);
    expect(headers.get('idempotency-replayed')).toBeNull();
    expect(body).toEqual({
      id: expect.any(Number),
      ...FULL,
      completed_at: null,
      created_at: expect.stringMatching(TIME),
      updated_at: body.created_at,
      user_id: ada.user.id,
      rev: expect.any(Number),
    });
    expect(await read(body.id)).toEqual(body);
  });

  it('needs nothing but a title', async () => {
    const task = await create({ title: 'Only this' });
    expect(task).toMatchObject({
      description: null,
      status: false,
      category: null,
      priority: 2,
      due_date: null,
      completed_at: null,
    });
  });

  it('takes nulls for what may be null', async () => {
    const task = await create({ title: 'Nulls', description: null, category: null, due_date: null });
    expect(task).toMatchObject({ description: null, category: null, due_date: null });
  });

  it('may say that it is done already', async () => {
    const task = await create({ title: 'Done', status: true });
    expect(task).toMatchObject({ status: true, completed_at: task.created_at });
  });

  it('works with a trailing slash as without, with no redirect', async () => {
    const { status, headers, body } = await ada.post('/api/tasks/', { title: 'Slash' });
    expect([status, headers.get('location')]).toEqual([201, `/api/tasks/${body.id}`]);
    expect((await ada.get(`/api/tasks/${body.id}/`)).body).toEqual(body);
    expect((await ada.patch(`/api/tasks/${body.id}/complete/`)).status).toBe(200);
  });

  it('takes revisions one after the other', async () => {
    const first = await create({ title: 'One' });
    const second = await create({ title: 'Two' });
    expect(second.rev).toBe(first.rev + 1);
    expect(second.id).toBeGreaterThan(first.id);
  });

  it('is refused without a session', async () => {
    const { status, headers, body } = await new Client(server.url).post('/api/tasks', FULL);
    expect([status, body.code]).toEqual([401, 'unauthenticated']);
    expect(headers.get('www-authenticate')).toBe('Bearer');
  });
});

/** Fields that exist but are not the client's to set, and names that mean something to JavaScript. */
const FOREIGN = `"id": 1, "user_id": "b", "created_at": "2001-01-01T00:00:00.000Z", "updated_at": null, "version": 7,
  "rev": 99, "deleted_at": "2001-01-01T00:00:00.000Z", "purged_at": "2001-01-01T00:00:00.000Z", "created_rev": 5,
  "completed_at": "2001-01-01T00:00:00.000Z", "__proto__": {"status": true, "title": "no"},
  "constructor": {"prototype": {"status": true}}, "toString": 1, "unknown": {"deep": []}`;

describe('unknown fields', () => {
  const JSON_HEADERS = { headers: { 'content-type': 'application/json' } };

  it('are ignored at birth', async () => {
    const { status, body } = await ada.request('POST', '/api/tasks', {
      body: `{"title": "Mine", ${FOREIGN}}`,
      ...JSON_HEADERS,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ title: 'Mine', status: false, completed_at: null, user_id: ada.user.id });
    expect(body.id).not.toBe(1);
    expect(body.rev).not.toBe(99);
    expect(body.created_at > '2002').toBe(true);
    expect(Object.keys(body)).toHaveLength(12);
  });

  it.each(['PUT', 'PATCH'])('change nothing by %s, not even the version', async (method) => {
    const task = await create();
    const { status, headers, body } = await ada.request(method, `/api/tasks/${task.id}`, {
      body: `{${FOREIGN}}`,
      ...JSON_HEADERS,
    });
    expect([status, body]).toEqual([200, task]);
    expect(headers.get('etag')).toBe(`"${task.rev}"`);
    expect(await read(task.id)).toEqual(task);
  });

  it('do not make a title: it must be the object’s own', async () => {
    const { status, body } = await ada.request('POST', '/api/tasks', {
      body: '{"__proto__": {"title": "no"}}',
      ...JSON_HEADERS,
    });
    expect([status, body.errors]).toEqual([422, [{ path: 'title', message: 'is required' }]]);
  });
});

describe.each(['PUT', 'PATCH'])('%s', (method) => {
  let task: AnyBody;
  const change = (fields: unknown) => ada.request(method, `/api/tasks/${task.id}`, { json: fields });
  beforeEach(async () => {
    task = await create();
  });

  it.each([
    ['title', 'Another'],
    ['description', 'More'],
    ['status', true],
    ['category', 'work'],
    ['priority', 1],
    ['due_date', '2027-01-01'],
  ])('changes %s alone and leaves what is absent', async (field, value) => {
    const { status, headers, body } = await change({ [field]: value });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...task,
      [field]: value,
      completed_at: field === 'status' ? body.updated_at : null,
      updated_at: expect.stringMatching(TIME),
      rev: task.rev + 1,
    });
    expect(body.updated_at >= task.updated_at).toBe(true);
    expect(headers.get('etag')).toBe(`"${task.rev + 1}"`);
    expect(await read(task.id)).toEqual(body);
  });

  it.each(['description', 'category', 'due_date'])('clears %s by null', async (field) => {
    const { body } = await change({ [field]: null });
    expect(body).toEqual({ ...task, [field]: null, updated_at: body.updated_at, rev: task.rev + 1 });
  });

  it.each(['description', 'category'])('clears %s by an empty text', async (field) => {
    expect((await change({ [field]: '' })).body).toMatchObject({ [field]: null, rev: task.rev + 1 });
    expect((await change({ [field]: ' \n\t ' })).body).toMatchObject({ [field]: null, rev: task.rev + 1 });
  });

  it.each(['title', 'status', 'priority'])('refuses null for %s', async (field) => {
    const { status, body } = await change({ [field]: null });
    expect([status, body.code, body.errors[0].path]).toEqual([422, 'validation_error', field]);
    expect(await read(task.id)).toEqual(task);
  });

  it.each([
    ['nothing', {}],
    ['what is there already', FULL],
    ['a priority’s name', { priority: 'High' }],
    ['text that is the same once clean', { title: '  Buy milk\r\n', category: 'home\u202e' }],
  ])('with %s moves neither version nor time', async (_what, fields) => {
    const { status, headers, body } = await change(fields);
    expect([status, body]).toEqual([200, task]);
    expect(headers.get('etag')).toBe(`"${task.rev}"`);
    const next = await create({ title: 'Next' });
    expect(next.rev).toBe(task.rev + 1);
  });

  it('changes everything or nothing', async () => {
    const { status, body } = await change({ title: 'Good', due_date: '2026-02-30', priority: 9 });
    expect(status).toBe(422);
    expect(body.errors.map(({ path }: AnyBody) => path)).toContain('priority');
    expect(await read(task.id)).toEqual(task);
  });

  it.each([['[]'], ['null'], ['"title"'], ['5'], ['true']])(
    'refuses %s: the body must be an object',
    async (body) => {
      const answer = await ada.request(method, `/api/tasks/${task.id}`, {
        body,
        headers: { 'content-type': 'application/json' },
      });
      expect([answer.status, answer.body.code]).toEqual([422, 'validation_error']);
      expect(answer.body.errors[0].path).toBe('');
    },
  );

  it('refuses an empty body as malformed', async () => {
    const { status, body } = await ada.request(method, `/api/tasks/${task.id}`);
    expect([status, body.code]).toEqual([400, 'malformed_json']);
  });
});

describe('completing', () => {
  it('sets the time of completion once; a second time changes nothing', async () => {
    const task = await create();
    const first = await ada.patch(`/api/tasks/${task.id}/complete`);
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      ...task,
      status: true,
      completed_at: first.body.updated_at,
      updated_at: expect.stringMatching(TIME),
      rev: task.rev + 1,
    });
    expect(first.headers.get('etag')).toBe(`"${first.body.rev}"`);
    const second = await ada.patch(`/api/tasks/${task.id}/complete`);
    expect([second.status, second.text]).toEqual([200, first.text]);
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
  });

  it('takes any JSON body, such as clients send with every PATCH, and refuses an unreadable one', async () => {
    const task = await create();
    expect((await ada.patch(`/api/tasks/${task.id}/complete`, { status: false })).body.status).toBe(true);
    const { status, body } = await ada.request('PATCH', `/api/tasks/${task.id}/complete`, {
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect([status, body.code]).toEqual([400, 'malformed_json']);
  });

  it('keeps its time while other fields change, loses it by reopening, and has a new one after', async () => {
    const task = await create();
    const done = (await ada.patch(`/api/tasks/${task.id}/complete`)).body;
    const renamed = (await ada.patch(`/api/tasks/${task.id}`, { title: 'Renamed', status: true })).body;
    expect(renamed.completed_at).toBe(done.completed_at);
    const open = (await ada.put(`/api/tasks/${task.id}`, { status: false })).body;
    expect(open).toMatchObject({ status: false, completed_at: null, rev: renamed.rev + 1 });
    const again = (await ada.put(`/api/tasks/${task.id}`, { status: true })).body;
    expect(again.completed_at).toBe(again.updated_at);
    expect(again.completed_at >= done.completed_at).toBe(true);
  });
});

describe('deleting', () => {
  it('answers the message, and the task is gone', async () => {
    const task = await create();
    const { status, headers, text } = await ada.delete(`/api/tasks/${task.id}`);
    expect([status, text]).toEqual([200, '{"message":"Task deleted successfully"}']);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    const missing = await ada.get(`/api/tasks/${task.id}`);
    expect(missing.headers.get('content-type')).toBe('application/problem+json');
    expect([missing.status, missing.body]).toEqual([
      404,
      {
        type: '/docs/errors#task_not_found',
        title: 'Task not found',
        status: 404,
        detail: 'There is no task with this id.',
        code: 'task_not_found',
        request_id: missing.headers.get('x-request-id'),
      },
    ]);
  });

  it('takes the headers that clients send with a DELETE without a body', async () => {
    const task = await create();
    const { status } = await ada.request('DELETE', `/api/tasks/${task.id}`, {
      headers: { 'content-type': 'application/json' },
    });
    expect(status).toBe(200);
  });
});

it('leaves counters that equal a recount', async () => {
  const { kept, counted } = await countersOf(server, ada.user.id);
  expect(kept).toEqual(counted);
  const [{ revs } = { revs: 0 }] = await server.sql<{ revs: number }>(
    'select count(distinct rev)::integer as revs from task where user_id = $1',
    [ada.user.id],
  );
  expect(revs).toBeGreaterThan(20);
});
