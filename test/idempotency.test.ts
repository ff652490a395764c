// Idempotency-Key: the same key with the same request has one effect and one answer, whatever happens on the way.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnyBody, Client, PASSWORD, signUp } from './support/client.ts';
import { expectReplay, type Sent, sendKeyed, stateOf } from './support/keyed.ts';
import { startNode } from './support/nodes.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
let bob: Awaited<ReturnType<typeof signUp>>;
let key: string;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
  bob = await signUp(server.url);
});
afterAll(() => server.close());
beforeEach(() => {
  key = randomUUID();
});

const send = (sent: Sent, by: Client = ada, under = key) => sendKeyed(by, under, sent);

const post = (title: string, by: Client = ada, under = key) =>
  send({ method: 'POST', path: '/api/tasks', json: { title } }, by, under);

async function taskOf(user = ada): Promise<AnyBody> {
  return (await user.post('/api/tasks', { title: 'A task' })).body;
}

describe('the same key with the same request', () => {
  it('creates one task and answers it again, byte for byte, with its ETag and Location', async () => {
    const first = await post('Täsk “one” <3');
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null]);
    const unkeyed = await ada.get(`/api/tasks/${first.body.id}`);
    expect(first.text).toBe(unkeyed.text);
    const before = await stateOf(server, ada.user.id);
    for (const again of [await post('Täsk “one” <3'), await post('Täsk “one” <3')])
      expectReplay(first, again);
    expect(first.headers.get('location')).toBe(`/api/tasks/${first.body.id}`);
    expect(first.headers.get('etag')).toBe(`"${first.body.rev}"`);
    expect(await stateOf(server, ada.user.id)).toEqual(before);
  });

  it('answers with the task as it is read, whatever is in it', async () => {
    const task = {
      title: 'Quotes " and \\ and / and \u2028 and 🐝',
      description: 'A line\nand another\twith a tab',
      status: true,
      category: '’tis',
      priority: 3,
      due_date: '2026-02-28',
    };
    const request = { method: 'POST', path: '/api/tasks', json: task };
    const first = await send(request);
    expect(first.body).toMatchObject({ status: true, due_date: '2026-02-28', priority: 3 });
    expect(first.text).toBe((await ada.get(`/api/tasks/${first.body.id}`)).text);
    expectReplay(first, await send(request));

    const change = {
      method: 'PATCH',
      path: `/api/tasks/${first.body.id}`,
      json: { ...task, title: '\\"🎈"' },
    };
    const under = randomUUID();
    const changed = await send(change, ada, under);
    const read = await ada.get(change.path);
    expect(changed.body).toMatchObject({ ...change.json, completed_at: first.body.completed_at });
    expect([changed.text, changed.headers.get('etag')]).toEqual([read.text, read.headers.get('etag')]);
    expectReplay(changed, await send(change, ada, under));
  });

  it('keeps the answer to a change that changes nothing', async () => {
    const task = await taskOf();
    const request = { method: 'PATCH', path: `/api/tasks/${task.id}`, json: { title: task.title } };
    const first = await send(request);
    expect([first.status, first.body]).toEqual([200, task]);
    await ada.put(`/api/tasks/${task.id}`, { title: 'Later' });
    expectReplay(first, await send(request));
  });

  it('creates a task whose Location is below the path of a proxy, as without a key', async () => {
    const PUBLIC_URL = 'http://localhost/todo';
    const node = await startServer({ env: { PUBLIC_URL }, connection: server.connection });
    const below = new Client(node.url);
    await below.post('/api/auth/login', { email: ada.user.email, password: PASSWORD });
    const keyed = await post('Keyed', below);
    const free = await below.post('/api/tasks', { title: 'Free' });
    for (const { headers, body } of [keyed, free])
      expect(headers.get('location')).toBe(`/todo/api/tasks/${body.id}`);
    expectReplay(keyed, await post('Keyed', below));
    await node.close();
  });

  it('answers what was, although the task has changed since', async () => {
    const first = await post('Then');
    await ada.put(`/api/tasks/${first.body.id}`, { title: 'Now' });
    await ada.delete(`/api/tasks/${first.body.id}?permanent=true`);
    expectReplay(first, await post('Then'));
  });

  it.each([
    ['PUT', (id: number) => ({ method: 'PUT', path: `/api/tasks/${id}`, json: { title: 'Put' } })],
    ['PATCH', (id: number) => ({ method: 'PATCH', path: `/api/tasks/${id}`, json: { priority: 3 } })],
    ['complete', (id: number) => ({ method: 'PATCH', path: `/api/tasks/${id}/complete` })],
    ['DELETE', (id: number) => ({ method: 'DELETE', path: `/api/tasks/${id}` })],
    ['DELETE for good', (id: number) => ({ method: 'DELETE', path: `/api/tasks/${id}?permanent=true` })],
    ['restore', (id: number) => ({ method: 'POST', path: `/api/tasks/${id}/restore` })],
  ])('holds for %s', async (name, request) => {
    const task = await taskOf();
    if (name === 'restore') await ada.delete(`/api/tasks/${task.id}`);
    const first = await send(request(task.id));
    expect(first.status).toBe(200);
    const before = await stateOf(server, ada.user.id);
    expectReplay(first, await send(request(task.id)));
    expect(await stateOf(server, ada.user.id)).toEqual(before);
  });

  it('a restored task is not deleted again by the repeated deletion', async () => {
    const task = await taskOf();
    const remove = { method: 'DELETE', path: `/api/tasks/${task.id}` };
    await send(remove);
    await ada.post(`/api/tasks/${task.id}/restore`);
    expect((await send(remove)).status).toBe(200);
    expect((await ada.get(`/api/tasks/${task.id}`)).status).toBe(200);
  });

  it('is known by cookie and by bearer, with a slash and without', async () => {
    const first = await post('Either way');
    const bearer = new Client(server.url);
    bearer.bearer = ada.accessToken;
    expectReplay(first, await post('Either way', bearer));
    expectReplay(
      first,
      await send({ method: 'POST', path: '/api/tasks/', json: { title: 'Either way' } }, bearer),
    );
  });

  it('keeps every header out that belongs to a request: each answer has its own id', async () => {
    const first = await post('Ids');
    const again = await post('Ids');
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    expect(again.headers.get('ratelimit')).not.toBeNull();
  });

  it('may be anything visible in ASCII, up to 255 characters', async () => {
    const visible = Array.from({ length: 94 }, (_, n) => String.fromCharCode(33 + n)).join('');
    for (const good of ['a', visible, 'k'.repeat(255)]) {
      const first = await post('Good key', ada, good);
      expect([good, first.status]).toEqual([good, 201]);
      expectReplay(first, await post('Good key', ada, good));
    }
  });
});

