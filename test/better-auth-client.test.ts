// The official Better Auth client against our server: the same accounts, the same cookie, the same sessions.
import { randomUUID } from 'node:crypto';
import { createAuthClient } from 'better-auth/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, signIn } from './support/accounts.ts';
import { Client } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

const PASSWORD = 'a quiet river at dawn';
const COOKIE = 'better-auth.session_token';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** The client as its documentation shows it outside a browser: with a cookie jar of its own. */
function officialClient(headers: Record<string, string> = {}, jar = new Client(server.url)) {
  const customFetchImpl: typeof fetch = async (input, init) => {
    const given = Object.fromEntries(new Headers(init?.headers));
    const url = new URL(String(input));
    const body = init?.body === undefined || init.body === null ? {} : { body: String(init.body) };
    const answer = await jar.request(init?.method ?? 'GET', `${url.pathname}${url.search}`, {
      headers: { ...given, ...headers },
      ...body,
    });
    return new Response(answer.text, { status: answer.status, headers: answer.headers });
  };
  const auth = createAuthClient({ baseURL: server.url, fetchOptions: { customFetchImpl } });
  return { auth, jar };
}

async function memberOf(headers: Record<string, string> = {}) {
  const account = await seedAccount(server, { password: PASSWORD });
  const client = officialClient(headers);
  const { error } = await client.auth.signIn.email({ email: account.email, password: PASSWORD });
  expect(error).toBeNull();
  return { ...client, account };
}

