// Where somebody is signed in, and ending it: listed with device and address, revoked on every node, never another's.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Account, seedAccount, seedClient, signIn } from './support/accounts.ts';
import { type Answer, type AnyBody, Client } from './support/client.ts';
import { connected, openSocket } from './support/follower.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { problem } from './support/tasks.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

let server: TestServer;
let account: Account;

beforeAll(async () => {
  server = await startServer({ env: { TRUST_PROXY: '127.0.0.1' } });
});
beforeEach(async () => {
  account = await seedAccount(server);
});
afterAll(() => server.close());

const enter = (userAgent = FIREFOX, address = '203.0.113.7') =>
  signIn(server.url, account, { 'user-agent': userAgent, 'x-forwarded-for': address });

type SignedIn = Awaited<ReturnType<typeof enter>>;

async function listOf(client: Client): Promise<AnyBody[]> {
  const { status, body } = await client.get('/api/account/sessions');
  expect(status).toBe(200);
  expect(Object.keys(body)).toEqual(['sessions']);
  return body.sessions;
}

async function isIn({ accessToken, ...client }: SignedIn): Promise<boolean> {
  const headers = { cookie: [...client.cookies].map((pair) => pair.join('=')).join('; ') };
  const bearer = { authorization: `Bearer ${accessToken}` };
  const visitor = new Client(server.url);
  const answers = await Promise.all([
    visitor.get('/api/account', { headers }),
    visitor.get('/api/account', { headers: bearer }),
  ]);
  const official = await visitor.get('/api/auth/get-session', { headers });
  const statuses = answers.map(({ status }) => status);
  expect([[...statuses, official.body !== null]]).toContainEqual(
    statuses[0] === 200 ? [200, 200, true] : [401, 401, false],
  );
  return statuses[0] === 200;
}

describe('GET /api/account/sessions', () => {
  it('tells of each session its device, its address and its times, and which one asks', async () => {
    const desk = await enter();
    const phone = await enter(SAFARI, '2001:db8::5');
    const sessions = await listOf(desk);
    expect(sessions).toHaveLength(2);
    expect(sessions.find(({ current }) => current)).toEqual({
      id: desk.session.id,
      current: true,
      device: 'Firefox on Linux',
      user_agent: FIREFOX,
      ip_address: '203.0.113.7',
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      last_used_at: expect.stringMatching(/^\d{4}-.*Z$/),
      expires_at: desk.session.expires_at,
    });
    expect(sessions.find(({ current }) => !current)).toMatchObject({
      id: phone.session.id,
      device: 'Safari on iPhone',
      user_agent: SAFARI,
      ip_address: '2001:db8::5',
    });
    expect((await listOf(phone)).find(({ current }) => current).id).toBe(phone.session.id);
    const tokens = await server.sql<{ token: string }>('select token from session where user_id = $1', [
      account.id,
    ]);
    for (const { token } of tokens) expect(JSON.stringify(sessions)).not.toContain(token);
  });

  it('lists nothing that is over, and nothing of anybody else', async () => {
    const client = await enter();
    const over = await enter();
    await server.sql(`update session set expires_at = now() - interval '1 second' where id = $1`, [
      over.session.id,
    ]);
    await seedClient(server);
    expect((await listOf(client)).map(({ id }) => id)).toEqual([client.session.id]);
  });

  it('puts the one used last first, and at most two hundred', async () => {
    const client = await enter();
    await server.sql(
      `insert into session (id, token, user_id, expires_at, last_used_at)
       select 'old' || n, repeat('x', 40) || n, $1, now() + interval '1 hour', now() - make_interval(mins => n)
       from generate_series(1, 250) n`,
      [account.id],
    );
    const sessions = await listOf(client);
    expect(sessions).toHaveLength(200);
    expect(sessions.slice(0, 3).map(({ id }) => id)).toEqual([client.session.id, 'old1', 'old2']);
    expect(sessions[1]).toMatchObject({ device: 'Unknown device', user_agent: null, ip_address: null });
    expect((await client.delete('/api/account/sessions')).body).toEqual({ ended: 250 });
  });

  it.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36',
      'Chrome on macOS',
    ],
    [
      'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    ['curl/8.14.1', 'curl'],
    ['<script>alert(1)</script>', 'Unknown device'],
  ])('names the device of %s', async (userAgent, device) => {
    const client = await enter(userAgent);
    expect(await listOf(client)).toMatchObject([{ device, user_agent: userAgent }]);
  });

  it('is closed to strangers', async () => {
    const stranger = new Client(server.url);
    expectProblem(await stranger.get('/api/account/sessions'), 'unauthenticated');
    expectProblem(await stranger.delete('/api/account/sessions'), 'unauthenticated');
    expectProblem(await stranger.delete('/api/account/sessions/x'), 'unauthenticated');
  });
});

