// API tokens: made once, kept as a hash, listed without themselves, and gone for good when they are revoked.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TOKENS_PER_USER } from '../contract/limits.ts';
import { Database } from '../src/database/database.ts';
import { applyRetention } from '../src/retention/retention.ts';
import { seedClient } from './support/accounts.ts';
import { makeToken, tokenClient } from './support/api-tokens.ts';
import { type AnyBody, Client, PASSWORD } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';

const TOKENS = '/api/account/tokens';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
let server: TestServer;
let ada: Awaited<ReturnType<typeof seedClient>>;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  ada = await seedClient(server);
});

const days = (body: AnyBody) => (Date.parse(body.expires_at) - Date.parse(body.created_at)) / 86_400_000;
const listed = async () => (await ada.get(TOKENS)).body.tokens;

/** The checksum as whoever scans for leaked tokens computes it. */
function checksumOf(text: string): string {
  let rest = crc32(text);
  let sum = '';
  for (; rest > 0; rest = Math.floor(rest / 62)) sum = DIGITS[rest % 62] + sum;
  return sum.padStart(6, '0');
}

describe('a new token', () => {
  it('is shown once, works, and is listed by its first characters', async () => {
    const { status, body, headers } = await ada.post(TOKENS, {
      name: '  Backup <script>alert(1)</script>script ',
      scopes: ['tasks:read', 'tasks:read'],
    });
    expect(status).toBe(201);
    const { token, ...rest } = body;
    expect(rest).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'Backup script',
      hint: token.slice(0, 7),
      scopes: ['tasks:read'],
      created_at: expect.any(String),
      expires_at: expect.any(String),
      last_used_at: null,
    });
    expect(days(body)).toBeCloseTo(90, 3);
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await tokenClient(server.url, body).get('/api/tasks')).status).toBe(200);
    const list = await ada.get(TOKENS);
    expect(list.body).toEqual({ tokens: [{ ...rest, last_used_at: expect.stringMatching(/Z$/) }] });
    expect(list.text).not.toContain(token);
  });

  it('has a form and a checksum that scanners know', async () => {
    const { token } = await makeToken(ada, ['tasks:read']);
    expect(token).toMatch(/^dw_[0-9A-Za-z]{49}$/);
    expect(token.slice(-6)).toBe(checksumOf(token.slice(0, -6)));
  });

  it('is kept as its SHA-256 alone, and is in no log', async () => {
    const { token, id } = await makeToken(ada, ['tasks:read', 'tasks:write']);
    await tokenClient(server.url, { token }).post('/api/tasks', { title: 'x' });
    const [row = {}] = await server.sql<AnyBody>('select * from api_token where id = $1', [id]);
    expect(row.token_hash).toEqual(createHash('sha256').update(token).digest());
    const secret = token.slice(10, 40);
    const tables = await server.sql<{ name: string }>(
      `select quote_ident(relname) as name from pg_class
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`,
    );
    for (const { name } of tables)
      expect(
        await server.sql(`select 1 from ${name} as t where t::text like '%' || $1 || '%'`, [secret]),
      ).toEqual([]);
    expect(server.logs.join('\n')).not.toContain(secret);
  });

  it('is not kept for an Idempotency-Key either', async () => {
    const headers = { 'idempotency-key': 'token' };
    const make = () => ada.post(TOKENS, { name: 'x', scopes: ['tasks:read'] }, { headers });
    const [one, two] = [await make(), await make()];
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(two.body.token).not.toBe(one.body.token);
    expect(await server.sql('select 1 from idempotency_key where user_id = $1', [ada.account.id])).toEqual(
      [],
    );
  });

  it.each([1, 366])('lives %i days when asked to', async (expires_in_days) => {
    const { body } = await ada.post(TOKENS, { name: 'x', scopes: ['account:read'], expires_in_days });
    expect(days(body)).toBeCloseTo(expires_in_days, 3);
  });

  it.each([
    ['no name', { scopes: ['tasks:read'] }, 'name'],
    ['an empty name', { name: ' ', scopes: ['tasks:read'] }, 'name'],
    ['a name that cleaning empties', { name: '<script>x</script>', scopes: ['tasks:read'] }, 'name'],
    ['a long name', { name: 'x'.repeat(101), scopes: ['tasks:read'] }, 'name'],
    ['no scopes', { name: 'x' }, 'scopes'],
    ['an empty list of scopes', { name: 'x', scopes: [] }, 'scopes'],
    ['an unknown scope', { name: 'x', scopes: ['tasks:read', 'account:write'] }, 'scopes'],
    ['scopes that are no list', { name: 'x', scopes: 'tasks:read' }, 'scopes'],
    ['a life of no days', { name: 'x', scopes: ['tasks:read'], expires_in_days: 0 }, 'expires_in_days'],
    ['a life too long', { name: 'x', scopes: ['tasks:read'], expires_in_days: 367 }, 'expires_in_days'],
    ['half a day', { name: 'x', scopes: ['tasks:read'], expires_in_days: 1.5 }, 'expires_in_days'],
  ])('is refused with %s', async (_what, body, path) => {
    const { errors } = expectProblem(await ada.post(TOKENS, body), 'validation_error');
    expect(errors?.map((error) => error.path)).toEqual([path]);
    expect(await listed()).toEqual([]);
  });

  it('takes nothing but its own fields', async () => {
    const given = { id: 'x', user_id: 'x', token: 'dw_x', last_used_at: '2026-01-01T00:00:00.000Z' };
    const { body } = await ada.post(TOKENS, { name: 'x', scopes: ['tasks:read'], ...given });
    for (const [field, value] of Object.entries(given)) expect(body[field]).not.toBe(value);
    expect((await tokenClient(server.url, body).get('/api/tasks')).status).toBe(200);
  });
});

