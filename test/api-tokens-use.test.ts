// What an API token opens: the routes whose document names its scope, the socket with tasks:read, and nothing else.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SCOPES } from '../contract/token.ts';
import { seedClient } from './support/accounts.ts';
import { makeToken, type TestToken, tokenClient } from './support/api-tokens.ts';
import { type AnyBody, Client, PASSWORD } from './support/client.ts';
import { connected, openSocket, refusal } from './support/follower.ts';
import type { Operation } from './support/openapi.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';

const ALL = Object.keys(SCOPES);
let here: TestServer;
let there: TestServer;
let ada: Awaited<ReturnType<typeof seedClient>>;
let operations: { method: string; path: string; operation: Operation }[];

beforeAll(async () => {
  here = await startServer({ shared: true });
  there = await startServer({ shared: true, connection: here.connection });
  ada = await seedClient(here);
  const document = (await new Client(here.url).get('/openapi.json')).body;
  operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});
afterAll(async () => {
  await there.close();
  await here.close();
});

type Security = Record<string, string[]>[];
/** The scopes that the document asks of a token; undefined where none will do. */
function scopesOf({ operation }: { operation: Operation }): string[] | undefined {
  return (operation.security as Security).find((one) => 'apiToken' in one)?.apiToken;
}
const needsSession = ({ operation }: { operation: Operation }) =>
  (operation.security as Security).length > 0 &&
  !(operation.security as Security).some((one) => Object.keys(one).length === 0);

describe('every route of the document', () => {
  it('has scopes on reading and writing tasks, and none on what manages accounts', () => {
    const scoped = operations
      .filter((one) => scopesOf(one))
      .map((one) => `${one.method} ${one.path} ${scopesOf(one)}`)
      .filter((line) => /\/api\/(tasks|dashboard|sync)/.test(line));
    expect(scoped.sort()).toEqual([
      'DELETE /api/tasks/{id} tasks:write',
      'GET /api/dashboard/overview tasks:read',
      'GET /api/dashboard/stats tasks:read',
      'GET /api/sync tasks:read',
      'GET /api/tasks tasks:read',
      'GET /api/tasks/{id} tasks:read',
      'PATCH /api/tasks/{id} tasks:write',
      'PATCH /api/tasks/{id}/complete tasks:write',
      'POST /api/tasks tasks:write',
      'POST /api/tasks/{id}/restore tasks:write',
      'PUT /api/tasks/{id} tasks:write',
    ]);
    const managing = operations.filter(({ path }) => /\/(auth|tokens|sessions|password|email)/.test(path));
    expect(managing.length).toBeGreaterThan(10);
    for (const one of managing) expect([one.path, scopesOf(one)]).toEqual([one.path, undefined]);
  });

  it('refuses a token that lacks a scope, and opens to one that has no other', async () => {
    const scoped = operations.filter((one) => scopesOf(one));
    expect(scoped.length).toBeGreaterThan(10);
    for (const one of scoped) {
      const scopes = scopesOf(one) ?? [];
      const path = one.path.replace(/\{\w+\}/, '1');
      const exact = tokenClient(here.url, await makeToken(ada, scopes));
      // Whatever the route makes of it: it was let in.
      expect([401, 403], `${one.method} ${path}`).not.toContain(
        (await exact.request(one.method, path)).status,
      );
      for (const missing of scopes) {
        const others = ALL.filter((scope) => scope !== missing);
        const lacking = tokenClient(here.url, await makeToken(ada, others));
        const { detail } = expectProblem(await lacking.request(one.method, path), 'unauthorized_access');
        expect(detail).toContain(missing);
      }
      await ada.delete('/api/account/tokens');
    }
  });

  it('refuses a token of all scopes where it names none', async () => {
    const all = await makeToken(ada, ALL);
    const client = tokenClient(here.url, all);
    const closed = operations.filter((one) => needsSession(one) && !scopesOf(one));
    expect(closed.map(({ path }) => path)).toEqual(expect.arrayContaining(['/api/account/tokens']));
    for (const { method, path } of closed) {
      const answer = await client.request(method, path.replace(/\{\w+\}/, all.id));
      expect([method, path, answer.status]).toEqual([method, path, 403]);
      expectProblem(answer, 'unauthorized_access');
    }
    expect((await client.get('/api/tasks')).status).toBe(200);
  });

  it('is answered to a token under /api/auth as to a stranger', async () => {
    const client = tokenClient(here.url, await makeToken(ada, ALL));
    expect((await client.get('/api/auth/session')).body).toEqual({ user: null, session: null });
    expect((await client.get('/api/auth/get-session')).body).toBeNull();
    expect((await client.get('/api/auth/list-sessions')).status).toBe(401);
    for (const [path, body] of [
      ['update-user', { name: 'Eve' }],
      ['change-password', { currentPassword: PASSWORD, newPassword: 'another correct horse' }],
      ['revoke-sessions', {}],
      ['delete-user', { password: PASSWORD }],
    ] as const)
      expect([401, 404], path).toContain((await client.post(`/api/auth/${path}`, body)).status);
    // Nor does a cookie beside it count.
    const both = new Client(here.url);
    for (const [name, value] of ada.cookies) both.cookies.set(name, value);
    both.bearer = client.bearer;
    expect((await both.get('/api/auth/session')).body.user).toBeNull();
    expect((await both.get('/api/auth/list-sessions')).status).toBe(401);
    expectProblem(await both.get('/api/account/tokens'), 'unauthorized_access');
    expect((await ada.get('/api/auth/session')).body.user.name).toBe('Ada');
  });
});

