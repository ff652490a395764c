// Sign-up and sign-in through our own door: bodies, statuses and cookies.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, seedClient, signIn } from './support/accounts.ts';
import { type AnyBody, Client, PASSWORD, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const UUID = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
const COOKIE =
  /^better-auth\.session_token=[A-Za-z0-9]+\.[A-Za-z0-9%]+; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax$/;

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

function userShape(email: string, name: string) {
  return {
    id: UUID,
    name,
    email,
    email_verified: false,
    image: null,
    created_at: TIME,
    updated_at: TIME,
  };
}

function claimsOf(token: string): AnyBody {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

/** Everything that must never be in a body of ours. */
async function secretsOf(userId: string): Promise<string[]> {
  const rows = await server.sql<{ secret: string }>(
    'select token as secret from session where user_id = $1 union all select password_hash from account where user_id = $1',
    [userId],
  );
  return rows.map(({ secret }) => secret);
}

describe('signing up', () => {
  it('answers 201 with the user, the session and an access token, and sets the cookie', async () => {
    const client = new Client(server.url);
    const before = Date.now();
    const { status, headers, body } = await client.post('/api/auth/signup', {
      name: '  Ada Lovelace ',
      email: 'Ada.Lovelace@Example.COM',
      password: PASSWORD,
      id: 'mine',
      email_verified: true,
      emailVerified: true,
      image: 'https://example.com/a.png',
      created_at: '2000-01-01T00:00:00.000Z',
    });
    expect(status).toBe(201);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      user: userShape('ada.lovelace@example.com', 'Ada Lovelace'),
      session: { id: expect.stringMatching(/^[0-9a-f]{32}$/), created_at: TIME, expires_at: TIME },
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'bearer',
      expires_in: 1800,
    });
    const lifetime = Date.parse(body.session.expires_at) - before;
    expect(lifetime).toBeGreaterThan(1_799_000);
    expect(lifetime).toBeLessThan(1_860_000);
    expect(headers.getSetCookie()).toHaveLength(1);
    expect(headers.getSetCookie()[0]).toMatch(COOKIE);
    expect((await client.get('/api/tasks')).status).toBe(200);
  });

  it('stores the password as one bcrypt hash of cost 12, beside the account', async () => {
    const { user } = await signUp(server.url);
    const rows = await server.sql<AnyBody>('select * from account where user_id = $1', [user.id]);
    expect(rows).toHaveLength(1);
    expect(rows[0].password_hash).toMatch(/^\$2b\$12\$/);
    expect(rows[0]).toMatchObject({ provider_id: 'credential', account_id: user.id });
  });

  it('refuses an e-mail that has an account, in any case, with 409', async () => {
    const account = await seedAccount(server, { email: 'taken@example.com' });
    for (const email of [account.email, 'TAKEN@Example.com']) {
      const { status, headers, body } = await new Client(server.url).post('/api/auth/signup', {
        name: 'Eve',
        email,
        password: PASSWORD,
      });
      expect(status).toBe(409);
      expect(headers.get('content-type')).toBe('application/problem+json');
      expect(body).toMatchObject({ status: 409, code: 'email_taken', title: 'E-mail already registered' });
      expect(headers.getSetCookie()).toEqual([]);
    }
  });
});