describe('last_used_at', () => {
  it('is now for whoever asks, costs no write at a request, and is written down before the node ends', async () => {
    const node = await startServer();
    const owner = await seedAccount(node);
    const one = await signIn(node.url, owner);
    const other = await signIn(node.url, owner);
    const used = () =>
      node.sql<{ id: string; used: Date | null; made: Date }>(
        'select id, last_used_at as used, created_at as made from session order by created_at',
      );
    for (let count = 0; count < 10; count++) expect((await one.get('/api/tasks')).status).toBe(200);
    const second = await startServer({ connection: node.connection });
    expect((await used()).map(({ used }) => used)).toEqual([null, null]);
    const listed = (await one.get('/api/account/sessions')).body.sessions;
    const mine = listed.find(({ current }: AnyBody) => current);
    expect(mine.last_used_at > mine.created_at).toBe(true);
    const theirs = listed.find(({ current }: AnyBody) => !current);
    expect(theirs.last_used_at).toBe(theirs.created_at);
    await second.app.close();

    await node.app.close();
    const rows = await used();
    const [written, untouched] = [one, other].map(({ session }) => rows.find(({ id }) => id === session.id));
    expect(written?.used?.getTime()).toBeGreaterThan(written?.made.getTime() ?? Number.POSITIVE_INFINITY);
    expect(untouched?.used).toBeNull();
    await node.close();
  });

  it('is kept up by a socket that is open, without any request', async () => {
    const node = await startServer();
    const owner = await seedAccount(node);
    const [one, other] = [await signIn(node.url, owner), await signIn(node.url, owner)];
    const [open, ending] = [one, other].map(({ accessToken }) =>
      openSocket(node.url, { token: accessToken }),
    );
    await Promise.all([open, ending].map((socket) => socket && connected(socket)));
    // Nobody tells of this end: the sweep that finds it has found the other socket, too.
    await node.sql(`update session set expires_at = now() - interval '1 second' where id = $1`, [
      other.session.id,
    ]);
    await until(() => ending?.disconnected, 'the sweep');
    const since = Date.now();
    open?.disconnect();
    await node.app.close();
    const [row] = await node.sql<AnyBody>('select created_at, last_used_at from session where id = $1', [
      one.session.id,
    ]);
    expect(row.last_used_at?.getTime()).toBeGreaterThan(row.created_at.getTime());
    expect(row.last_used_at.getTime()).toBeLessThanOrEqual(since + 1);
    await node.close();
  });
});

