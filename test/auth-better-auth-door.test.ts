// Better Auth's own endpoints: our rules hold there as well, and nothing that is sent to them is a defect.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, seedAccount, signIn } from './support/accounts.ts';
import { type AnyBody, Client, PASSWORD, type RequestOptions } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let account: Account;
let ada: Awaited<ReturnType<typeof signIn>>;

beforeAll(async () => {
  server = await startServer();
  account = await seedAccount(server);
  ada = await signIn(server.url, account);
});
afterAll(() => server.close());

function person(changes: Record<string, unknown> = {}) {
  return { name: 'Ada', email: `${randomUUID()}@example.com`, password: PASSWORD, ...changes };
}

function signUp(changes: Record<string, unknown>) {
  return new Client(server.url).post('/api/auth/sign-up/email', person(changes));
}

function expectItsShape({ headers, body }: { headers: Headers; body: AnyBody }) {
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(body).toEqual({ code: expect.stringMatching(/^[A-Z][A-Z_]+$/), message: expect.any(String) });
}

describe('one rule, every door', () => {
  it.each([
    ['an empty name', { name: '' }],
    ['a name of nothing but markup', { name: '<svg onload=alert(1)>' }],
    ['a name of 101 characters', { name: 'n'.repeat(101) }],
    ['an e-mail of 201 characters', { email: `${'a'.repeat(189)}@example.com` }],
    ['an image that is not https', { image: 'http://example.com/a.png' }],
    ['an image that runs', { image: 'javascript:alert(1)' }],
    ['an image that breaks out of an attribute', { image: 'https://example.com/"onerror="alert(1)' }],
    ['an image address of 501 characters', { image: `https://example.com/${'a'.repeat(481)}` }],
  ])('refuses %s at sign-up', async (_what, changes) => {
    const answer = await signUp(changes);
    expect(answer.status).toBe(400);
    expectItsShape(answer);
  });

  it.each([
    ['7 characters', 'q7#Lm2!', 'PASSWORD_TOO_SHORT'],
    ['7 emoji', '🦊🐼🐸🦁🐯🐨🐷', 'PASSWORD_TOO_SHORT'],
    ['73 bytes', `${'x'.repeat(71)}é`, 'PASSWORD_TOO_LONG'],
    ['a common password', 'Password123', 'PASSWORD_COMPROMISED'],
  ])('refuses a new password of %s at sign-up and at a change', async (_what, password, code) => {
    const made = await signUp({ password });
    const changed = await ada.post('/api/auth/change-password', {
      currentPassword: account.password,
      newPassword: password,
    });
    for (const answer of [made, changed]) {
      expect([answer.status, answer.body.code]).toEqual([400, code]);
      expectItsShape(answer);
      expect(answer.text).not.toContain(password);
    }
  });

  it('takes what our own door takes: 8 emoji for a password, a name that is cleaned', async () => {
    const email = `${randomUUID()}@example.com`;
    const password = '🦊🐼🐸🦁🐯🐨🐷🐵';
    const { status, body } = await signUp({ email, password, name: '  Ada <b onclick=x()>&</b> Co ' });
    expect(status).toBe(200);
    expect(body.user.name).not.toContain('onclick');
    expect(body.user.name).toBe(body.user.name.trim());
    const { status: entered } = await new Client(server.url).post('/api/auth/login', { email, password });
    expect(entered).toBe(200);
  });

  it('cleans the name and minds the image at a change of the user, too', async () => {
    const update = (json: unknown) => ada.post('/api/auth/update-user', json);
    expect((await update({ name: ' Grace <script>x()</script>Hopper ' })).status).toBe(200);
    expect((await ada.get('/api/auth/session')).body.user.name).toBe('Grace Hopper');
    expect((await update({ image: 'https://example.com/g.png' })).status).toBe(200);
    for (const refused of [
      { name: '' },
      { name: ' \u202e ' },
      { name: 'n'.repeat(101) },
      { name: 7 },
      { name: null },
      { name: {} },
      { image: 7 },
      { image: {} },
      { image: 'http://example.com/g.png' },
      { image: 'data:image/svg+xml,<svg onload=alert(1)>' },
    ]) {
      const answer = await update(refused);
      expect(answer.status).toBe(400);
      expectItsShape(answer);
    }
    const { body } = await ada.get('/api/auth/session');
    expect(body.user).toMatchObject({ name: 'Grace Hopper', image: 'https://example.com/g.png' });
    expect((await update({ image: null })).status).toBe(200);
    expect((await ada.get('/api/auth/session')).body.user.image).toBeNull();
  });

  it('lets nobody set what is not theirs to set', async () => {
    const before = (await ada.get('/api/auth/session')).body.user;
    await ada.post('/api/auth/update-user', {
      name: before.name,
      id: 'x',
      emailVerified: true,
      email_verified: true,
    });
    const refused = await ada.post('/api/auth/update-user', { email: 'new@example.com' });
    expect(refused.status).toBe(400);
    const after = (await ada.get('/api/auth/session')).body.user;
    expect({ ...after, updated_at: '' }).toEqual({ ...before, updated_at: '' });
    const { body } = await signUp({ id: 'mine', emailVerified: true, role: 'admin' });
    expect(body.user.emailVerified).toBe(false);
    expect(body.user.id).not.toBe('mine');
  });

  it('says of an overlong password at sign-in that it is wrong, and of the current one at a change too', async () => {
    const long = account.password.padEnd(73, '!');
    const entered = await new Client(server.url).post('/api/auth/sign-in/email', {
      email: account.email,
      password: long,
    });
    expect([entered.status, entered.body.code]).toEqual([401, 'INVALID_EMAIL_OR_PASSWORD']);
    const changed = await ada.post('/api/auth/change-password', {
      currentPassword: long,
      newPassword: 'the river at noon',
    });
    expect([changed.status, changed.body.code]).toEqual([400, 'INVALID_PASSWORD']);
  });

  it('answers nobody else’s session token: revoking it changes nothing', async () => {
    const other = await signIn(server.url, await seedAccount(server));
    const [row] = await server.sql<{ token: string }>('select token from session where id = $1', [
      other.session.id,
    ]);
    await ada.post('/api/auth/revoke-session', { token: row?.token });
    expect((await other.get('/api/tasks')).status).toBe(200);
  });
});

