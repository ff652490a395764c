// A session's life: shown, extended, ended, expired; and every protected route without one.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, seedAccount, seedClient, signIn } from './support/accounts.ts';
import { makeToken } from './support/api-tokens.ts';
import { type AnyBody, Client } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';

const COOKIE = 'better-auth.session_token';
const CLEARED = `${COOKIE}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax`;
const NOBODY = { user: null, session: null };

let server: TestServer;
let account: Account;

beforeAll(async () => {
  server = await startServer();
  account = await seedAccount(server);
});
afterAll(() => server.close());

const enter = () => signIn(server.url, account);

function bearerClient(accessToken: string): Client {
  const client = new Client(server.url);
  client.bearer = accessToken;
  return client;
}

async function sessionIds(): Promise<string[]> {
  const rows = await server.sql<{ id: string }>('select id from session where user_id = $1', [account.id]);
  return rows.map(({ id }) => id);
}

/** That neither cookie nor token of this client opens anything any more. */
async function expectDead(client: Client, accessToken: string) {
  const cookie = { cookie: [...client.cookies].map((pair) => pair.join('=')).join('; ') };
  const bearer = { authorization: `Bearer ${accessToken}` };
  for (const headers of [cookie, bearer]) {
    const visitor = new Client(server.url);
    expect((await visitor.get('/api/tasks', { headers })).status).toBe(401);
    expect((await visitor.post('/api/auth/refresh', undefined, { headers })).status).toBe(401);
    expect((await visitor.get('/api/auth/session', { headers })).body).toEqual(NOBODY);
    expect((await visitor.get('/api/auth/get-session', { headers })).body).toBeNull();
  }
}

describe('GET /api/auth/session', () => {
  it('answers 200 with nulls to a stranger', async () => {
    const { status, body, headers } = await new Client(server.url).get('/api/auth/session');
    expect([status, body]).toEqual([200, NOBODY]);
    expect(headers.get('ratelimit')).toBeNull();
    expect(headers.getSetCookie()).toEqual([]);
  });

  it('answers the same user and session to cookie and bearer', async () => {
    const client = await enter();
    const expected = { user: client.user, session: client.session };
    expect((await client.get('/api/auth/session')).body).toEqual(expected);
    expect((await bearerClient(client.accessToken).get('/api/auth/session/')).body).toEqual(expected);
  });

  it('does not extend the session', async () => {
    const client = await enter();
    await server.sql(`update session set expires_at = now() + interval '1 minute' where id = $1`, [
      client.session.id,
    ]);
    const first = (await client.get('/api/auth/session')).body.session.expires_at;
    expect((await client.get('/api/auth/session')).body.session.expires_at).toBe(first);
  });
});

describe('POST /api/auth/refresh', () => {
  it('extends the session and sends the cookie again', async () => {
    const client = await enter();
    const { status, headers, body } = await client.post('/api/auth/refresh');
    expect(status).toBe(200);
    expect(body).toEqual({
      user: client.user,
      session: { ...client.session, expires_at: expect.any(String) },
    });
    expect(Date.parse(body.session.expires_at)).toBeGreaterThan(Date.parse(client.session.expires_at));
    expect(headers.getSetCookie()).toEqual([
      `${COOKIE}=${client.cookies.get(COOKIE)}; Max-Age=1800; Path=/; HttpOnly; SameSite=Lax`,
    ]);
    expect((await client.get('/api/auth/session')).body).toEqual(body);
  });

  it('extends by the whole lifetime a session that was about to end', async () => {
    const client = await enter();
    await server.sql(`update session set expires_at = now() + interval '5 seconds' where id = $1`, [
      client.session.id,
    ]);
    const before = Date.now();
    const { body } = await client.post('/api/auth/refresh');
    expect(Date.parse(body.session.expires_at)).toBeGreaterThanOrEqual(before + 1_790_000);
  });

  it('gives each of many simultaneous ones a later end, and none two the same', async () => {
    const client = await enter();
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.post('/api/auth/refresh')));
    const ends = answers.map(({ body }) => Date.parse(body.session.expires_at));
    expect(new Set(ends).size).toBe(8);
    expect(Math.min(...ends)).toBeGreaterThan(Date.parse(client.session.expires_at));
  });

  it('gives a new access token to a bearer, and only to a bearer', async () => {
    const client = await enter();
    const { status, headers, body } = await bearerClient(client.accessToken).post('/api/auth/refresh');
    expect(status).toBe(200);
    expect(body).toEqual({
      user: client.user,
      session: expect.objectContaining({ id: client.session.id }),
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 1800,
    });
    expect(headers.getSetCookie()).toHaveLength(1);
    expect((await bearerClient(body.access_token).get('/api/tasks')).status).toBe(200);
    const both = await client.post('/api/auth/refresh', undefined, {
      headers: { authorization: `Bearer ${client.accessToken}` },
    });
    expect(both.body.access_token).toEqual(expect.any(String));
  });

  it('answers 401 to a stranger', async () => {
    const { status, headers, body } = await new Client(server.url).post('/api/auth/refresh');
    expect([status, body.code]).toEqual([401, 'unauthenticated']);
    expect(headers.get('www-authenticate')).toBe('Bearer');
    expect(headers.getSetCookie()).toEqual([]);
  });
});