describe('fifty at once', () => {
  it('create one task, and all get the same answer', async () => {
    const before = (await ada.get('/api/dashboard/stats')).body.total_tasks;
    const answers = await Promise.all(Array.from({ length: 50 }, () => post('At once')));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    expect((await ada.get('/api/dashboard/stats')).body.total_tasks).toBe(before + 1);
  });

  it('through two nodes: still one', async () => {
    // A process of its own: within one, a user's writes take turns before they reach the database.
    const other = await startNode(server.connection);
    try {
      const elsewhere = new Client(other.url);
      elsewhere.bearer = ada.accessToken;
      await elsewhere.get('/api/tasks');
      // Many rounds, since two processes must meet within a millisecond.
      for (let round = 0; round < 20; round++) {
        const under = randomUUID();
        const answers = await Promise.all(
          Array.from({ length: 6 }, (_, n) => post('Two nodes', n % 2 ? elsewhere : ada, under)),
        );
        expect(new Set(answers.map(({ status, text }) => `${status}${text}`)).size).toBe(1);
        expect(answers[0]?.status).toBe(201);
        const { id, rev } = answers[0]?.body ?? {};
        const request = { method: 'PATCH', path: `/api/tasks/${id}`, json: { title: `Changed ${round}` } };
        const changes = await Promise.all(
          Array.from({ length: 6 }, (_, n) => send(request, n % 2 ? elsewhere : ada, `${under}-change`)),
        );
        expect(new Set(changes.map(({ status, text }) => `${status}${text}`)).size).toBe(1);
        expect([changes[0]?.status, changes[0]?.body.rev]).toEqual([200, rev + 1]);
      }
    } finally {
      await other.stop();
    }
  });

  it('complete, delete and restore once', async () => {
    const task = await taskOf();
    for (const [method, suffix] of [
      ['PATCH', '/complete'],
      ['DELETE', ''],
      ['POST', '/restore'],
    ] as const) {
      const under = randomUUID();
      const [before] = (await stateOf(server, ada.user.id)).rows;
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          send({ method, path: `/api/tasks/${task.id}${suffix}` }, ada, under),
        ),
      );
      expect(new Set(answers.map(({ status, text }) => `${status}${text}`)).size).toBe(1);
      expect(answers[0]?.status).toBe(200);
      const [after] = (await stateOf(server, ada.user.id)).rows;
      expect(Number(after.rev)).toBe(Number(before.rev) + 1);
    }
  });

  it('with different requests: one of them is carried out, the others are refused', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => post(`Number ${n % 5}`)));
    const created = answers.filter(({ status }) => status === 201);
    expect(new Set(created.map(({ text }) => text)).size).toBe(1);
    expect(created).toHaveLength(10);
    const refused = answers.filter(({ status }) => status === 422);
    expect(refused).toHaveLength(40);
    expect(new Set(refused.map(({ body }) => body.code))).toEqual(new Set(['idempotency_key_reused']));
  });
});