describe.each<[string, () => Record<string, string>]>([
  ['without an Origin, as from a server', () => ({})],
  ['with the Origin of our own page', () => ({ origin: server.url, 'sec-fetch-site': 'same-origin' })],
  ['with an allowed Origin', () => ({ origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' })],
])('the official client %s', (_what, headersOf) => {
  it('signs up, in and out, and knows its session in between', async () => {
    const { auth } = officialClient(headersOf());
    const email = `${randomUUID()}@Example.com`;
    const made = await auth.signUp.email({ name: 'Ada', email, password: PASSWORD });
    expect(made.error).toBeNull();
    expect(made.data?.user).toMatchObject({ name: 'Ada', email: email.toLowerCase(), emailVerified: false });

    const current = await auth.getSession();
    expect(current.data?.user.id).toBe(made.data?.user.id);
    expect(current.data?.session.userId).toBe(made.data?.user.id);

    expect((await auth.signOut()).data).toEqual({ success: true });
    expect((await auth.getSession()).data).toBeNull();

    const entered = await auth.signIn.email({ email, password: PASSWORD });
    expect(entered.data?.user.id).toBe(made.data?.user.id);
    expect((await auth.getSession()).data?.user.email).toBe(email.toLowerCase());
  });

  it('lists and revokes sessions, changes user and password', async () => {
    const { auth, jar, account } = await memberOf(headersOf());
    const [second, third] = [officialClient(headersOf()), officialClient(headersOf())];
    const credentials = { email: account.email, password: PASSWORD };
    await second.auth.signIn.email(credentials);
    await third.auth.signIn.email(credentials);

    const listed = await auth.listSessions();
    expect(listed.data).toHaveLength(3);
    const secondToken = (await second.auth.getSession()).data?.session.token ?? '';
    expect((await auth.revokeSession({ token: secondToken })).error).toBeNull();
    expect((await second.auth.getSession()).data).toBeNull();
    expect((await third.auth.getSession()).data).not.toBeNull();

    expect((await auth.revokeOtherSessions()).error).toBeNull();
    expect((await third.auth.getSession()).data).toBeNull();
    expect((await auth.getSession()).data).not.toBeNull();

    const changes = { name: 'Ada Byron', image: 'https://example.com/ada.png' };
    expect((await auth.updateUser(changes)).error).toBeNull();
    expect((await auth.getSession()).data?.user).toMatchObject(changes);

    const next = 'the river at night';
    await third.auth.signIn.email(credentials);
    const mine = (await auth.getSession()).data?.session;
    const passwords = { currentPassword: PASSWORD, newPassword: next };
    const changed = await auth.changePassword({ ...passwords, revokeOtherSessions: true });
    expect(changed.error).toBeNull();
    expect(changed.data).toMatchObject({ token: mine?.token, user: { id: account.id, ...changes } });
    expect((await third.auth.getSession()).data).toBeNull();
    expect((await auth.getSession()).data?.session.id).toBe(mine?.id);
    expect((await second.auth.signIn.email(credentials)).error?.status).toBe(401);
    expect((await second.auth.signIn.email({ ...credentials, password: next })).error).toBeNull();

    // Whether it asks for it or not: a new password leaves no other session.
    const back = await auth.changePassword({ currentPassword: next, newPassword: PASSWORD });
    expect([back.error, back.data?.token]).toEqual([null, null]);
    expect((await second.auth.getSession()).data).toBeNull();
    expect((await auth.getSession()).data?.session.id).toBe(mine?.id);
    const { events } = (await jar.get('/api/account/events')).body;
    expect(events.map(({ kind }: { kind: string }) => kind)).toEqual([
      'password_changed',
      'signed_in',
      'sign_in_failed',
      'password_changed',
      'signed_in',
      'profile_changed',
      'sessions_revoked',
      'session_revoked',
      'signed_in',
      'signed_in',
      'signed_in',
    ]);
  });

  it('gets errors in the shape that it expects', async () => {
    const { auth, account } = await memberOf(headersOf());
    const stranger = officialClient(headersOf()).auth;
    const wrong = await stranger.signIn.email({ email: account.email, password: 'wrong password' });
    expect(wrong.error).toMatchObject({
      status: 401,
      code: 'INVALID_EMAIL_OR_PASSWORD',
      message: expect.any(String),
    });
    const taken = await stranger.signUp.email({ name: 'Eve', email: account.email, password: PASSWORD });
    expect(taken.error).toMatchObject({ status: 422, code: 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL' });
    expect((await stranger.listSessions()).error).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
    const current = await auth.changePassword({
      currentPassword: 'wrong password',
      newPassword: 'the river at noon',
    });
    expect(current.error).toMatchObject({ status: 400, code: 'INVALID_PASSWORD' });
  });
});

describe('its cookie and ours', () => {
  it('are one: its sign-in opens the tasks, and our sign-out ends its session', async () => {
    const { auth, jar } = await memberOf();
    const task = await jar.post('/api/tasks', { title: 'From the official client' });
    expect(task.status).toBe(201);
    const { body } = await jar.get('/api/auth/session');
    expect(body.user.id).toBe((await auth.getSession()).data?.user.id);
    expect((await jar.post('/api/auth/refresh')).status).toBe(200);
    expect((await auth.getSession()).data).not.toBeNull();
    await jar.post('/api/auth/logout');
    expect((await auth.getSession()).data).toBeNull();
  });

  it('are one: a cookie of our sign-in is a session for the official client, which can end it', async () => {
    const account = await seedAccount(server);
    const ours = await signIn(server.url, account);
    const { auth } = officialClient({}, ours);
    expect((await auth.getSession()).data?.session.id).toBe(ours.session.id);
    const [session] = (await auth.listSessions()).data ?? [];
    expect(session?.id).toBe(ours.session.id);
    expect((await auth.signOut()).error).toBeNull();
    expect(
      (
        await new Client(server.url).get('/api/tasks', {
          headers: { authorization: `Bearer ${ours.accessToken}` },
        })
      ).status,
    ).toBe(401);
  });

  it('end together with "do not remember me", and not later than the settings say', async () => {
    const account = await seedAccount(server);
    const { auth, jar } = officialClient();
    await auth.signIn.email({ email: account.email, password: account.password, rememberMe: false });
    const { expires_at } = (await jar.get('/api/auth/session')).body.session;
    expect(Date.parse(expires_at)).toBeLessThan(Date.now() + 1_860_000);
    expect(jar.cookies.has(COOKIE)).toBe(true);
  });

  it('are extended by use: the official session check renews a session past a sixth of its life', async () => {
    const { auth, jar } = await memberOf();
    await server.sql(`update session set expires_at = now() + interval '20 minutes'`);
    const before = Date.now();
    const renewed = await auth.getSession();
    expect(new Date(renewed.data?.session.expiresAt ?? 0).getTime()).toBeGreaterThan(before + 1_790_000);
    const { expires_at } = (await jar.get('/api/auth/session')).body.session;
    expect(Date.parse(expires_at)).toBeGreaterThan(before + 1_790_000);
  });
});

describe('a bearer', () => {
  it('uses the official endpoints without a cookie and from any page', async () => {
    const account = await seedAccount(server);
    const { accessToken, session } = await signIn(server.url, account);
    const { auth } = officialClient({
      authorization: `Bearer ${accessToken}`,
      origin: 'https://elsewhere.example',
    });
    expect((await auth.getSession()).data?.session.id).toBe(session.id);
    expect((await auth.updateUser({ name: 'Grace' })).error).toBeNull();
    expect((await auth.getSession()).data?.user.name).toBe('Grace');
    expect((await auth.signOut()).error).toBeNull();
    expect((await auth.getSession()).data).toBeNull();
  });

  it('counts before a cookie that comes along', async () => {
    const [ada, eve] = await Promise.all([seedAccount(server), seedAccount(server)]);
    const [asAda, asEve] = [await signIn(server.url, ada), await signIn(server.url, eve)];
    const { auth } = officialClient({ authorization: `Bearer ${asEve.accessToken}` }, asAda);
    expect((await auth.getSession()).data?.user.id).toBe(eve.id);
    await auth.updateUser({ name: 'Eve' });
    const names = await server.sql<{ name: string }>('select name from "user" where id = $1', [ada.id]);
    expect(names).toEqual([{ name: 'Ada' }]);
  });
});