describe('POST /api/auth/logout', () => {
  it.each(['cookie', 'bearer'])('by %s ends the session at once, for cookie and token alike', async (by) => {
    const client = await enter();
    const kept = new Map(client.cookies);
    const caller = by === 'cookie' ? client : bearerClient(client.accessToken);
    const { status, headers, body } = await caller.post('/api/auth/logout');
    expect(status).toBe(200);
    expect(body).toEqual({ message: 'Logged out successfully', status: 'success' });
    expect(headers.getSetCookie()).toEqual([CLEARED]);
    expect(await sessionIds()).not.toContain(client.session.id);
    await expectDead(Object.assign(new Client(server.url), { cookies: kept }), client.accessToken);
  });

  it('answers the same to a stranger, to a dead session and to whatever body comes along', async () => {
    const client = await enter();
    const headers = { cookie: `${COOKIE}=${client.cookies.get(COOKIE)}` };
    const requests = [
      client.post('/api/auth/logout', {}, { headers }),
      client.post('/api/auth/logout', undefined, { headers }),
      new Client(server.url).post('/api/auth/logout'),
      new Client(server.url).post('/api/auth/logout/', null),
      new Client(server.url).request('POST', '/api/auth/logout', {
        body: '{',
        headers: { 'content-type': 'application/json' },
      }),
      new Client(server.url).request('POST', '/api/auth/logout', {
        body: 'bye',
        headers: { 'content-type': 'text/plain' },
      }),
      new Client(server.url).post('/api/auth/logout', undefined, {
        headers: { authorization: 'Bearer rubbish' },
      }),
      new Client(server.url).post('/api/auth/logout', undefined, { headers: { cookie: `${COOKIE}=forged` } }),
    ];
    for (const { status, body, headers: answered } of await Promise.all(requests)) {
      expect([status, body]).toEqual([200, { message: 'Logged out successfully', status: 'success' }]);
      expect(answered.getSetCookie()).toEqual([CLEARED]);
    }
  });

  it('ends no other session of the user', async () => {
    const [one, two] = [await enter(), await enter()];
    await one.post('/api/auth/logout');
    expect((await two.get('/api/tasks')).status).toBe(200);
  });

  it('takes the mark of a sign-in that is not to be remembered with it, and until then the cookie ends with the browser', async () => {
    const client = new Client(server.url);
    const form = { email: account.email, password: account.password, rememberMe: false };
    const headers = { origin: server.url };
    expect((await client.post('/api/auth/sign-in/email', form, { headers })).status).toBe(200);
    const refreshed = (await client.post('/api/auth/refresh')).headers.getSetCookie();
    expect(refreshed).toEqual([expect.stringMatching(`^${COOKIE}=[^;]+; Path=/; HttpOnly; SameSite=Lax$`)]);
    const left = await client.post('/api/auth/logout');
    const mark = CLEARED.replace('session_token', 'dont_remember');
    expect(left.headers.getSetCookie()).toEqual([CLEARED, mark]);
  });

  it('with a cookie and an outlived token ends the session of the cookie that it takes away', async () => {
    const client = await enter();
    const headers = { authorization: 'Bearer outlived' };
    expect((await client.post('/api/auth/logout', undefined, { headers })).status).toBe(200);
    expect(await sessionIds()).not.toContain(client.session.id);
  });

  it('with a cookie and an outlived token obeys the rule for the cookie', async () => {
    const client = await enter();
    const token = (await makeToken(client, ['tasks:read'])).token;
    for (const bearer of ['outlived', token]) {
      const headers = { authorization: `Bearer ${bearer}`, origin: 'https://evil.example' };
      const refused = await client.post('/api/auth/logout', undefined, { headers });
      expectProblem(refused, 'unauthorized_access');
      expect(refused.headers.getSetCookie()).toEqual([]);
      expect(await sessionIds()).toContain(client.session.id);
    }
  });
});