describe('DELETE /api/account/sessions/{id}', () => {
  it('ends that session and no other, whichever way it is shown', async () => {
    const [one, two, three] = [await enter(), await enter(), await enter()];
    const { status, body } = await one.delete(`/api/account/sessions/${two.session.id}`);
    expect([status, body]).toEqual([200, { ended: 1 }]);
    expect(await Promise.all([one, two, three].map(isIn))).toEqual([true, false, true]);
    expectProblem(await one.delete(`/api/account/sessions/${two.session.id}`), 'not_found');
  });

  it('ends the session that asks, too, and takes its cookie', async () => {
    const client = await enter();
    const copy = Object.assign(new Client(server.url), { ...client, cookies: new Map(client.cookies) });
    const { status, headers } = await client.delete(`/api/account/sessions/${client.session.id}`);
    expect([status, headers.getSetCookie()]).toEqual([200, [expect.stringContaining('Max-Age=0')]]);
    expect(client.cookies.size).toBe(0);
    expect(await isIn(copy as SignedIn)).toBe(false);
  });

  it('says of somebody else’s what it says of one that never was, and ends nothing', async () => {
    const eve = await seedClient(server);
    const client = await enter();
    const path = (id: string) => `/api/account/sessions/${id}`;
    const missing = await eve.delete(path('0123456789abcdef0123456789abcdef'));
    const theirs = await eve.delete(path(client.session.id));
    expectProblem(missing, 'not_found');
    expect(problem(theirs)).toEqual(problem(missing));
    expect((await eve.delete('/api/account/sessions')).body).toEqual({ ended: 0 });
    expect(await isIn(client)).toBe(true);
  });

  it.each(['%00', 'a'.repeat(5_000), 'é', "'%20or%201=1", '..%2fsessions', '%20'])(
    'has nothing at %s',
    async (id) => {
      const client = await enter();
      expectProblem(await client.delete(`/api/account/sessions/${id}`), 'not_found');
      expect(await isIn(client)).toBe(true);
    },
  );

  it('is refused to a foreign page with a cookie', async () => {
    const [one, two] = [await enter(), await enter()];
    const foreign = { headers: { origin: 'https://evil.example' } };
    for (const path of ['/api/account/sessions', `/api/account/sessions/${two.session.id}`])
      expectProblem(await one.delete(path, foreign), 'unauthorized_access');
    expect(await isIn(two)).toBe(true);
  });
});

describe('DELETE /api/account/sessions', () => {
  it('ends all others and says how many', async () => {
    const [one, two, three] = [await enter(), await enter(), await enter()];
    const { status, body } = await one.delete('/api/account/sessions');
    expect([status, body]).toEqual([200, { ended: 2 }]);
    expect(await Promise.all([one, two, three].map(isIn))).toEqual([true, false, false]);
    expect((await one.delete('/api/account/sessions')).body).toEqual({ ended: 0 });
  });
});

