// Attacks on signing in elsewhere: forged answers, used and stolen ones, and services that are away or broken.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:net';
import type { JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, signIn } from './support/accounts.ts';
import { Client } from './support/client.ts';
import { type ForgedProvider, type Forgery, startForgedProvider, unsigned } from './support/forged-oidc.ts';
import {
  arrive,
  CLIENT,
  type OidcProvider,
  oidcSettings,
  startOidcProvider,
  Visitor,
} from './support/oidc.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';

const PUBLIC_URL = 'http://localhost:8000';
const MALLORY = 'mallory@example.com';

function failed(error: string): string {
  return `${PUBLIC_URL}/sign-in-failed?error=${error}`;
}

async function nobodyIn(server: TestServer, client: Client): Promise<void> {
  expect((await client.get('/api/auth/session')).body.session).toBeNull();
  expect(await server.sql('select from session')).toEqual([]);
  expect(await server.sql('select from "user"')).toEqual([]);
}

describe('an answer of the other service', () => {
  let provider: ForgedProvider;
  let server: TestServer;

  beforeAll(async () => {
    provider = await startForgedProvider();
    server = await startServer({ env: oidcSettings(PUBLIC_URL, provider.issuer) });
  });
  afterAll(async () => {
    await server.close();
    await provider.close();
  });

  async function begin(client = new Client(server.url)) {
    const begun = await client.post('/api/auth/providers/oidc', {});
    expect(begun.status).toBe(200);
    const { searchParams } = new URL(begun.body.url);
    provider.expect(searchParams.get('nonce') ?? '');
    return { client, state: searchParams.get('state') ?? '' };
  }

  function back(parameters: Record<string, string>): URL {
    return new URL(`${PUBLIC_URL}/api/auth/callback/oidc?${new URLSearchParams(parameters)}`);
  }

  async function comeBack(forgery: Forgery, parameters: Record<string, string> = {}) {
    const { client, state } = await begin();
    provider.forge(forgery);
    const landed = await arrive(client, back({ code: 'a code', state, iss: provider.issuer, ...parameters }));
    return { client, landed: landed.href };
  }

  const now = Math.floor(Date.now() / 1000);

  it.each<[string, Forgery]>([
    ['of another issuer', { claims: { iss: 'https://elsewhere.example' } }],
    ['of an issuer with one more slash', { claims: { iss: 'http://127.0.0.1/' } }],
    ['for another audience', { claims: { aud: 'somebody else' } }],
    ['for no audience', { claims: { aud: null } }],
    ['with another nonce', { claims: { nonce: 'x'.repeat(32) } }],
    ['with no nonce', { claims: { nonce: null } }],
    ['with a nonce that is a list', { claims: { nonce: ['x'] } }],
    ['that has expired', { claims: { exp: now - 3600, iat: now - 7200 } }],
    ['that never expires', { claims: { exp: null } }],
    ['that is not valid yet', { claims: { nbf: now + 3600 } }],
    ['without a subject', { claims: { sub: null } }],
    ['signed by somebody else', { foreignKey: true }],
    ['signed by nobody', { idToken: unsigned }],
    ['signed with our secret as if it were a key', { idToken: signedBySecret }],
    ['that is no token', { idToken: () => 'not.a.token' }],
    ['that is missing', { idToken: () => undefined }],
  ])('with an ID token %s signs nobody in', async (_what, forgery) => {
    const { client, landed } = await comeBack(forgery);
    expect(landed).toBe(failed('provider_unavailable'));
    await nobodyIn(server, client);
  });

  it('about somebody else than the ID token signs nobody in', async () => {
    const claims = { email: null, email_verified: null };
    const userInfo = { sub: 'victim', email: 'victim@example.com', email_verified: true };
    const { client, landed } = await comeBack({ claims, userInfo });
    expect(landed).toBe(failed('provider_unavailable'));
    await nobodyIn(server, client);
  });

  it('that names another issuer beside its code signs nobody in', async () => {
    const { client, landed } = await comeBack({}, { iss: 'https://elsewhere.example' });
    expect(landed).toBe(failed('provider_unavailable'));
    await nobodyIn(server, client);
  });

  it('with a state that is unknown, of another browser or missing signs nobody in', async () => {
    provider.forge({});
    const { client, state } = await begin();
    const asked = provider.asked.length;
    const stranger = new Client(server.url);
    for (const [who, parameters] of [
      [client, { code: 'a code', state: 'x'.repeat(32) }],
      [client, { code: 'a code' }],
      [client, {}],
      [client, { state: '', code: 'a code' }],
      [stranger, { code: 'a code', state }],
    ] as const) {
      const landed = await arrive(who, back(parameters as Record<string, string>));
      expect(landed.href).toMatch(/sign-in-failed\?error=(state_mismatch|failed)$/);
      await nobodyIn(server, who);
    }
    // Of another browser that began a sign-in of its own: its cookie has another state.
    const { client: victim } = await begin();
    expect((await arrive(victim, back({ code: 'a code', state }))).href).toBe(failed('state_mismatch'));
    await nobodyIn(server, victim);
    // No code went to the service for any of them.
    expect(provider.asked.slice(asked)).not.toContain('/token');
  });

  it.each<[string, Forgery]>([
    ['fails to take a code', { broken: { '/token': 'fails' } }],
    ['answers in no language of ours', { broken: { '/token': 'lies' } }],
    ['does not show its keys', { broken: { '/jwks': 'fails' }, foreignKey: true }],
    ['hangs up on who brings a code', { broken: { '/token': 'drops' } }],
    ['hangs up on who asks for its keys', { broken: { '/jwks': 'drops' }, foreignKey: true }],
    ['hangs up on who asks who somebody is', { claims: { email: null }, broken: { '/me': 'drops' } }],
    ['does not say who somebody is', { claims: { email: null }, broken: { '/me': 'fails' } }],
    ['says it in no language of ours', { claims: { email: null }, broken: { '/me': 'lies' } }],
  ])('that %s is a page that says so', async (_what, forgery) => {
    const { client, landed } = await comeBack(forgery);
    expect(landed).toBe(failed('provider_unavailable'));
    await nobodyIn(server, client);
  });

  it('that never comes is given up, and is too late then', { timeout: 60_000 }, async () => {
    const { client, landed } = await comeBack({ broken: { '/token': 'hangs' } });
    expect(landed).toBe(failed('provider_unavailable'));
    await nobodyIn(server, client);
  });

  it('that names another place for a code or for keys is not followed there', async () => {
    const elsewhere = `${provider.issuer}/elsewhere` as `http://${string}`;
    for (const forgery of [
      { broken: { '/token': elsewhere } },
      { broken: { '/jwks': elsewhere }, foreignKey: true },
    ]) {
      const asked = provider.asked.length;
      const { client, landed } = await comeBack(forgery);
      expect(landed).toBe(failed('provider_unavailable'));
      expect(provider.asked.slice(asked)).not.toContain('/elsewhere');
      await nobodyIn(server, client);
    }
  });

  it('is not taken as a form', async () => {
    const { client, state } = await begin();
    provider.forge({});
    const asked = provider.asked.length;
    for (const origin of [provider.issuer, 'null']) {
      const answer = await client.request('POST', '/api/auth/callback/oidc', {
        headers: {
          origin,
          'sec-fetch-site': 'cross-site',
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({ code: 'a code', state }).toString(),
      });
      expect([origin, answer.status]).toEqual([origin, 415]);
    }
    expect(provider.asked.slice(asked)).not.toContain('/token');
    await nobodyIn(server, client);
  });

  it('with an error of its own is told in our words, whatever it writes', async () => {
    for (const [error, failure] of [
      ['access_denied', 'access_denied'],
      ['server_error', 'provider_unavailable'],
      ['<script>alert(1)</script>', 'failed'],
      ['__proto__', 'failed'],
      ['toString', 'failed'],
    ] as const) {
      const { client, state } = await begin();
      const landed = await arrive(client, back({ error, error_description: 'Call 0800 123', state }));
      expect(landed.href).toBe(failed(failure));
    }
  });

  it('signs in when it is right, so that each of the above was wrong for its own reason', async () => {
    const { client, landed } = await comeBack({});
    expect(landed).toBe(`${PUBLIC_URL}/`);
    expect((await client.get('/api/auth/session')).body.user.email).toBe(MALLORY);
  });
});

function signedBySecret(claims: JWTPayload): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', kid: 'first' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', CLIENT.secret).update(signed).digest('base64url')}`;
}

describe('a real provider', () => {
  let provider: OidcProvider;
  let server: TestServer;

  beforeAll(async () => {
    provider = await startOidcProvider(PUBLIC_URL);
    provider.people.set('ada', { email: 'ada@example.com', email_verified: true, name: 'Ada' });
    server = await startServer({
      env: { ...oidcSettings(PUBLIC_URL, provider.issuer), TRUST_PROXY: '127.0.0.1' },
    });
  });
  afterAll(async () => {
    await server.close();
    await provider.close();
  });

  async function readyToComeBack(headers: Record<string, string> = {}) {
    const client = new Client(server.url);
    const begun = await client.post('/api/auth/providers/oidc', {}, { headers });
    return { client, back: await new Visitor(provider.issuer).signIn(begun.body.url, 'ada') };
  }

  it('gives codes that work once: the way back is walked once, also sixteen times at once', async () => {
    const { client, back } = await readyToComeBack();
    const cookies = [...client.cookies];
    const landed = await Promise.all(
      Array.from({ length: 16 }, () => {
        const twin = new Client(server.url);
        for (const [name, value] of cookies) twin.cookies.set(name, value);
        return arrive(twin, back);
      }),
    );
    const home = landed.filter(({ href }) => href === `${PUBLIC_URL}/`);
    expect(home).toHaveLength(1);
    expect(await server.sql('select from session')).toHaveLength(1);
    expect((await arrive(client, back)).href).toBe(failed('state_mismatch'));
  });

  it('is told who asks: a stolen code is of no use with a state of the thief', async () => {
    const { back: stolen } = await readyToComeBack();
    const { client: thief, back } = await readyToComeBack();
    // The thief has a state and a verifier, and the code of somebody else.
    back.searchParams.set('code', stolen.searchParams.get('code') ?? '');
    expect((await arrive(thief, back)).href).toBe(failed('provider_unavailable'));
    expect((await thief.get('/api/auth/session')).body.session).toBeNull();
  });

  it('may be cancelled there, which is no failure of anybody', async () => {
    const client = new Client(server.url);
    const begun = await client.post('/api/auth/providers/oidc', {
      error_redirect_to: 'http://localhost:3000/sign-in?from=acme',
    });
    const back = await new Visitor(provider.issuer).cancel(begun.body.url);
    const landed = await arrive(client, back);
    expect(landed.href).toBe('http://localhost:3000/sign-in?from=acme&error=access_denied');
    expect((await client.get('/api/auth/session')).body.session).toBeNull();
  });

  it.each(['/..////evil.test', '/a//../..////evil.test', '/..//evil.test', '/..\\\\evil.test'])(
    'never leads to another host when it fails, whatever path was asked for: %s',
    async (errorCallbackURL) => {
      const client = new Client(server.url);
      const body = { provider: 'oidc', errorCallbackURL, disableRedirect: true };
      const begun = await client.post('/api/auth/sign-in/social', body);
      if (begun.status === 403) return; // refused from the first
      expect(begun.status).toBe(200);
      const back = await new Visitor(provider.issuer).cancel(begun.body.url);
      expect((await arrive(client, back)).origin).toBe(new URL(PUBLIC_URL).origin);
    },
  );

  it('is not begun without end from one address', async () => {
    const headers = { 'x-forwarded-for': '10.6.6.6' };
    const client = new Client(server.url);
    const statuses: number[] = [];
    for (let count = 0; count < 61; count++) {
      const path = count % 2 === 0 ? 'providers/oidc' : 'passkey/generate-authenticate-options';
      const answer =
        count % 2 === 0
          ? await client.post(`/api/auth/${path}`, {}, { headers })
          : await client.get(`/api/auth/${path}`, { headers });
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([...Array(60).fill(200), 429]);
    const theirs = await client.post('/api/auth/sign-in/social', { provider: 'oidc' }, { headers });
    expect([theirs.status, theirs.body.code]).toEqual([429, 'RATE_LIMITED']);
  });

  it('whose answer comes when our database is away is a page that says so', async () => {
    const { client, back } = await readyToComeBack();
    const before = (await server.sql<{ count: string }>('select count(*) from session'))[0]?.count;
    await server.sql('alter table session rename to session_away');
    try {
      const landed = await arrive(client, back);
      expect(landed.href).toMatch(/\?error=(unavailable|failed)$/);
    } finally {
      await server.sql('alter table session_away rename to session');
    }
    expect((await server.sql<{ count: string }>('select count(*) from session'))[0]?.count).toBe(before);
  });
});

describe('a service that is away', () => {
  it('keeps nobody else from signing in, is said to be away, and is there when it is back', async () => {
    // A place where somebody listens and never answers.
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const provider = await startForgedProvider();
    provider.forge({ broken: { '/.well-known/openid-configuration': 'fails' } });
    const { port } = silent.address() as { port: number };
    const mute = await startServer({ env: oidcSettings(PUBLIC_URL, `http://127.0.0.1:${port}`) });
    await signIn(mute.url, await seedAccount(mute));
    await mute.close();
    silent.close();

    const server = await startServer({ env: oidcSettings(PUBLIC_URL, provider.issuer) });
    await signIn(server.url, await seedAccount(server));
    const client = new Client(server.url);
    expectProblem(await client.post('/api/auth/providers/oidc', {}), 'provider_unavailable');
    const theirs = await client.post('/api/auth/sign-in/social', { provider: 'oidc' });
    expect([theirs.status, theirs.body.code]).toEqual([503, 'PROVIDER_UNAVAILABLE']);
    expect(await server.sql('select from verification')).toEqual([]);
    provider.forge({});
    expect((await client.post('/api/auth/providers/oidc', {})).status).toBe(200);
    await server.close();
    await provider.close();
  });

  it('or calls itself by another name, is not used', async () => {
    const provider = await startForgedProvider();
    provider.forge({ discovery: { issuer: 'https://elsewhere.example' } });
    const server = await startServer({ env: oidcSettings(PUBLIC_URL, provider.issuer) });
    const client = new Client(server.url);
    expectProblem(await client.post('/api/auth/providers/oidc', {}), 'provider_unavailable');
    expect(server.logs.join('')).toContain('calls itself https://elsewhere.example');
    await server.close();
    await provider.close();
  });

  it('or has its configuration elsewhere, is not used', async () => {
    const [provider, elsewhere] = await Promise.all([startForgedProvider(), startForgedProvider()]);
    const path = '/.well-known/openid-configuration';
    provider.forge({ broken: { [path]: `${elsewhere.issuer}${path}` as `http://${string}` } });
    elsewhere.forge({ discovery: { issuer: provider.issuer } });
    const server = await startServer({ env: oidcSettings(PUBLIC_URL, provider.issuer) });
    expectProblem(await new Client(server.url).post('/api/auth/providers/oidc', {}), 'provider_unavailable');
    expect(elsewhere.asked).toEqual([]);
    await server.close();
    await Promise.all([provider.close(), elsewhere.close()]);
  });

  it('or shows no keys, is not used', async () => {
    const provider = await startForgedProvider();
    provider.forge({ discovery: { jwks_uri: undefined } });
    const server = await startServer({ env: oidcSettings(PUBLIC_URL, provider.issuer) });
    expectProblem(await new Client(server.url).post('/api/auth/providers/oidc', {}), 'provider_unavailable');
    await server.close();
    await provider.close();
  });
});