describe('signing in', () => {
  it('answers 200 with the same body as signing up, and sets the cookie', async () => {
    const account = await seedAccount(server, { email: 'grace@example.com' });
    const client = new Client(server.url);
    const { status, headers, body } = await client.post('/api/auth/login', {
      email: 'GRACE@example.com',
      password: account.password,
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      user: { ...userShape('grace@example.com', 'Ada'), id: account.id },
      session: { id: expect.stringMatching(/^[0-9a-f]{32}$/), created_at: TIME, expires_at: TIME },
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 1800,
    });
    expect(headers.getSetCookie()).toHaveLength(1);
    expect(headers.getSetCookie()[0]).toMatch(COOKIE);
    expect((await client.get('/api/auth/session')).body).toEqual({ user: body.user, session: body.session });
  });

  it('starts a session of its own each time and leaves the earlier ones alone', async () => {
    const account = await seedAccount(server);
    const [first, second] = [await signIn(server.url, account), await signIn(server.url, account)];
    expect(first.session.id).not.toBe(second.session.id);
    expect((await first.get('/api/tasks')).status).toBe(200);
    expect((await second.get('/api/tasks')).status).toBe(200);
  });

  it('answers a wrong password, an unknown e-mail and an overlong password with one and the same 401', async () => {
    const account = await seedAccount(server);
    const attempts = [
      { email: account.email, password: 'wrong password' },
      { email: 'nobody@example.com', password: 'wrong password' },
      { email: account.email, password: account.password.padEnd(73, '!') },
      { email: 'nobody@example.com', password: account.password.padEnd(73, '!') },
      { email: account.email, password: account.password.toUpperCase() },
    ];
    const headers = { 'x-request-id': 'same' };
    const answers = await Promise.all(
      attempts.map((attempt) => new Client(server.url).post('/api/auth/login', attempt, { headers })),
    );
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.body).toMatchObject({ code: 'invalid_credentials', title: 'Wrong e-mail or password' });
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
  });

  it('does not take a password that only shares its first 72 bytes', async () => {
    const password = `${'é'.repeat(35)}ab`; // 72 bytes
    const account = await seedAccount(server, { password });
    const post = (given: string) =>
      new Client(server.url).post('/api/auth/login', { email: account.email, password: given });
    expect((await post(password)).status).toBe(200);
    expect((await post(`${password}c`)).status).toBe(401);
  });

  it('takes an account without a password for a wrong password', async () => {
    const account = await seedAccount(server);
    await server.sql('update account set password_hash = null where user_id = $1', [account.id]);
    const { status, body } = await new Client(server.url).post('/api/auth/login', account);
    expect(status).toBe(401);
    expect(body.code).toBe('invalid_credentials');
  });
});

describe('what the answers hold', () => {
  it('never a token of a session or a hash, on any of the five routes', async () => {
    const ada = await seedClient(server);
    const signedUp = await new Client(server.url).post('/api/auth/signup', {
      name: 'Ada',
      email: 'secrets@example.com',
      password: PASSWORD,
    });
    const answers = [
      signedUp,
      await new Client(server.url).post('/api/auth/login', ada.account),
      await ada.get('/api/auth/session'),
      await ada.post('/api/auth/refresh'),
      await ada.post('/api/auth/logout'),
    ];
    const secrets = [...(await secretsOf(ada.account.id)), ...(await secretsOf(signedUp.body.user.id))];
    expect(secrets.length).toBeGreaterThan(3);
    for (const { text } of answers) for (const secret of secrets) expect(text).not.toContain(secret);
  });

  it('holds an access token that names the user and the session and ends with it', async () => {
    const { accessToken, user, session } = await seedClient(server);
    expect(JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString())).toMatchObject({
      alg: 'HS256',
    });
    const claims = claimsOf(accessToken);
    expect(claims).toEqual({
      sub: user.id,
      sid: session.id,
      iat: expect.any(Number),
      exp: claims.iat + 1800,
    });
  });
});

describe('the settings', () => {
  it('give the cookie its prefix and the Secure flag with an https PUBLIC_URL, and everything its lifetime', async () => {
    const secure = await startServer({
      env: { PUBLIC_URL: 'https://todo.example.com', ACCESS_TOKEN_EXPIRE_MINUTES: '5' },
    });
    try {
      const account = await seedAccount(secure);
      const client = new Client(secure.url);
      const { headers, body } = await client.post('/api/auth/login', account);
      const attributes = 'Max-Age=300; Path=/; HttpOnly; Secure; SameSite=Lax'.split('; ').sort();
      const cookieOf = (lines: string[]) => {
        expect(lines).toHaveLength(1);
        const [pair = '', ...rest] = (lines[0] ?? '').split('; ');
        expect(pair).toMatch(/^__Secure-better-auth\.session_token=/);
        return rest.sort();
      };
      expect(cookieOf(headers.getSetCookie())).toEqual(attributes);
      expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
      expect(body.expires_in).toBe(300);
      const claims = claimsOf(body.access_token);
      expect(claims.exp - claims.iat).toBe(300);
      const refreshed = await client.post('/api/auth/refresh');
      expect(refreshed.status).toBe(200);
      expect(cookieOf(refreshed.headers.getSetCookie())).toEqual(attributes);
      const cleared = await client.post('/api/auth/logout');
      expect(cookieOf(cleared.headers.getSetCookie())).toEqual(
        attributes.map((attribute) => attribute.replace('=300', '=0')),
      );
    } finally {
      await secure.close();
    }
  });
});
