// What opens the door and what does not: access tokens and cookies, genuine, forged, old and mixed.
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, seedClient, signIn } from './support/accounts.ts';
import { Client } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

const SECRET_KEY = 'the-key-of-access-tokens-in-this-test-0123456789';
const BETTER_AUTH_SECRET = 'the-key-of-session-cookies-in-this-test-9876543210';
const COOKIE = 'better-auth.session_token';
const now = () => Math.floor(Date.now() / 1000);

let server: TestServer;
let ada: Awaited<ReturnType<typeof seedClient>>;
let eve: Awaited<ReturnType<typeof seedClient>>;

beforeAll(async () => {
  server = await startServer({ env: { SECRET_KEY, BETTER_AUTH_SECRET } });
  ada = await seedClient(server);
  eve = await seedClient(server);
});
afterAll(() => server.close());

async function statusWith(headers: Record<string, string>, path = '/api/tasks'): Promise<number> {
  const answer = await new Client(server.url).get(path, { headers });
  if (answer.status === 401) {
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.body.code).toBe('unauthenticated');
  }
  return answer.status;
}

/** What a protected route answers, which must be what Better Auth's own routes say, too. */
async function bearerStatus(token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  const status = await statusWith(headers);
  const { body } = await new Client(server.url).get('/api/auth/get-session', { headers });
  expect(body === null).toBe(status !== 200);
  return status;
}

function claims(changes: Record<string, unknown> = {}): JWTPayload {
  const all = { sub: ada.user.id, sid: ada.session.id, iat: now(), exp: now() + 600, ...changes };
  return JSON.parse(JSON.stringify(all)) as JWTPayload;
}

function signed(payload: JWTPayload, key = SECRET_KEY, alg = 'HS256'): Promise<string> {
  return new SignJWT(payload)
    .setProtectedHeader({ alg })
    .sign(Buffer.from(key.padEnd(64, '\0')).subarray(0, key.length));
}

function raw(header: object, payload: object, signature = ''): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(payload)}.${signature}`;
}

function hmac(algorithm: string, key: string | Buffer, text: string): string {
  return createHmac(algorithm, key).update(text).digest('base64url');
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BASE64URL = BASE64.replace('+/', '-_');

/** The last letter of base64 ends in bits that mean nothing: here one of them is set, in a text for the same bytes. */
function respelled(text: string): string {
  const alphabet = text.endsWith('=') ? BASE64 : BASE64URL;
  return text.replace(/[^=](?==*$)/, (last) => alphabet[alphabet.indexOf(last) + 1] ?? '');
}

describe('an access token', () => {
  it('opens every protected route, with the scheme in any case', async () => {
    expect(await bearerStatus(ada.accessToken)).toBe(200);
    expect(await bearerStatus(await signed(claims()))).toBe(200);
    for (const scheme of ['bearer', 'BEARER', 'Bearer '])
      expect(await statusWith({ authorization: `${scheme} ${ada.accessToken}` })).toBe(200);
  });

  it.each([
    ['of another key', () => signed(claims(), `${SECRET_KEY}!`)],
    ['signed with the key of the cookies', () => signed(claims(), BETTER_AUTH_SECRET)],
    ['expired', () => signed(claims({ iat: now() - 60, exp: now() - 1 }))],
    ['not yet valid', () => signed(claims({ nbf: now() + 60 }))],
    ['without exp', () => signed(claims({ exp: undefined }))],
    ['without iat', () => signed(claims({ iat: undefined }))],
    ['without sub', () => signed(claims({ sub: undefined }))],
    ['without sid', () => signed(claims({ sid: undefined }))],
    ['with a sid that is no text', () => signed(claims({ sid: 7 }))],
    ['with a list for a sid', () => signed(claims({ sid: [ada.session.id] }))],
    ['with an empty sid', () => signed(claims({ sid: '' }))],
    ['with a NUL in the sid', () => signed(claims({ sid: `${ada.session.id}\0` }))],
    ['with a NUL in the sub', () => signed(claims({ sub: '\0' }))],
    ['with a very long sid', () => signed(claims({ sid: 'f'.repeat(9_000) }))],
    ['of an unknown session', () => signed(claims({ sid: 'f'.repeat(32) }))],
    ['with the user of another session', () => signed(claims({ sub: eve.user.id }))],
    ['with the session of another user', () => signed(claims({ sid: eve.session.id }))],
    ['with exp as text', () => signed(claims({ exp: String(now() + 600) }))],
  ])('%s is refused', async (_what, make) => {
    expect(await bearerStatus(await make())).toBe(401);
  });

  it.each(['HS384', 'HS512'])('signed with our key but by %s is refused', async (alg) => {
    const head = raw({ alg, typ: 'JWT' }, claims()).slice(0, -1);
    const token = `${head}.${hmac(alg.replace('HS', 'sha'), SECRET_KEY, head)}`;
    expect(await bearerStatus(token)).toBe(401);
  });

  it('is refused without a signature, whatever its header says', async () => {
    for (const alg of ['none', 'None', 'nOnE', '', 'HS256']) {
      expect(await bearerStatus(raw({ alg, typ: 'JWT' }, claims()))).toBe(401);
    }
    const head = raw({ typ: 'JWT' }, claims()).slice(0, -1);
    expect(await bearerStatus(`${head}.${hmac('sha256', SECRET_KEY, head)}`)).toBe(401);
    expect(await bearerStatus(ada.accessToken.split('.').slice(0, 2).join('.'))).toBe(401);
  });

  it('signed by a key pair is refused, also when the public key was taken for a shared one', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const byPair = await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign(pair.privateKey);
    expect(await bearerStatus(byPair)).toBe(401);
    const head = raw({ alg: 'HS256' }, claims()).slice(0, -1);
    const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' });
    expect(await bearerStatus(`${head}.${hmac('sha256', publicKey, head)}`)).toBe(401);
    const jwk = pair.publicKey.export({ format: 'jwk' });
    const own = raw({ alg: 'RS256', jwk }, claims()).slice(0, -1);
    expect(await bearerStatus(`${own}.${byPair.split('.')[2]}`)).toBe(401);
  });

  it('is refused when a part of it was changed', async () => {
    const [header = '', payload = '', signature = ''] = ada.accessToken.split('.');
    const changed = Buffer.from(
      Buffer.from(payload, 'base64url').toString().replace(ada.user.id, eve.user.id),
    ).toString('base64url');
    const tampered = [
      `${header}.${changed}.${signature}`,
      `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      `${header}.${payload}.${signature.slice(0, -4)}`,
      `${header}.${payload}.${signature}.${signature}`,
      `x${ada.accessToken}`,
      `${header}.${payload}.${respelled(signature)}`,
      `${ada.accessToken}=`,
    ];
    for (const token of tampered) expect(await bearerStatus(token)).toBe(401);
  });

  it('that is none is refused', async () => {
    const long = `${'a'.repeat(4_000)}.${'b'.repeat(4_000)}.c`;
    for (const token of ['', '.', '..', 'null', 'undefined', '%00', 'a b', '{}', long])
      expect(await statusWith({ authorization: `Bearer ${token}` })).toBe(401);
  });

  it("that is the session's own token or id is refused", async () => {
    const [row] = await server.sql<{ token: string }>('select token from session where id = $1', [
      ada.session.id,
    ]);
    expect(await bearerStatus(row?.token ?? '')).toBe(401);
    expect(await bearerStatus(ada.session.id)).toBe(401);
    expect(await bearerStatus(decodeURIComponent(ada.cookies.get(COOKIE) ?? ''))).toBe(401);
  });
});

