// Which pages may use a visitor's cookie, and which may read our answers.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, seedAccount, signIn } from './support/accounts.ts';
import { Client } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

const EXPOSED = [
  'ETag',
  'Location',
  'Retry-After',
  'Idempotency-Replayed',
  'X-Request-Id',
  'RateLimit',
  'RateLimit-Policy',
];
const FOREIGN = [
  'https://evil.example',
  'null',
  '',
  'http://localhost:3002',
  'https://localhost:3000',
  'http://localhost:3000.evil.example',
  'http://evil.example:3000',
  'http://localhost:3000@evil.example',
  'http://xlocalhost:3000',
  'http://localhost:3000/',
  'file://',
];
const ALLOWED = [
  'http://localhost:3000',
  'http://localhost:3001',
  'http://127.0.0.1:3000',
  'http://127.0.0.1:3001',
];

let server: TestServer;
let account: Account;
let ada: Awaited<ReturnType<typeof signIn>>;

beforeAll(async () => {
  server = await startServer({ env: { PORT: '8000' } });
  account = await seedAccount(server);
  ada = await signIn(server.url, account);
});
afterAll(() => server.close());

const create = (headers: Record<string, string>, client: Client = ada) =>
  client.post('/api/tasks', { title: 'From a page' }, { headers });

async function countOfTasks(): Promise<number> {
  const rows = await server.sql('select from task where user_id = $1', [account.id]);
  return rows.length;
}