describe('the number of tokens', () => {
  it(`is bounded at ${TOKENS_PER_USER} that can be used, however many are made at once`, async () => {
    const make = () => ada.post(TOKENS, { name: 'x', scopes: ['tasks:read'] });
    const answers = await Promise.all(Array.from({ length: TOKENS_PER_USER + 10 }, make));
    const statuses = Map.groupBy(answers, ({ status }) => status);
    expect(statuses.get(201)).toHaveLength(TOKENS_PER_USER);
    for (const answer of statuses.get(422) ?? []) expectProblem(answer, 'validation_error');
    expect(statuses.get(422)).toHaveLength(10);
    await server.sql(`update api_token set expires_at = now() where id = $1`, [(await listed())[0].id]);
    expect((await make()).status).toBe(201);
    expect((await make()).status).toBe(422);
  });
});

describe('a token that is no good', () => {
  it('is refused: mistyped, unknown, of another form, expired', async () => {
    const { token, id } = await makeToken(ada, ['tasks:read']);
    const changed = (at: number) =>
      `${token.slice(0, at)}${token[at] === 'a' ? 'b' : 'a'}${token.slice(at + 1)}`;
    const unknown = `dw_${'0'.repeat(43)}`;
    for (const wrong of [
      changed(3),
      changed(51),
      token.slice(0, -1),
      `${token}0`,
      token.toUpperCase(),
      `${unknown}${checksumOf(unknown)}`,
      'dw_',
      `dw_${'x'.repeat(5000)}`,
      `${token}\u00e9`,
    ])
      expectProblem(await tokenClient(server.url, { token: wrong }).get('/api/tasks'), 'unauthenticated');
    await server.sql('update api_token set expires_at = now() where id = $1', [id]);
    expectProblem(await tokenClient(server.url, { token }).get('/api/tasks'), 'unauthenticated');
  });

  it('is refused by the very next request after it was revoked, on every node', async () => {
    const { token, id } = await makeToken(ada, ['tasks:read', 'tasks:write']);
    const other = await startServer({ connection: server.connection, shared: true });
    const clients = [server, other].map(({ url }) => tokenClient(url, { token }));
    for (const client of clients) expect((await client.get('/api/tasks')).status).toBe(200);
    const revoked = await ada.delete(`${TOKENS}/${id}`);
    expect([revoked.status, revoked.body]).toEqual([200, { message: 'Token revoked' }]);
    for (const client of clients) expectProblem(await client.get('/api/tasks'), 'unauthenticated');
    expect(await listed()).toEqual([]);
    await other.close();
  });

  it('is one of many when all are revoked', async () => {
    const tokens = [await makeToken(ada, ['tasks:read']), await makeToken(ada, ['tasks:write'])];
    const eve = await seedClient(server);
    const hers = await makeToken(eve, ['tasks:read']);
    expect((await ada.delete(TOKENS)).status).toBe(200);
    for (const token of tokens)
      expectProblem(await tokenClient(server.url, token).get('/api/tasks'), 'unauthenticated');
    expect((await tokenClient(server.url, hers).get('/api/tasks')).status).toBe(200);
  });

  it('dies with its user', async () => {
    const token = await makeToken(ada, ['tasks:read']);
    await server.sql('delete from "user" where id = $1', [ada.account.id]);
    expectProblem(await tokenClient(server.url, token).get('/api/tasks'), 'unauthenticated');
  });

  it('is refused while its user is disabled', async () => {
    const token = await makeToken(ada, ['tasks:read']);
    const disable = 'update "user" set disabled_at = case when $2 then now() end where id = $1';
    await server.sql(disable, [ada.account.id, true]);
    expectProblem(await tokenClient(server.url, token).get('/api/tasks'), 'unauthenticated');
    await server.sql(disable, [ada.account.id, false]);
    expect((await tokenClient(server.url, token).get('/api/tasks')).status).toBe(200);
  });

  it('is not one because the password was changed or all sessions ended', async () => {
    const token = await makeToken(ada, ['tasks:read']);
    const { status } = await ada.post('/api/auth/change-password', {
      currentPassword: PASSWORD,
      newPassword: 'another correct horse',
      revokeOtherSessions: true,
    });
    expect(status).toBe(200);
    await ada.post('/api/auth/logout');
    expect((await tokenClient(server.url, token).get('/api/tasks')).status).toBe(200);
  });
});