describe('cookie and bearer together', () => {
  const cookie = () => `${COOKIE}=${ada.cookies.get(COOKIE)}`;
  const who = async (headers: Record<string, string>) => {
    const own = await new Client(server.url).get('/api/auth/session', { headers });
    const better = await new Client(server.url).get('/api/auth/get-session', { headers });
    expect(better.body?.user.id).toBe(own.body.user?.id);
    return own.body.user?.id;
  };

  it('are the bearer’s', async () => {
    expect(await who({ cookie: cookie(), authorization: `Bearer ${eve.accessToken}` })).toBe(eve.user.id);
  });

  it('are nobody’s when the bearer is not valid, however valid the cookie', async () => {
    for (const token of ['rubbish', '', await signed(claims({ exp: now() - 1 }))]) {
      const headers = { cookie: cookie(), authorization: `Bearer ${token}` };
      expect(await who(headers)).toBeUndefined();
      expect(await statusWith(headers)).toBe(401);
    }
  });

  it('are the cookie’s when the header is of another scheme, as a proxy may add it', async () => {
    expect(await who({ cookie: cookie(), authorization: 'Basic YWRhOnNlY3JldA==' })).toBe(ada.user.id);
  });
});

describe('a cookie', () => {
  const value = () => decodeURIComponent(ada.cookies.get(COOKIE) ?? '');
  const token = () => value().slice(0, value().lastIndexOf('.'));
  const sign = (text: string, secret = BETTER_AUTH_SECRET) =>
    `${text}.${createHmac('sha256', secret).update(text).digest('base64')}`;
  const withValue = (given: string) => ({ cookie: `${COOKIE}=${given}` });

  it('signed as Better Auth signs it opens the door, among others and whatever follows it', async () => {
    const good = encodeURIComponent(sign(token()));
    expect(good).toBe(ada.cookies.get(COOKIE));
    for (const header of [
      `${COOKIE}=${good}`,
      `theme=dark; ${COOKIE}=${good}; lang=fr`,
      `;; ${COOKIE}=${good};`,
      `a=%; ${COOKIE}=${good}`,
      `__Secure-${COOKIE}=rubbish; ${COOKIE}=${good}`,
    ])
      expect(await statusWith({ cookie: header })).toBe(200);
  });

  it.each<[string, () => string]>([
    [
      'with another signature',
      () => encodeURIComponent(sign('a'.repeat(32)).replace('a'.repeat(32), token())),
    ],
    ['of another secret', () => encodeURIComponent(sign(token(), 'x'.repeat(48)))],
    ['signed with the key of the tokens', () => encodeURIComponent(sign(token(), SECRET_KEY))],
    ['with its signature in another spelling', () => encodeURIComponent(respelled(value()))],
    ['without a signature', () => token()],
    ['with an empty signature', () => `${token()}.`],
    ['without a token', () => encodeURIComponent(sign(''))],
    ['with half a signature', () => encodeURIComponent(value().slice(0, -20))],
    ['empty', () => ''],
    ['that cannot be decoded', () => '%E0%A4%A'],
    ['with a NUL', () => '%00'],
    ['with a signed NUL', () => encodeURIComponent(sign('abc\0def'))],
    ['with a signed token that no session has', () => encodeURIComponent(sign('a'.repeat(32)))],
    ['with a signed token of many characters', () => encodeURIComponent(sign('a'.repeat(6_000)))],
    ['with SQL in it', () => encodeURIComponent(sign("' or 1=1 --"))],
    ['with the id of the session', () => encodeURIComponent(sign(ada.session.id))],
    ['of nothing but rubbish', () => 'x'.repeat(9_000)],
  ])('%s is refused', async (_what, make) => {
    const headers = withValue(make());
    expect(await statusWith(headers)).toBe(401);
    expect((await new Client(server.url).get('/api/auth/session', { headers })).body).toEqual({
      user: null,
      session: null,
    });
    const better = await new Client(server.url).get('/api/auth/get-session', { headers });
    expect([better.status, better.body]).toEqual([200, null]);
  });

  it('counts once: of two with the name the first, for us as for Better Auth', async () => {
    const [good, other] = [ada.cookies.get(COOKIE), eve.cookies.get(COOKIE)];
    for (const [header, expected] of [
      [`${COOKIE}=${good}; ${COOKIE}=${other}`, ada.user.id],
      [`${COOKIE}=${other}; ${COOKIE}=${good}`, eve.user.id],
      [`${COOKIE}=forged; ${COOKIE}=${good}`, undefined],
    ]) {
      const headers = { cookie: header as string };
      const own = await new Client(server.url).get('/api/auth/session', { headers });
      const better = await new Client(server.url).get('/api/auth/get-session', { headers });
      expect([own.body.user?.id, better.body?.user.id]).toEqual([expected, expected]);
    }
  });

  it('opens the door in every spelling of its value as long as its session lives, and in none from the next request on', async () => {
    const leaving = await seedClient(server);
    const usual = leaving.cookies.get(COOKIE) ?? '';
    const letters = [...decodeURIComponent(usual)];
    const escaped = letters.map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');
    const spellings = [usual, decodeURIComponent(usual), escaped, escaped.toUpperCase()];
    const statuses = () => Promise.all(spellings.map((spelling) => statusWith(withValue(spelling))));
    for (let time = 0; time < 2; time++) expect(await statuses()).toEqual(spellings.map(() => 200));
    await leaving.post('/api/auth/logout');
    expect(await statuses()).toEqual(spellings.map(() => 401));
  });

  it('is refused in another spelling of its name', async () => {
    const good = ada.cookies.get(COOKIE);
    for (const name of [COOKIE.toUpperCase(), `__Secure-${COOKIE}`, `x${COOKIE}`, 'session_token'])
      expect(await statusWith({ cookie: `${name}=${good}` })).toBe(401);
  });

  it('of an endless header is refused in the one shape', async () => {
    const { status, body } = await new Client(server.url).get('/api/tasks', {
      headers: withValue('x'.repeat(40_000)),
    });
    expect([status, body.code]).toEqual([431, 'malformed_request']);
  });
});

describe('two accounts', () => {
  it('never see each other through any mixture of theirs', async () => {
    const account = await seedAccount(server);
    const first = await signIn(server.url, account);
    const [header = '', , signature = ''] = first.accessToken.split('.');
    const mixed = `${header}.${eve.accessToken.split('.')[1]}.${signature}`;
    expect(await bearerStatus(mixed)).toBe(401);
    const half = `${ada.cookies.get(COOKIE)?.split('.')[0]}.${eve.cookies.get(COOKIE)?.split('.')[1]}`;
    expect(await statusWith({ cookie: `${COOKIE}=${half}` })).toBe(401);
  });
});