describe('a write with a cookie', () => {
  it('is refused from every foreign origin and changes nothing', async () => {
    const before = await countOfTasks();
    for (const origin of FOREIGN) {
      const { status, headers, body } = await create({ origin });
      expect([origin, status, body.code]).toEqual([origin, 403, 'unauthorized_access']);
      expect(headers.get('content-type')).toBe('application/problem+json');
    }
    expect(await countOfTasks()).toBe(before);
  });

  it('is allowed from the allowed origins, from our own and from that of PUBLIC_URL', async () => {
    const own = server.url;
    const spelled = own.replace('http://', 'HTTP://');
    for (const origin of [...ALLOWED, own, spelled, 'http://localhost:8000', 'HTTP://LOCALHOST:3000']) {
      expect([origin, (await create({ origin })).status]).toEqual([origin, 201]);
    }
  });

  it('without an Origin is allowed unless the browser says that it comes from another site', async () => {
    for (const site of ['same-origin', 'same-site', 'none'])
      expect((await create({ 'sec-fetch-site': site })).status).toBe(201);
    expect((await create({})).status).toBe(201);
    expect((await create({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const crossButAllowed = { origin: 'http://localhost:3000', 'sec-fetch-site': 'cross-site' };
    expect((await create(crossButAllowed)).status).toBe(201);
  });

  it('is refused on every route that writes, sign-out, refresh, sign-up and sign-in included', async () => {
    const { body: task } = await create({});
    const headers = { origin: 'https://evil.example' };
    const writes: [string, string][] = [
      ['POST', '/api/auth/logout'],
      ['POST', '/api/auth/logout/'],
      ['POST', '/api/auth/refresh'],
      ['POST', '/api/auth/login'],
      ['POST', '/api/auth/signup'],
      ['PUT', `/api/tasks/${task.id}`],
      ['PATCH', `/api/tasks/${task.id}`],
      ['PATCH', `/api/tasks/${task.id}/complete`],
      ['POST', `/api/tasks/${task.id}/restore`],
      ['DELETE', `/api/tasks/${task.id}`],
      ['DELETE', `/api/tasks/${task.id}?permanent=true`],
    ];
    for (const [method, path] of writes) {
      const { status, headers: answered } = await ada.request(method, path, {
        json: { title: 'Evil' },
        headers,
      });
      expect([method, path, status]).toEqual([method, path, 403]);
      expect(answered.getSetCookie()).toEqual([]);
    }
    expect((await ada.get(`/api/tasks/${task.id}`)).body).toEqual(task);
    expect((await ada.get('/api/auth/session')).body.session.id).toBe(ada.session.id);
  });

  it('is refused at Better Auth’s own endpoints, in its shape', async () => {
    for (const [path, json] of [
      ['/api/auth/sign-out', {}],
      ['/api/auth/update-user', { name: 'Evil' }],
      ['/api/auth/revoke-sessions', {}],
      [
        '/api/auth/change-password',
        { currentPassword: account.password, newPassword: 'a quiet river at dawn' },
      ],
    ] as const) {
      for (const headers of [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'cross-site', referer: `${server.url}/` },
      ]) {
        const { status, body } = await ada.post(path, json, { headers: headers as Record<string, string> });
        expect([path, status]).toEqual([path, 403]);
        expect(body).toEqual({ code: expect.any(String), message: expect.any(String) });
      }
    }
    expect((await ada.get('/api/auth/session')).body.user.name).toBe('Ada');
  });

  it('is the only thing with an origin rule: reading is not, nor is a stranger’s request', async () => {
    const headers = { origin: 'https://evil.example' };
    expect((await ada.get('/api/tasks', { headers })).status).toBe(200);
    expect((await ada.get('/api/auth/session', { headers })).body.user.id).toBe(account.id);
    expect((await new Client(server.url).post('/api/auth/logout', undefined, { headers })).status).toBe(200);
    expect((await new Client(server.url).post('/api/auth/login', account, { headers })).status).toBe(200);
    expect((await create(headers, new Client(server.url))).status).toBe(401);
  });

  it('does not have the cookie taken away by a form, with which it does not come', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' };
    for (const path of ['/api/auth/logout', '/api/auth/sign-out'])
      for (const headers of [form, { ...form, origin: 'https://evil.example' }]) {
        const answer = await new Client(server.url).request('POST', path, { body: 'x=1', headers });
        expect([path, answer.headers.getSetCookie()]).toEqual([path, []]);
      }
    const own = await new Client(server.url).post('/api/auth/logout', undefined, {});
    expect(own.headers.getSetCookie()).not.toEqual([]);
  });
});

describe('a bearer', () => {
  it('may write from any page, also with a cookie beside it', async () => {
    const authorization = `Bearer ${ada.accessToken}`;
    for (const origin of FOREIGN) {
      expect((await create({ origin, authorization }, new Client(server.url))).status).toBe(201);
      expect((await create({ origin, authorization })).status).toBe(201);
    }
    const { accessToken } = await signIn(server.url, account);
    const out = await new Client(server.url).post('/api/auth/logout', undefined, {
      headers: { origin: 'https://evil.example', authorization: `Bearer ${accessToken}` },
    });
    expect(out.status).toBe(200);
    expect(
      (
        await new Client(server.url).get('/api/tasks', {
          headers: { authorization: `Bearer ${accessToken}` },
        })
      ).status,
    ).toBe(401);
  });

  it('of another scheme is none: the cookie’s rule stands', async () => {
    expect((await create({ origin: 'https://evil.example', authorization: 'Basic eDp5' })).status).toBe(403);
  });
});

describe('CORS', () => {
  const preflight = (origin: string, path = '/api/tasks', method = 'PATCH') =>
    ada.request('OPTIONS', path, {
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type,if-match,idempotency-key,authorization',
      },
    });

  it('answers the preflight of an allowed origin for every method and header in use', async () => {
    for (const origin of [...ALLOWED, 'http://localhost:8000'])
      for (const path of [
        '/api/tasks',
        '/api/tasks/1/complete',
        '/api/auth/login',
        '/api/auth/sign-in/email',
        '/api/dashboard/stats',
      ]) {
        const { status, headers } = await preflight(origin, path);
        expect([path, status]).toEqual([path, 204]);
        expect(headers.get('access-control-allow-origin')).toBe(origin);
        expect(headers.get('access-control-allow-credentials')).toBe('true');
        const methods = headers.get('access-control-allow-methods')?.split(/, ?/) ?? [];
        expect(methods).toEqual(expect.arrayContaining(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']));
        const allowed = headers.get('access-control-allow-headers')?.split(/, ?/) ?? [];
        expect(allowed).toEqual(
          expect.arrayContaining(['content-type', 'if-match', 'idempotency-key', 'authorization']),
        );
        expect(headers.get('vary')).toMatch(/\borigin\b/i);
      }
  });

  it('lets an allowed page read every answer and the headers it needs, refusals included', async () => {
    const origin = 'http://localhost:3000';
    const answers = [
      await ada.get('/api/tasks', { headers: { origin } }),
      await create({ origin }),
      await ada.get('/api/tasks/999999', { headers: { origin } }),
      await ada.get('/api/nothing', { headers: { origin } }),
      await ada.request('DELETE', '/api/tasks', { headers: { origin } }),
      await ada.post('/api/tasks', { title: '' }, { headers: { origin } }),
      await new Client(server.url).get('/api/tasks', { headers: { origin } }),
      await new Client(server.url).post(
        '/api/auth/login',
        { email: 'a@example.com', password: 'x'.repeat(73) },
        { headers: { origin } },
      ),
      await ada.get('/api/auth/get-session', { headers: { origin } }),
      await ada.request('POST', '/api/tasks', {
        body: 'x'.repeat(70_000),
        headers: { origin, 'content-type': 'application/json' },
      }),
      await ada.get('/api/tasks/%zz', { headers: { origin } }),
    ];
    const statuses = [200, 201, 404, 404, 405, 422, 401, 401, 200, 413, 400];
    expect(answers.map(({ status }) => status)).toEqual(statuses);
    for (const { headers } of answers) {
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('access-control-allow-credentials')).toBe('true');
      const exposed = headers.get('access-control-expose-headers')?.split(/, ?/) ?? [];
      expect(exposed.sort()).toEqual([...EXPOSED].sort());
      expect(headers.get('vary')).toMatch(/\borigin\b/i);
    }
  });

  it('says nothing to a foreign page', async () => {
    for (const origin of FOREIGN) {
      const answers = [
        await preflight(origin),
        await ada.get('/api/tasks', { headers: { origin } }),
        await create({ origin }),
        await new Client(server.url).get('/api/auth/session', { headers: { origin } }),
      ];
      for (const { headers } of answers) {
        const cors = [...headers.keys()].filter((name) => name.startsWith('access-control-'));
        expect([origin, cors]).toEqual([origin, []]);
        expect(headers.get('vary')).toMatch(/\borigin\b/i);
      }
    }
  });

  it('says nothing without an Origin, but that the answer would depend on it', async () => {
    const { headers } = await ada.get('/api/tasks');
    expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    expect(headers.get('vary')).toMatch(/\borigin\b/i);
  });
});

describe('the settings', () => {
  it('replace the allowed origins and add that of PUBLIC_URL', async () => {
    const other = await startServer({
      connection: server.connection,
      env: {
        ALLOWED_ORIGINS: 'https://app.example.com, https://b.example.com:8443/',
        PUBLIC_URL: 'https://todo.example.com/app',
      },
    });
    try {
      const client = await signIn(other.url, account);
      const status = async (origin: string) => (await create({ origin }, client)).status;
      for (const origin of [
        'https://app.example.com',
        'https://b.example.com:8443',
        'https://todo.example.com',
        other.url,
      ])
        expect([origin, await status(origin)]).toEqual([origin, 201]);
      for (const origin of [
        'http://localhost:3000',
        'http://todo.example.com',
        'https://todo.example.com:8443',
        'https://x.app.example.com',
      ])
        expect([origin, await status(origin)]).toEqual([origin, 403]);
      // A page without https on the very host that PUBLIC_URL names may have been written by anybody on the way.
      const host = { host: 'todo.example.com' };
      expect((await create({ ...host, origin: 'http://todo.example.com' }, client)).status).toBe(403);
      expect((await create({ ...host, origin: 'https://todo.example.com' }, client)).status).toBe(201);
      const signedUp = await client.post(
        '/api/auth/sign-up/email',
        {
          name: 'Ada',
          email: `${randomUUID()}@example.com`,
          password: 'a quiet river at dawn',
        },
        { headers: { origin: 'https://b.example.com:8443' } },
      );
      expect(signedUp.status).toBe(200);
    } finally {
      await other.close();
    }
  });

  it('believe a trusted proxy about the own host and scheme, and nobody else', async () => {
    const forwarded = {
      'x-forwarded-host': 'todo.example.org',
      'x-forwarded-proto': 'https',
      origin: 'https://todo.example.org',
    };
    expect((await create(forwarded)).status).toBe(403);
    const behind = await startServer({ connection: server.connection, env: { TRUST_PROXY: '127.0.0.1' } });
    try {
      const client = await signIn(behind.url, account);
      expect((await create(forwarded, client)).status).toBe(201);
      expect((await create({ ...forwarded, origin: 'http://todo.example.org' }, client)).status).toBe(403);
    } finally {
      await behind.close();
    }
  });
});