describe('the same key with another request', () => {
  it.each([
    ['body', { method: 'POST', path: '/api/tasks', json: { title: 'Other' } }],
    ['spelling of the same body', { method: 'POST', path: '/api/tasks', body: '{ "title":"Mine"}' }],
    ['method and path', { method: 'PUT', path: '/api/tasks/1', json: { title: 'Mine' } }],
    ['path', { method: 'POST', path: '/api/tasks/1/restore', json: { title: 'Mine' } }],
    ['query', { method: 'POST', path: '/api/tasks?x=1', json: { title: 'Mine' } }],
    ['body that is refused anyway', { method: 'POST', path: '/api/tasks', json: { title: '' } }],
    ['body that is no JSON', { method: 'POST', path: '/api/tasks', body: '{' }],
    ['task that is missing', { method: 'DELETE', path: '/api/tasks/999999' }],
  ])('another %s: 422, nothing happens, and the first answer stays', async (_what, other) => {
    const first = await post('Mine');
    const before = await stateOf(server, ada.user.id);
    const type = { 'content-type': 'application/json' };
    const { status, headers, body } = await send({ ...other, ...('body' in other ? { headers: type } : {}) });
    expect([status, body.code, body.title]).toEqual([
      422,
      'idempotency_key_reused',
      'Idempotency key reused',
    ]);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('idempotency-replayed')).toBeNull();
    expect(await stateOf(server, ada.user.id)).toEqual(before);
    expectReplay(first, await post('Mine'));
  });
});

describe('a key', () => {
  it.each([
    ['empty', ''],
    ['of 256 characters', 'k'.repeat(256)],
    ['with a space', 'a b'],
    ['with a tab', 'a\tb'],
    ['with a letter beyond ASCII', 'clé'],
    ['with a no-break space', 'a\u00a0b'],
    ['given twice', 'a, b'],
  ])('%s is refused on every write, and nothing happens', async (_what, bad) => {
    const task = await taskOf();
    const before = await stateOf(server, ada.user.id);
    for (const [method, path, json] of [
      ['POST', '/api/tasks', { title: 'x' }],
      ['PUT', `/api/tasks/${task.id}`, { title: 'x' }],
      ['PATCH', `/api/tasks/${task.id}`, { title: 'x' }],
      ['PATCH', `/api/tasks/${task.id}/complete`, undefined],
      ['DELETE', `/api/tasks/${task.id}`, undefined],
      ['POST', `/api/tasks/${task.id}/restore`, undefined],
    ] as const) {
      const { status, body } = await send({ method, path, json }, ada, bad);
      expect([method, path, status, body.code]).toEqual([method, path, 422, 'validation_error']);
      expect(body.errors).toEqual([
        { path: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' },
      ]);
    }
    expect(await stateOf(server, ada.user.id)).toEqual(before);
  });

  it('means nothing to reads and to the authentication routes', async () => {
    expect((await send({ method: 'GET', path: '/api/tasks' }, ada, 'a b')).status).toBe(200);
    expect(
      (await send({ method: 'POST', path: '/api/auth/logout' }, new Client(server.url), 'a b')).status,
    ).toBe(200);
  });

  it('belongs to one user: two may use the same', async () => {
    const adas = await post('Adas');
    const bobs = await post('Bobs', bob);
    expect([adas.status, bobs.status, bobs.body.user_id]).toEqual([201, 201, bob.user.id]);
    expectReplay(adas, await post('Adas'));
    expectReplay(bobs, await post('Bobs', bob));
  });

  it('lives for 24 hours', async () => {
    const first = await post('Old');
    const age = (text: string) =>
      server.sql(
        `update idempotency_key set created_at = now() - $2::interval where user_id = $1 and key = $3`,
        [ada.user.id, text, key],
      );
    await age('23 hours 59 minutes');
    expectReplay(first, await post('Old'));
    await age('24 hours');
    const second = await post('Quite another request');
    expect([second.status, second.headers.get('idempotency-replayed')]).toEqual([201, null]);
    expectReplay(second, await post('Quite another request'));
  });
});