describe('a form', () => {
  it('signs in and up as JSON does', async () => {
    const send = (path: string, fields: Record<string, string>) =>
      new Client(server.url).request('POST', path, {
        body: new URLSearchParams(fields).toString(),
        headers: { 'content-type': 'Application/X-WWW-Form-Urlencoded' },
      });
    const entered = await send('/api/auth/sign-in/email', {
      email: account.email,
      password: account.password,
    });
    expect(entered.status).toBe(200);
    expect(entered.body.user.id).toBe(account.id);
    const { id: _id, ...made } = person() as ReturnType<typeof person> & { id?: string };
    expect((await send('/api/auth/sign-up/email', made)).status).toBe(200);
    const nul = await send('/api/auth/sign-in/email', { email: `${account.email}\0`, password: 'x\0' });
    expect(nul.status).toBe(400);
    expectItsShape(nul);
  });

  it('of a foreign page signs nobody in or up: it would make its own account the visitor’s', async () => {
    const foreign = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    ];
    const { id: _id, ...fresh } = person() as ReturnType<typeof person> & { id?: string };
    for (const from of foreign) {
      for (const [path, fields] of [
        ['/api/auth/sign-in/email', { email: account.email, password: account.password }],
        ['/api/auth/sign-up/email', fresh],
      ] as const) {
        const { status, headers } = await new Client(server.url).request('POST', path, {
          body: new URLSearchParams(fields).toString(),
          headers: { 'content-type': 'application/x-www-form-urlencoded', ...from },
        });
        expect([from, path, status, headers.getSetCookie()]).toEqual([from, path, 403, []]);
      }
    }
  });

  it('is not taken where Better Auth does not take one', async () => {
    const answer = await ada.request('POST', '/api/auth/update-user', {
      body: 'name=Form',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(answer.status).toBe(415);
    expectItsShape(answer);
  });
});

describe('whatever is sent', () => {
  const json = { 'content-type': 'application/json' };

  it('an unknown path is a problem 404, a wrong method 405 with Allow', async () => {
    for (const path of [
      '/api/auth/nothing',
      '/api/auth/sign-in/nothing',
      '/api/auth/',
      '/api/auth/sign-in/email/x',
    ]) {
      const { status, headers, body } = await ada.get(path);
      expect([path, status, body.code]).toEqual([path, 404, 'not_found']);
      expect(headers.get('content-type')).toBe('application/problem+json');
    }
    for (const [method, path, allow] of [
      ['GET', '/api/auth/sign-in/email', 'OPTIONS, POST'],
      ['DELETE', '/api/auth/sign-out', 'OPTIONS, POST'],
      ['PUT', '/api/auth/signup', 'OPTIONS, POST'],
      ['POST', '/api/auth/session', 'GET, HEAD, OPTIONS'],
      ['POST', '/api/auth/list-sessions', 'GET, HEAD, OPTIONS'],
    ] as const) {
      const { status, headers, body } = await ada.request(method, path);
      expect([method, path, status, body.code]).toEqual([method, path, 405, 'method_not_allowed']);
      expect(headers.get('allow')).toBe(allow);
    }
  });

  it('also what Better Auth keeps from its typed client is there: a sign of life', async () => {
    expect((await ada.get('/api/auth/ok')).body).toEqual({ ok: true });
  });

  it('paths work with a trailing slash and keep their query', async () => {
    expect((await ada.get('/api/auth/get-session/')).body.user.id).toBe(account.id);
    expect((await ada.get('/api/auth/get-session/?disableRefresh=true')).body.user.id).toBe(account.id);
    expect((await new Client(server.url).post('/api/auth/sign-in/email/', account)).status).toBe(200);
    const page = await ada.get('/api/auth/verify-email?token=x&callbackURL=/done/');
    expect(page.headers.get('location')).toContain('/done/');
  });

  it('no link leads away from us and the allowed front ends', async () => {
    const away = ['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)'];
    for (const target of away) {
      const { headers, status } = await ada.get(
        `/api/auth/verify-email?token=x&callbackURL=${encodeURIComponent(target)}`,
      );
      expect([target, status, headers.get('location')]).toEqual([target, 403, null]);
    }
  });

  it('no endpoint fails on malformed, odd or oversized bodies and queries', async () => {
    const document = (await ada.get('/openapi.json')).body;
    const endpoints = Object.entries<AnyBody>(document.paths).flatMap(([path, methods]) =>
      Object.entries<AnyBody>(methods)
        .filter(([, { tags }]) => tags.includes('Better Auth'))
        .map(([method]) => ({ path: path.replace(/\{\w+\}/g, 'x'), method: method.toUpperCase() })),
    );
    expect(endpoints.length).toBeGreaterThan(15);
    const bodies: RequestOptions[] = [
      { body: '{', headers: json },
      { body: '', headers: json },
      { body: '[]', headers: json },
      { body: 'null', headers: json },
      { body: '"text"', headers: json },
      { body: JSON.stringify({ email: 'a\0b', password: 'x\0', token: '\0' }), headers: json },
      {
        body: JSON.stringify({ email: {}, password: [], token: {}, name: {}, callbackURL: {} }),
        headers: json,
      },
      {
        body: JSON.stringify({ email: 'a@example.com', password: 7, newPassword: 7, currentPassword: {} }),
        headers: json,
      },
      { body: `${'['.repeat(40)}${']'.repeat(40)}`, headers: json },
      { body: JSON.stringify({ name: '\ud800' }), headers: json },
      { body: Buffer.from([0xff, 0xfe]), headers: json },
      { body: 'x'.repeat(65_537), headers: json },
      { body: '{}', headers: { 'content-type': 'text/plain' } },
      { body: '{}', headers: { 'content-type': 'application/jsonp' } },
      { body: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } },
      { body: '{}', headers: { ...json, 'content-encoding': 'gzip' } },
      { body: '--x\r\n\r\n', headers: { 'content-type': 'multipart/form-data; boundary=x' } },
      { body: '%00=%00&email=%', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ];
    const keep = new Map(ada.cookies);
    for (const { path, method } of endpoints) {
      const requests = method === 'GET' ? [{}] : bodies;
      for (const query of [
        '',
        '?token=%00&callbackURL=%00&error=%00',
        '?callbackURL=/&token=a.b.c&newPassword=1',
      ])
        for (const options of query === '' ? requests : [{}]) {
          for (const client of [ada, new Client(server.url)]) {
            for (const [name, value] of keep) ada.cookies.set(name, value);
            const { status, text } = await client.request(method, `${path}${query}`, {
              ...options,
              headers: { ...(options as RequestOptions).headers },
            });
            expect(status, `${method} ${path}${query} ${text}`).toBeLessThan(500);
          }
        }
      if (method === 'GET') {
        const odd = await ada.get(path.replace(/x$/, 'a%00b'));
        expect(odd.status, path).toBeLessThan(500);
      }
      await server.sql('delete from session where user_id = $1 and id <> $2', [account.id, ada.session.id]);
      const [alive] = await server.sql('select from session where id = $1', [ada.session.id]);
      if (!alive) {
        const again = await signIn(server.url, account);
        ada = again;
        keep.clear();
        for (const pair of again.cookies) keep.set(...pair);
      }
    }
    expect(server.logs.filter((line) => line.includes('a defect'))).toEqual([]);
  });

  it('a body that is not readable is told so in its shape', async () => {
    const client = new Client(server.url);
    const send = async (body: string, headers: Record<string, string> = json) => {
      const answer = await client.request('POST', '/api/auth/sign-in/email', { body, headers });
      expectItsShape(answer);
      return answer.status;
    };
    expect(await send('{')).toBe(400);
    expect(await send('{"email":"\\u0000"}')).toBe(400);
    expect(await send(`{"email":"${'x'.repeat(65_536)}"}`)).toBe(413);
    for (const type of ['text/plain', 'application/json; charset=utf-16', 'application/problem+json'])
      expect(await send(JSON.stringify(account), { 'content-type': type })).toBe(415);
    expect(await send('{}')).toBe(400);
  });
});
