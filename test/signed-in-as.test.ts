// A browser's tabs share one cookie: a tab that still shows one person is never served as another.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import type { Client } from './support/client.ts';
import { connected, openSocket, refusal } from './support/follower.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';

type SignedIn = Awaited<ReturnType<typeof seedClient>>;

let server: TestServer;
let ada: SignedIn;
let grace: SignedIn;

beforeAll(async () => {
  server = await startServer();
  [ada, grace] = await Promise.all([seedClient(server), seedClient(server)]);
});
afterAll(() => server?.close());

const as = (id: string) => ({ headers: { 'x-signed-in-as': id } });
const cookieOf = (client: Client) =>
  [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');

describe('a request that says whose it is', () => {
  it('is served when it is theirs', async () => {
    expect((await ada.get('/api/tasks', as(ada.user.id))).status).toBe(200);
    expect((await ada.post('/api/tasks', { title: 'Mine' }, as(ada.user.id))).status).toBe(201);
    const bearer = { authorization: `Bearer ${ada.accessToken}`, cookie: '' };
    const headers = { ...as(ada.user.id).headers, ...bearer };
    expect((await ada.get('/api/sync', { headers })).status).toBe(200);
  });

  it.each([
    ['another user', () => grace.user.id],
    ['nobody', () => ''],
    ['two at once', () => `${ada.user.id}, ${grace.user.id}`],
  ])('is nobody’s when it says %s, and nothing is done', async (_name, whom) => {
    const before = (await ada.get('/api/sync')).body.rev;
    expectProblem(await ada.get('/api/tasks', as(whom())), 'unauthenticated');
    expectProblem(await ada.get('/api/sync', as(whom())), 'unauthenticated');
    expectProblem(await ada.post('/api/tasks', { title: 'Stray' }, as(whom())), 'unauthenticated');
    expectProblem(await ada.post('/api/auth/logout', {}, as(whom())), 'unauthenticated');
    expect((await ada.post('/api/auth/update-user', { name: 'Stray' }, as(whom()))).status).toBe(401);
    expect((await ada.get('/api/sync')).body.rev).toBe(before);
    expect((await ada.get('/api/auth/session')).body.user.name).toBe('Ada');
  });

  it('opens nothing without a session', async () => {
    const { status } = await ada.get('/api/tasks', { headers: { ...as(ada.user.id).headers, cookie: '' } });
    expect(status).toBe(401);
  });
});

describe('a socket that says whose it is', () => {
  const open = (id: unknown) =>
    openSocket(server.url, undefined, {
      auth: { signed_in_as: id },
      extraHeaders: { cookie: cookieOf(ada) },
    });

  it('is opened when it is theirs', async () => {
    const socket = open(ada.user.id);
    await connected(socket);
    socket.disconnect();
  });

  it.each([
    ['another user', () => grace.user.id],
    ['no user', () => 7],
    ['nobody', () => null],
  ])('is refused when it says %s', async (_name, whom) => {
    expect(await refusal(open(whom()))).toBe('unauthorized');
  });
});
