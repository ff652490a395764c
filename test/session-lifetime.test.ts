// However often it is extended, and by whichever door, no session outlives the days that the operator grants it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, seedAccount, signIn } from './support/accounts.ts';
import { type AnyBody, Client } from './support/client.ts';
import { connected, openSocket } from './support/follower.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';

const DAY = 86_400_000;

let server: TestServer;
let account: Account;

beforeAll(async () => {
  server = await startServer({ env: { SESSION_MAX_DAYS: '2', ACCESS_TOKEN_EXPIRE_MINUTES: '525600' } });
  account = await seedAccount(server);
});
afterAll(() => server.close());

async function rowOf(id: string): Promise<{ created_at: Date; expires_at: Date; ends_at: Date }> {
  const [row] = await server.sql<AnyBody>('select * from session where id = $1', [id]);
  return row;
}

/** Moves the session into the past, as if it had begun so long ago and been extended since. */
async function age(id: string, back: string, expires: string): Promise<void> {
  await server.sql(
    `update session set created_at = created_at - $2::interval, ends_at = ends_at - $2::interval,
       expires_at = now() + $3::interval where id = $1`,
    [id, back, expires],
  );
}

const EXTENSIONS: [
  what: string,
  path: string,
  run: (client: Client, headers: Record<string, string>) => Promise<AnyBody>,
][] = [
  [
    'our refresh',
    '/api/auth/refresh',
    (client, headers) => client.post('/api/auth/refresh', undefined, { headers }),
  ],
  [
    'Better Auth’s look at a session',
    '/api/auth/get-session',
    (client, headers) => client.get('/api/auth/get-session', { headers }),
  ],
  [
    'Better Auth’s list',
    '/api/auth/list-sessions',
    (client, headers) => client.get('/api/auth/list-sessions', { headers }),
  ],
];

describe('a session', () => {
  it('that is begun lives no longer than that, whatever its tokens’ lifetime is', async () => {
    for (const path of ['/api/auth/login', '/api/auth/sign-in/email']) {
      const client = new Client(server.url);
      await client.post(path, { email: account.email, password: account.password });
      const { id, created_at, expires_at } = (await client.get('/api/auth/session')).body.session;
      const row = await rowOf(id);
      expect(row.ends_at.getTime() - row.created_at.getTime()).toBe(2 * DAY);
      expect(Date.parse(expires_at)).toBeLessThanOrEqual(Date.parse(created_at) + 2 * DAY);
      expect(Date.parse(expires_at)).toBeGreaterThan(Date.parse(created_at) + 1.9 * DAY);
    }
  });

  it.each(EXTENSIONS)('is extended by %s up to its end and no further', async (_what, _path, extend) => {
    for (const by of ['cookie', 'bearer'] as const) {
      const client = await signIn(server.url, account);
      await age(client.session.id, '47 hours', '1 minute');
      const asked = by === 'cookie' ? client : new Client(server.url);
      const headers: Record<string, string> =
        by === 'cookie' ? {} : { authorization: `Bearer ${client.accessToken}` };
      for (let count = 0; count < 3; count++) expect((await extend(asked, headers)).status).toBe(200);
      const { created_at, expires_at, ends_at } = await rowOf(client.session.id);
      expect(expires_at).toEqual(ends_at);
      expect(ends_at.getTime()).toBe(created_at.getTime() + 2 * DAY);
    }
  });

  it('tells the true end in every answer', async () => {
    const client = await signIn(server.url, account);
    await age(client.session.id, '47 hours', '1 minute');
    const end = (await rowOf(client.session.id)).ends_at.toISOString();
    expect((await client.post('/api/auth/refresh')).body.session.expires_at).toBe(end);
    expect((await client.get('/api/auth/session')).body.session.expires_at).toBe(end);
    expect((await client.get('/api/auth/get-session')).body.session.expiresAt).toBe(end);
    const { sessions } = (await client.get('/api/account/sessions')).body;
    expect(sessions.find(({ current }: AnyBody) => current).expires_at).toBe(end);
  });

  it('is refused past its end, by cookie and bearer, by whichever door, and its sockets close', async () => {
    const client = await signIn(server.url, account);
    const socket = openSocket(server.url, { token: client.accessToken });
    await connected(socket);
    await age(client.session.id, '47 hours 59 minutes 59 seconds', '1 hour');
    await until(() => socket.disconnected, 'the end of the socket');
    const bearer = { authorization: `Bearer ${client.accessToken}` };
    for (const headers of [{}, bearer] as Record<string, string>[]) {
      expect((await client.get('/api/account', { headers })).status).toBe(401);
      expect((await client.post('/api/auth/refresh', undefined, { headers })).status).toBe(401);
      expect((await client.get('/api/auth/get-session', { headers })).body).toBeNull();
    }
  });

  it('has an end that no client can move or see', async () => {
    const client = await signIn(server.url, account);
    const before = await rowOf(client.session.id);
    for (const body of [{ endsAt: '2999-01-01T00:00:00Z' }, { ends_at: '2999-01-01T00:00:00Z' }]) {
      const { status } = await client.post('/api/auth/update-session', body);
      expect(status).toBe(400);
    }
    expect((await rowOf(client.session.id)).ends_at).toEqual(before.ends_at);
    expect((await client.get('/api/auth/get-session')).body.session).not.toHaveProperty('endsAt');
    expect((await client.get('/api/auth/list-sessions')).body[0]).not.toHaveProperty('endsAt');
  });

  it('cannot be given more by any statement', async () => {
    const client = await signIn(server.url, account);
    await server.sql(`update session set expires_at = now() + interval '1 year' where id = $1`, [
      client.session.id,
    ]);
    const { expires_at, ends_at } = await rowOf(client.session.id);
    expect(expires_at).toEqual(ends_at);
  });
});

describe('a session of which only the length is set', () => {
  let patient: TestServer;
  beforeAll(async () => {
    patient = await startServer({ env: { ACCESS_TOKEN_EXPIRE_MINUTES: '43200' } });
  });
  afterAll(() => patient.close());

  it('lives that long, and a refresh makes it live longer', async () => {
    const { email, password } = await seedAccount(patient);
    const client = new Client(patient.url);
    const answer = await client.post('/api/auth/login', { email, password });
    const { access_token: token, expires_in: seconds, session } = answer.body;
    expect(seconds).toBe(30 * 24 * 60 * 60);
    const lived = Date.parse(session.expires_at) - Date.parse(session.created_at);
    expect(Math.round(lived / 60_000)).toBe(43_200);
    const headers = { authorization: `Bearer ${token}` };
    const refreshed = await client.post('/api/auth/refresh', undefined, { headers });
    expect(Date.parse(refreshed.body.session.expires_at)).toBeGreaterThan(Date.parse(session.expires_at));
  });
});