describe('a token that may', () => {
  it('works on the tasks of its user alone', async () => {
    const client = tokenClient(there.url, await makeToken(ada, ['tasks:read', 'tasks:write']));
    const eve = await seedClient(here);
    const hers = (await eve.post('/api/tasks', { title: 'Hers' })).body;
    const { status, body } = await client.post('/api/tasks', { title: 'By token' });
    expect([status, body.user_id]).toEqual([201, ada.account.id]);
    expectProblem(await client.get(`/api/tasks/${hers.id}`), 'task_not_found');
    expect((await client.patch(`/api/tasks/${body.id}`, { title: 'Changed' })).body.title).toBe('Changed');
    expect((await client.get('/api/sync')).body.tasks.map(({ id }: AnyBody) => id)).toContain(body.id);
    expect((await client.get('/api/dashboard/stats')).body.total_tasks).toBe(1);
    expect((await client.delete(`/api/tasks/${body.id}`)).status).toBe(200);
  });

  it('has its writes kept for an Idempotency-Key', async () => {
    const client = tokenClient(here.url, await makeToken(ada, ['tasks:write']));
    const headers = { 'idempotency-key': 'by-token' };
    const [one, two] = [
      await client.post('/api/tasks', { title: 'Once' }, { headers }),
      await client.post('/api/tasks', { title: 'Once' }, { headers }),
    ];
    expect(two.body).toEqual(one.body);
    expect(two.headers.get('idempotency-replayed')).toBe('true');
  });

  it('is not asked for its origin', async () => {
    const client = tokenClient(here.url, await makeToken(ada, ['tasks:write']));
    const headers = { origin: 'https://scripts.example' };
    expect((await client.post('/api/tasks', { title: 'x' }, { headers })).status).toBe(201);
  });

  it("counts against its user's limit, with sessions and other tokens", async () => {
    const strict = await startServer({ connection: here.connection, env: { RATE_LIMIT_REQUESTS: '6' } });
    const bob = await seedClient(here);
    const tokens = [await makeToken(bob, ['tasks:read']), await makeToken(bob, ['account:read'])];
    const clients = tokens.map((token) => tokenClient(strict.url, token));
    const session = new Client(strict.url);
    session.bearer = bob.accessToken;
    const statuses: number[] = [];
    for (const client of [...clients, session, ...clients, session, ...clients, session])
      statuses.push((await client.get('/api/tasks')).status);
    expect(statuses).toEqual([200, 403, 200, 200, 403, 200, 429, 429, 429]);
    await strict.close();
  });
});

describe('the socket of a token', () => {
  let bob: Awaited<ReturnType<typeof seedClient>>;
  beforeEach(async () => {
    bob = await seedClient(here);
  });

  async function watch(url: string, { token }: TestToken) {
    const socket = Object.assign(openSocket(url, { token }), { reason: undefined as string | undefined });
    socket.on('disconnect', (reason) => {
      socket.reason = reason;
    });
    await connected(socket);
    return socket;
  }

  it('hears what its user changes, and needs tasks:read', async () => {
    const socket = await watch(here.url, await makeToken(ada, ['tasks:read']));
    await ada.post('/api/tasks', { title: 'Heard' });
    await until(() => socket.received.length >= 2, 'the event');
    expect(socket.received[0]).toMatchObject(['task:created', { task: { title: 'Heard' } }]);
    socket.disconnect();
    const lacking = await makeToken(ada, ['tasks:write', 'account:read']);
    expect(await refusal(openSocket(here.url, lacking))).toBe('unauthorized');
    expect(await refusal(openSocket(here.url, { token: `${lacking.token}0` }))).toBe('unauthorized');
    const inHeader = openSocket(here.url, undefined, {
      extraHeaders: { authorization: `Bearer ${lacking.token}` },
    });
    expect(await refusal(inHeader)).toBe('unauthorized');
  });

  it.each([
    ['revoked', (id: string) => bob.delete(`/api/account/tokens/${id}`)],
    [
      'refused because its account is disabled',
      () => here.sql('update "user" set disabled_at = now() where id = $1', [bob.account.id]),
    ],
    ['revoked with all others', () => bob.delete('/api/account/tokens')],
    ['deleted by whatever way', (id: string) => here.sql('delete from api_token where id = $1', [id])],
    [
      'expired',
      (id: string) =>
        here.sql(`update api_token set expires_at = now() + interval '1 second' where id = $1`, [id]),
    ],
  ])('closes on every node when it is %s', async (_how, end) => {
    const token = await makeToken(bob, ['tasks:read']);
    const sockets = [await watch(here.url, token), await watch(there.url, token)];
    const stays = openSocket(there.url, { token: ada.accessToken });
    await connected(stays);
    await end(token.id);
    await until(() => sockets.every(({ reason }) => reason !== undefined), 'the disconnects');
    for (const { received, reason } of sockets)
      expect([received, reason]).toEqual([[['session:revoked', {}]], 'io server disconnect']);
    expect(await refusal(openSocket(there.url, token))).toBe('unauthorized');
    expect(stays.connected).toBe(true);
    stays.disconnect();
  });
});
