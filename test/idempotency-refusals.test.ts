// Idempotency-Key: a refusal is an answer like others, also that of a body that is too large to be read.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnyBody, Client, signUp } from './support/client.ts';
import { expectReplay, type Sent, sendKeyed } from './support/keyed.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
let key: string;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
});
afterAll(() => server.close());
beforeEach(() => {
  key = randomUUID();
});

const send = (sent: Sent, by: Client = ada) => sendKeyed(by, key, sent);
const post = (title: string, by: Client = ada) =>
  send({ method: 'POST', path: '/api/tasks', json: { title } }, by);

async function taskOf(): Promise<AnyBody> {
  return (await ada.post('/api/tasks', { title: 'A task' })).body;
}

describe('a refusal is an answer, too', () => {
  const task404 = { method: 'PATCH', path: '/api/tasks/999999/complete' };

  it('404 is kept, although the task comes back', async () => {
    const task = await taskOf();
    await ada.delete(`/api/tasks/${task.id}`);
    const change = { method: 'PUT', path: `/api/tasks/${task.id}`, json: { title: 'x' } };
    const first = await send(change);
    expect(first.status).toBe(404);
    await ada.post(`/api/tasks/${task.id}/restore`);
    const again = await send(change);
    expectReplay(first, again);
    expect(again.body.request_id).toBe(first.body.request_id);
    expect(again.headers.get('content-type')).toBe('application/problem+json');
    expect((await ada.get(`/api/tasks/${task.id}`)).body.title).toBe('A task');
  });

  it('412 is kept, with the task as it was', async () => {
    const task = await taskOf();
    const change = { method: 'PUT', path: `/api/tasks/${task.id}`, json: { title: 'x' } };
    const first = await send({ ...change, headers: { 'if-match': '"0"' } });
    expect([first.status, first.body.current]).toEqual([412, task]);
    expectReplay(first, await send({ ...change, headers: { 'if-match': `"${task.rev}"` } }));
    expect((await ada.get(`/api/tasks/${task.id}`)).body).toEqual(task);
  });

  it.each([
    ['422 for a field', 422, { method: 'POST', path: '/api/tasks', json: { title: '' } }],
    ['422 for an id', 422, { method: 'DELETE', path: '/api/tasks/abc' }],
    ['422 for a query', 422, { method: 'DELETE', path: '/api/tasks/1?permanent=yes' }],
    ['404 for an id', 404, task404],
    ['404 for an id beyond all bounds', 404, { method: 'DELETE', path: `/api/tasks/${'9'.repeat(30)}` }],
    ['400 for no JSON', 400, { method: 'POST', path: '/api/tasks', body: '{"title": ' }],
    ['400 for no body', 400, { method: 'POST', path: '/api/tasks' }],
    ['400 on a route without a body', 400, { method: 'PATCH', path: '/api/tasks/1/complete', body: '{' }],
    [
      '415',
      415,
      { method: 'POST', path: '/api/tasks', body: 'title=x', headers: { 'content-type': 'text/plain' } },
    ],
    ['413', 413, { method: 'POST', path: '/api/tasks', json: { title: 'x'.repeat(70_000) } }],
    ['413 on PATCH', 413, { method: 'PATCH', path: '/api/tasks/1', body: 'x'.repeat(70_000) }],
    [
      '413 on a route without a body',
      413,
      { method: 'DELETE', path: '/api/tasks/1', body: 'x'.repeat(70_000) },
    ],
  ] as [string, number, Sent][])('%s is kept', async (_what, status, request) => {
    const given: Sent = { ...request, headers: { 'content-type': 'application/json', ...request.headers } };
    const first = await send(given);
    expect(first.status).toBe(status);
    expectReplay(first, await send(given));
    expect((await post('Other')).body.code).toBe('idempotency_key_reused');
  });

  it('401 and 403 are not: the next attempt counts', async () => {
    expect((await post('Signed in later', new Client(server.url))).status).toBe(401);
    const foreign = await send({
      method: 'POST',
      path: '/api/tasks',
      json: { title: 'Signed in later' },
      headers: { origin: 'https://evil.example' },
    });
    expect([foreign.status, foreign.body.code]).toEqual([403, 'unauthorized_access']);
    const { status, headers } = await post('Signed in later');
    expect([status, headers.get('idempotency-replayed')]).toEqual([201, null]);
  });

  it('429 is not', async () => {
    const strict = await startServer({
      connection: server.connection,
      env: { RATE_LIMIT_REQUESTS: '1', RATE_LIMIT_WINDOW: '3600' },
    });
    try {
      const client = new Client(strict.url);
      client.bearer = ada.accessToken;
      expect((await client.get('/api/tasks')).status).toBe(200);
      expect((await post('Too many', client)).status).toBe(429);
    } finally {
      await strict.close();
    }
    const { status, headers } = await post('Too many');
    expect([status, headers.get('idempotency-replayed')]).toEqual([201, null]);
  });
});

describe('a body that is too large', () => {
  it('413 is kept of a body in chunks, too', async () => {
    const chunks = () => {
      const body = new Blob(['x'.repeat(100_000)]).stream();
      const headers = { authorization: `Bearer ${ada.accessToken}`, 'idempotency-key': key };
      return fetch(`${server.url}/api/tasks`, {
        method: 'POST',
        headers,
        body,
        duplex: 'half',
      } as RequestInit);
    };
    const [first, again] = [await chunks(), await chunks()];
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([413, null]);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([413, 'true']);
    expect(await again.text()).toBe(await first.text());
  });

  it('413 is 422 under a used key or a bad one, and as ever without one', async () => {
    const large = (headers: Record<string, string>) =>
      ada.request('POST', '/api/tasks', { json: { title: 'x'.repeat(70_000) }, headers });
    expect(
      (
        await ada.request('POST', '/api/tasks', {
          json: { title: 'Used' },
          headers: { 'idempotency-key': key },
        })
      ).status,
    ).toBe(201);
    expect((await large({ 'idempotency-key': key })).body.code).toBe('idempotency_key_reused');
    expect((await large({ 'idempotency-key': 'not visible' })).body.code).toBe('validation_error');
    expect((await large({})).body.code).toBe('payload_too_large');
  });
});