describe("somebody else's token", () => {
  it('is exactly as missing as one that never was, and stays', async () => {
    const token = await makeToken(ada, ['tasks:read']);
    const eve = await seedClient(server);
    const ids = [token.id, '0d3b0f2e-6f0e-4a8b-9f53-5f1f6d1f7c11', '%00', "' or 1=1--", 'x'.repeat(3000)];
    const answers = await Promise.all(ids.map((id) => eve.delete(`${TOKENS}/${encodeURI(id)}`)));
    const problems = answers.map((answer) => ({ ...expectProblem(answer, 'not_found'), request_id: '' }));
    for (const problem of problems) expect(problem).toEqual(problems[0]);
    expect((await eve.get(TOKENS)).body).toEqual({ tokens: [] });
    expect((await tokenClient(server.url, token).get('/api/tasks')).status).toBe(200);
  });

  it('is not told to a stranger', async () => {
    const stranger = new Client(server.url);
    for (const [method, path] of [
      ['GET', TOKENS],
      ['POST', TOKENS],
      ['DELETE', TOKENS],
      ['DELETE', `${TOKENS}/x`],
    ] as const)
      expectProblem(await stranger.request(method, path), 'unauthenticated');
  });

  it('cannot be made by a foreign page with the cookie', async () => {
    const headers = { origin: 'https://evil.example' };
    const made = await ada.post(TOKENS, { name: 'x', scopes: ['tasks:read'] }, { headers });
    expectProblem(made, 'unauthorized_access');
    expectProblem(await ada.delete(TOKENS, { headers }), 'unauthorized_access');
  });
});

describe('the trail', () => {
  it('tells of making and revoking, with no secret', async () => {
    const events = async () =>
      server.sql<AnyBody>(
        'select kind, session_id, details from security_event where user_id = $1 order by id',
        [ada.account.id],
      );
    const before = (await events()).length;
    const [one, two] = [await makeToken(ada, ['tasks:read']), await makeToken(ada, ['tasks:write'])];
    await ada.delete(`${TOKENS}/${one.id}`);
    await ada.delete(`${TOKENS}/${one.id}`);
    await ada.delete(TOKENS);
    await ada.delete(TOKENS);
    expect((await events()).slice(before)).toEqual(
      [
        { kind: 'api_token_created', details: { token: one.id, scopes: ['tasks:read'], days: 90 } },
        { kind: 'api_token_created', details: { token: two.id, scopes: ['tasks:write'], days: 90 } },
        { kind: 'api_token_revoked', details: { token: one.id } },
        { kind: 'api_tokens_revoked', details: { tokens: 1 } },
      ].map((event) => ({ ...event, session_id: ada.session.id })),
    );
  });

  it('takes the end of as many tokens as one can have', async () => {
    for (let made = 0; made < TOKENS_PER_USER; made++) await makeToken(ada, ['tasks:read']);
    expect((await ada.delete(TOKENS)).status).toBe(200);
    expect(await listed()).toEqual([]);
  });
});

describe('the last use', () => {
  it('is noted at most once a minute', async () => {
    const token = await makeToken(ada, ['tasks:read']);
    const client = tokenClient(server.url, token);
    const lastUse = async () => (await listed())[0].last_used_at;
    expect(await lastUse()).toBeNull();
    await Promise.all(Array.from({ length: 10 }, () => client.get('/api/tasks')));
    const first = await lastUse();
    await client.get('/api/tasks');
    expect(await lastUse()).toBe(first);
    await server.sql(`update api_token set last_used_at = now() - interval '61 seconds' where id = $1`, [
      token.id,
    ]);
    await client.get('/api/tasks');
    expect(await lastUse()).not.toBe(first);
    expect(Date.parse(await lastUse())).toBeGreaterThanOrEqual(Date.parse(first));
  });
});

describe('an expired token', () => {
  it('is listed for 30 days and then forgotten', async () => {
    const database = new Database({
      connection: server.connection,
      poolMode: 'session',
      poolSize: 3,
      log: () => {},
    });
    const [old, recent] = [await makeToken(ada, ['tasks:read']), await makeToken(ada, ['tasks:read'])];
    await server.sql(`update api_token set expires_at = now() - interval '31 days' where id = $1`, [old.id]);
    await server.sql(`update api_token set expires_at = now() - interval '29 days' where id = $1`, [
      recent.id,
    ]);
    expect((await listed()).map(({ id }: AnyBody) => id)).toEqual([recent.id]);
    await applyRetention(database);
    expect(await server.sql('select id from api_token where user_id = $1', [ada.account.id])).toEqual([
      { id: recent.id },
    ]);
    expect((await ada.delete(`${TOKENS}/${recent.id}`)).status).toBe(200);
    await database.close();
  });
});