describe('a session that is gone', () => {
  it('because its row was deleted is refused by the next request', async () => {
    const client = await enter();
    expect((await client.get('/api/tasks')).status).toBe(200);
    await server.sql('delete from session where id = $1', [client.session.id]);
    await expectDead(client, client.accessToken);
  });

  it('because it has expired is refused, by cookie and by a token that has not', async () => {
    const client = await enter();
    await server.sql(`update session set expires_at = now() - interval '1 second' where id = $1`, [
      client.session.id,
    ]);
    await expectDead(client, client.accessToken);
  });

  it('because its user was deleted is refused, and the e-mail is free again', async () => {
    const ada = await seedClient(server);
    await server.sql('delete from "user" where id = $1', [ada.user.id]);
    await expectDead(ada, ada.accessToken);
    const again = await new Client(server.url).post('/api/auth/login', ada.account);
    expect([again.status, again.body.code]).toEqual([401, 'invalid_credentials']);
    const recreated = await new Client(server.url).post('/api/auth/signup', { name: 'Ada', ...ada.account });
    expect(recreated.status).toBe(201);
    expect(recreated.body.user.id).not.toBe(ada.user.id);
  });

  it('on one node is gone on every node', async () => {
    const other = await startServer({ connection: server.connection });
    try {
      const client = await enter();
      const elsewhere = Object.assign(new Client(other.url), { cookies: client.cookies });
      expect((await elsewhere.get('/api/tasks')).status).toBe(200);
      await bearerClient(client.accessToken).post('/api/auth/logout');
      expect((await elsewhere.get('/api/tasks')).status).toBe(401);
    } finally {
      await other.close();
    }
  });
});

describe('without a session', () => {
  it('every route of tasks and dashboards answers 401, whatever is sent', async () => {
    const document = (await new Client(server.url).get('/openapi.json')).body;
    const operations = Object.entries<AnyBody>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter(() => /^\/api\/(tasks|dashboard|sync)/.test(path))
        .map((method) => ({ path: path.replace(/\{\w+\}/g, '1'), method: method.toUpperCase() })),
    );
    expect(operations.length).toBeGreaterThanOrEqual(10);
    const stranger = new Client(server.url);
    for (const { path, method } of operations) {
      for (const [target, options] of [
        [path, {}],
        [`${path}/`, method === 'GET' ? {} : { json: {} }],
        [
          `${path}?limit=x`,
          method === 'GET' ? {} : { body: '{', headers: { 'content-type': 'application/json' } },
        ],
        [path.replace('/1', '/nonsense'), { headers: { cookie: `${COOKIE}=forged.forged` } }],
      ] as const) {
        const { status, headers, body } = await stranger.request(method, target, options);
        expect([method, target, status, body.code]).toEqual([method, target, 401, 'unauthenticated']);
        expect(headers.get('www-authenticate')).toBe('Bearer');
        expect(headers.get('content-type')).toBe('application/problem+json');
        expect(headers.get('ratelimit')).toBeNull();
        expect(body.detail).toMatch(/\.$/);
      }
    }
  });

  it('the document says of every one of them that it needs a session', async () => {
    const document = (await new Client(server.url).get('/openapi.json')).body;
    for (const [path, methods] of Object.entries<AnyBody>(document.paths)) {
      if (!/^\/api\/(tasks|dashboard|sync)/.test(path)) continue;
      for (const operation of Object.values<AnyBody>(methods)) {
        const [cookie, bearer, ...others] = operation.security;
        expect([cookie, bearer]).toEqual([{ cookie: [] }, { bearer: [] }]);
        for (const other of others) expect(Object.keys(other)).toEqual(['apiToken']);
        expect(Object.keys(operation.responses)).toContain('401');
      }
    }
  });

  it('a path in another spelling is no way round the door', async () => {
    const client = await enter();
    for (const path of [
      '/%61pi/tasks',
      '/api/%74asks',
      '/api/tasks/%2e%2e/tasks',
      '//api/tasks',
      '/API/tasks',
    ]) {
      const stranger = await new Client(server.url).get(path);
      expect([401, 404, 422]).toContain(stranger.status);
      const signedIn = await client.get(path);
      if (stranger.status === 401) {
        expect(signedIn.status).not.toBe(401);
        expect(signedIn.headers.get('ratelimit')).not.toBeNull();
      }
    }
  });
});
