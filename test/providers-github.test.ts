// Signing in with GitHub: its own protocol, spoken by a stand-in on loopback, since the real one cannot be asked in a test.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { arrive, type OidcProvider, oidcSettings, startOidcProvider, Visitor } from './support/oidc.ts';
import { startServer, type TestServer } from './support/server.ts';

const PUBLIC_URL = 'http://localhost:8000';
const fetchOfNode = globalThis.fetch;

let provider: OidcProvider;
let server: TestServer;
/** What GitHub says of whoever signs in, by path. */
let answers: Record<string, unknown>;
let asked: { path: string; body: string }[];
let closeGitHub: () => Promise<void>;

beforeAll(async () => {
  const github = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const path = request.url ?? '';
      asked.push({ path, body });
      response.setHeader('content-type', 'application/json');
      response.statusCode = answers[path] === undefined ? 500 : 200;
      response.end(JSON.stringify(answers[path] ?? {}));
    });
  });
  await once(github.listen(0, '127.0.0.1'), 'listening');
  const { port } = github.address() as AddressInfo;
  // The two hosts of GitHub are elsewhere for this test; all that is said to them goes over real HTTP.
  globalThis.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input));
    const isGitHub = /^(api\.)?github\.com$/.test(url.hostname);
    return fetchOfNode(isGitHub ? `http://127.0.0.1:${port}${url.pathname}` : input, init);
  };
  closeGitHub = async () => {
    globalThis.fetch = fetchOfNode;
    await once(github.close(), 'close');
  };
  provider = await startOidcProvider(PUBLIC_URL);
  const env = {
    ...oidcSettings(PUBLIC_URL, provider.issuer),
    GITHUB_CLIENT_ID: 'an id',
    GITHUB_CLIENT_SECRET: 'a secret',
  };
  server = await startServer({ env });
});
afterAll(async () => {
  await server.close();
  await provider.close();
  await closeGitHub();
});

let number = 0;
beforeEach(() => {
  number += 1;
  asked = [];
  answers = {
    '/login/oauth/access_token': { access_token: 'gho_1', token_type: 'bearer', scope: 'user:email' },
    '/user': {
      id: 1000 + number,
      login: `octo${number}`,
      name: null,
      email: null,
      avatar_url: 'https://a.example/1',
    },
    '/user/emails': [
      { email: `spare${number}@example.com`, primary: false, verified: true },
      { email: `octo${number}@example.com`, primary: true, verified: true },
    ],
  };
});

async function begin(client = new Client(server.url)) {
  const { body } = await client.post('/api/auth/providers/github', {});
  return { client, url: new URL(body.url) };
}

async function enter() {
  const { client, url } = await begin();
  const state = url.searchParams.get('state') ?? '';
  const back = new URL(`${PUBLIC_URL}/api/auth/callback/github?code=a-code&state=${state}`);
  return { client, landed: (await arrive(client, back)).href };
}

const failed = (error: string) => `${PUBLIC_URL}/sign-in-failed?error=${error}`;

describe('GitHub', () => {
  it('is asked with PKCE and state, for name and e-mail alone', async () => {
    const { url } = await begin();
    expect(url.origin + url.pathname).toBe('https://github.com/login/oauth/authorize');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'an id',
      scope: 'read:user user:email',
      redirect_uri: `${PUBLIC_URL}/api/auth/callback/github`,
      state: expect.stringMatching(/^.{32}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
  });

  it('signs in by the primary e-mail, and is known by its number', async () => {
    const { client, landed } = await enter();
    expect(landed).toBe(`${PUBLIC_URL}/`);
    const { user } = (await client.get('/api/auth/session')).body;
    expect(user).toMatchObject({
      email: `octo${number}@example.com`,
      name: `octo${number}`,
      email_verified: true,
    });
    const rows = await server.sql('select account_id, access_token, scope from account where user_id = $1', [
      user.id,
    ]);
    expect(rows).toEqual([{ account_id: String(1000 + number), access_token: null, scope: null }]);
    const [exchange] = asked;
    const sent = new URLSearchParams(exchange?.body);
    expect(sent.get('code_verifier')).toMatch(/^.{43,128}$/);
    expect(sent.get('client_secret')).toBe('a secret');
    const again = await enter();
    expect((await again.client.get('/api/auth/session')).body.user.id).toBe(user.id);
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      'an e-mail that it has not verified',
      { '/user/emails': [{ email: 'x@example.com', primary: true, verified: false }] },
      'email_not_verified_there',
    ],
    ['no e-mail', { '/user/emails': [] }, 'email_missing'],
    ['its list of e-mails kept back', { '/user/emails': undefined }, 'email_missing'],
    ['nobody', { '/user': undefined }, 'provider_unavailable'],
    ['no number', { '/user': { login: 'x', email: 'x@example.com' } }, 'provider_unavailable'],
    [
      'an error instead of a token',
      { '/login/oauth/access_token': { error: 'bad_verification_code' } },
      'provider_unavailable',
    ],
    ['nothing', { '/login/oauth/access_token': undefined }, 'provider_unavailable'],
  ])('with %s signs nobody in', async (_what, changed, failure) => {
    Object.assign(answers, changed);
    const { client, landed } = await enter();
    expect(landed).toBe(failed(failure));
    expect((await client.get('/api/auth/session')).body.session).toBeNull();
  });

  it('and another service cannot be mixed up: each way back is for where it began', async () => {
    provider.people.set('ada', { email: 'ada@example.com', email_verified: true });
    const client = new Client(server.url);
    const begun = await client.post('/api/auth/providers/oidc', {});
    const back = await new Visitor(provider.issuer).signIn(begun.body.url, 'ada');
    back.pathname = '/api/auth/callback/github';
    back.searchParams.delete('iss');
    expect((await arrive(client, back)).href).toBe(failed('state_mismatch'));
    const { client: other, url } = await begin();
    const state = url.searchParams.get('state');
    const crossed = new URL(`${PUBLIC_URL}/api/auth/callback/oidc?code=a-code&state=${state}`);
    expect((await arrive(other, crossed)).href).toBe(failed('provider_unavailable'));
    for (const visitor of [client, other])
      expect((await visitor.get('/api/auth/session')).body.session).toBeNull();
  });
});