describe('through Better Auth’s endpoints', () => {
  /** More than Better Auth would look at. */
  const many = () =>
    server.sql(
      `insert into session (id, token, user_id, expires_at)
       select 'old' || n, repeat('x', 40) || n, $1, now() + interval '1 hour' from generate_series(1, 250) n`,
      [account.id],
    );
  const left = async () =>
    (await server.sql<AnyBody>('select id from session where user_id = $1', [account.id])).map(
      ({ id }) => id,
    );
  const told = () =>
    server.sql<AnyBody>(
      `select kind, session_id, details from security_event where user_id = $1 and kind <> 'signed_in' order by id`,
      [account.id],
    );

  it('all others end, however many they are', async () => {
    const client = await enter();
    await many();
    const { status, body } = await client.post('/api/auth/revoke-other-sessions', {});
    expect([status, body]).toEqual([200, { status: true }]);
    expect(await left()).toEqual([client.session.id]);
    expect(await told()).toEqual([
      { kind: 'sessions_revoked', session_id: client.session.id, details: { ended_sessions: 250 } },
    ]);
  });

  it('all end, this one too, and its cookie is taken', async () => {
    const client = await enter();
    await many();
    const { status, body } = await client.post('/api/auth/revoke-sessions', {});
    expect([status, body, client.cookies.size]).toEqual([200, { status: true }, 0]);
    expect(await left()).toEqual([]);
    expect(await told()).toEqual([
      { kind: 'sessions_revoked', session_id: client.session.id, details: { ended_sessions: 251 } },
    ]);
  });

  it('one ends by its token; that of somebody else, or none, is left alone without a word', async () => {
    const [one, two] = [await enter(), await enter()];
    const eve = await seedClient(server);
    const tokenOf = async (id: string) =>
      (await server.sql<AnyBody>('select token from session where id = $1', [id]))[0].token;
    for (const token of [await tokenOf(eve.session.id), 'nonsense', '', 'x'.repeat(5_000), 'é']) {
      const { status, body } = await one.post('/api/auth/revoke-session', { token });
      expect([status, body]).toEqual([200, { status: true }]);
    }
    expect((await eve.get('/api/account')).status).toBe(200);
    expect(await told()).toEqual([]);
    expect((await one.post('/api/auth/revoke-session', {})).status).toBe(400);
    expect((await one.post('/api/auth/revoke-session', { token: 7 })).status).toBe(400);

    await one.post('/api/auth/revoke-session', { token: await tokenOf(two.session.id) });
    expect(await Promise.all([one, two].map(isIn))).toEqual([true, false]);
    await one.post('/api/auth/revoke-session', { token: await tokenOf(one.session.id) });
    expect([one.cookies.size, await left()]).toEqual([0, []]);
    expect(await told()).toEqual([
      { kind: 'session_revoked', session_id: one.session.id, details: { ended_session: two.session.id } },
      { kind: 'signed_out', session_id: one.session.id, details: {} },
    ]);
  });

  it.each(['revoke-session', 'revoke-sessions', 'revoke-other-sessions'])(
    'nobody may %s without a session or from a foreign page',
    async (endpoint) => {
      const [client, other] = [await enter(), await enter()];
      const stranger = await new Client(server.url).post(`/api/auth/${endpoint}`, { token: 'x' });
      expect([stranger.status, stranger.body.code]).toEqual([401, 'UNAUTHORIZED']);
      const headers = { origin: 'https://evil.example' };
      expect((await client.post(`/api/auth/${endpoint}`, { token: 'x' }, { headers })).status).toBe(403);
      expect(await isIn(other)).toBe(true);
    },
  );
});

describe('at the same moment', () => {
  it('a session that is revoked while it is extended, through both doors, stays revoked', async () => {
    const keeper = await enter();
    for (let round = 0; round < 12; round++) {
      const victim = await enter();
      // Old enough for Better Auth to extend it at its next look.
      await server.sql(`update session set expires_at = now() + interval '5 minutes' where id = $1`, [
        victim.session.id,
      ]);
      const extend = (): Promise<Answer<AnyBody>>[] => [
        victim.post('/api/auth/refresh'),
        victim.get('/api/auth/get-session'),
      ];
      const [, revoked] = await Promise.all([
        Promise.all(extend()),
        keeper.delete(`/api/account/sessions/${victim.session.id}`),
        Promise.all(extend()),
      ]);
      expect(revoked.status).toBe(200);
      expect(await isIn(victim)).toBe(false);
      expect(await server.sql('select id from session where id = $1', [victim.session.id])).toEqual([]);
    }
  });

  it('of sessions that end each other one is left', async () => {
    for (let round = 0; round < 6; round++) {
      const all = [await enter(), await enter(), await enter(), await enter()];
      const answers = await Promise.all(all.map((client) => client.delete('/api/account/sessions')));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
      expect((await Promise.all(all.map(isIn))).filter(Boolean)).toHaveLength(1);
      await server.sql('delete from session where user_id = $1', [account.id]);
    }
  });

  it('one session that is ended by many is ended once', async () => {
    const [one, two] = [await enter(), await enter()];
    const path = `/api/account/sessions/${two.session.id}`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => one.delete(path)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(404)]);
    const events = await server.sql(
      `select from security_event where user_id = $1 and kind = 'session_revoked'`,
      [account.id],
    );
    expect(events).toHaveLength(1);
  });
});
