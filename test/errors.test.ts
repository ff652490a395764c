// The table of errors, over real HTTP: every code with its status and shape, and nothing of the inside.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../contract/errors.ts';
import { type Answer, type AnyBody, Client, PASSWORD, signUp } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { type DatabaseProxy, startProxy } from './support/proxy.ts';
import { createDatabase, startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let ada: Client & { user: AnyBody };
let bob: Client & { user: AnyBody };
let stranger: Client;
let task: AnyBody;

beforeAll(async () => {
  server = await startServer();
  [ada, bob] = await Promise.all([signUp(server.url), signUp(server.url)]);
  stranger = new Client(server.url);
  task = (await ada.post('/api/tasks', { title: 'mine' })).body;
});
afterAll(() => server.close());

const evil = { headers: { origin: 'https://evil.example' } };

/** One way to each code that a client can meet while all is well. */
const WAYS: Partial<Record<ErrorCode, () => Promise<Answer<AnyBody>>>> = {
  malformed_request: () => stranger.get('/%zz'),
  malformed_json: () =>
    ada.request('POST', '/api/tasks', { body: '{', headers: { 'content-type': 'application/json' } }),
  unauthenticated: () => stranger.get('/api/tasks'),
  invalid_credentials: () =>
    stranger.post('/api/auth/login', { email: ada.user.email, password: 'something else' }),
  unauthorized_access: () => ada.post('/api/tasks', { title: 'x' }, evil),
  task_not_found: () => ada.get('/api/tasks/999999999'),
  not_found: () => ada.get('/api/nothing'),
  method_not_allowed: () => ada.put('/api/tasks', {}),
  email_taken: () =>
    stranger.post('/api/auth/signup', { name: 'Eve', email: ada.user.email, password: PASSWORD }),
  stale: () => ada.patch(`/api/tasks/${task.id}`, { title: 'y' }, { headers: { 'if-match': '"999"' } }),
  payload_too_large: () => ada.post('/api/tasks', { title: 'x'.repeat(70_000) }),
  unsupported_media_type: () =>
    ada.request('POST', '/api/tasks', { body: 'x', headers: { 'content-type': 'text/plain' } }),
  validation_error: () => ada.post('/api/tasks', { title: '', priority: 9 }),
  idempotency_key_reused: async () => {
    await ada.post('/api/tasks', { title: 'once' }, { headers: { 'idempotency-key': 'k' } });
    return ada.post('/api/tasks', { title: 'twice' }, { headers: { 'idempotency-key': 'k' } });
  },
};

describe('an error', () => {
  it.each(Object.keys(WAYS) as ErrorCode[])('has its status and shape: %s', async (code) => {
    expectProblem((await WAYS[code]?.()) as never, code);
  });

  it('comes with the security headers, uncached, and readable by an allowed page', async () => {
    for (const way of Object.values(WAYS)) {
      const { headers, status } = await way();
      expect([status, headers.get('x-content-type-options')]).toEqual([status, 'nosniff']);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*frame-ancestors 'none'$/);
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-frame-options')).toBe('DENY');
    }
    const { headers } = await stranger.get('/api/tasks', { headers: { origin: 'http://localhost:3000' } });
    expect(headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    expect(headers.get('access-control-expose-headers')).toMatch(/X-Request-Id/);
  });

  it('is without a body for HEAD', async () => {
    for (const [path, status] of [
      ['/api/tasks', 401],
      ['/nowhere', 404],
      ['/api/auth/login', 405],
    ] as const) {
      const answer = await stranger.request('HEAD', path);
      expect([answer.status, answer.text]).toEqual([status, '']);
    }
  });

  it('names each refused field, and the first of them in its sentence', async () => {
    const body = expectProblem(
      await ada.post('/api/tasks', { title: '', priority: 9, status: 'x' }),
      'validation_error',
    );
    expect(body.errors?.map(({ path }) => path).sort()).toEqual(['priority', 'status', 'title']);
    expect(body.detail).toContain(body.errors?.[0]?.path);
    const missing = expectProblem(await ada.post('/api/auth/signup', {}), 'validation_error');
    expect(missing.errors?.map(({ path }) => path).sort()).toEqual(['email', 'name', 'password']);
  });

  it('does not repeat what was sent', async () => {
    const secret = 'ZmFrZS1zZWNyZXQ';
    for (const answer of [
      await stranger.get(`/nowhere/${secret}?token=${secret}`),
      await stranger.post('/api/auth/login', { email: `${secret}@example.com`, password: secret }),
      await stranger.post('/api/auth/login', { email: secret, password: secret }),
      await ada.get(`/api/tasks/${secret}`),
      await ada.get(`/api/tasks?limit=${secret}`),
      await ada.request('POST', '/api/tasks', {
        body: `{"${secret}`,
        headers: { 'content-type': 'application/json' },
      }),
    ])
      expect(answer.text).not.toContain(secret);
  });

  it('about somebody else’s task is the one about a missing task', async () => {
    const without = ({ body }: Answer<AnyBody>) => ({ ...body, request_id: '' });
    for (const run of [
      (id: number) => bob.get(`/api/tasks/${id}`),
      (id: number) => bob.patch(`/api/tasks/${id}`, { title: 'x' }),
      (id: number) => bob.patch(`/api/tasks/${id}`, { title: 'x' }, { headers: { 'if-match': '"1"' } }),
      (id: number) => bob.patch(`/api/tasks/${id}/complete`),
      (id: number) => bob.delete(`/api/tasks/${id}`),
      (id: number) => bob.delete(`/api/tasks/${id}?permanent=true`),
      (id: number) => bob.post(`/api/tasks/${id}/restore`),
    ]) {
      const [others, missing] = [await run(task.id), await run(987_654_321)];
      expectProblem(others, 'task_not_found');
      expect(without(others)).toEqual(without(missing));
    }
  });

  it('carries the current task when it says stale', async () => {
    const { body } = await (WAYS.stale as () => Promise<Answer<AnyBody>>)();
    expect(body.current).toEqual((await ada.get(`/api/tasks/${task.id}`)).body);
  });

  it('has a name that can be looked up', async () => {
    for (const [code, { title }] of Object.entries(ERROR_CODES)) {
      const way = WAYS[code as ErrorCode];
      const type: string = way ? (await way()).body.type : `/docs/errors#${code}`;
      const page = await stranger.get(type.split('#')[0] ?? '');
      expect([
        code,
        page.status,
        page.text.includes(`id="${type.split('#')[1]}"`),
        page.text.includes(title),
      ]).toEqual([code, 200, true, true]);
    }
  });
});

describe('too many requests', () => {
  it('are 429 with the time to wait', async () => {
    const strict = await startServer({ env: { RATE_LIMIT_REQUESTS: '1', RATE_LIMIT_WINDOW: '60' } });
    try {
      const eve = await signUp(strict.url);
      expect((await eve.get('/api/tasks')).status).toBe(200);
      const refused = await eve.get('/api/tasks');
      expectProblem(refused, 'rate_limited');
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    } finally {
      await strict.close();
    }
  });
});

describe('a fault on our side', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let proxy: DatabaseProxy;
  let faulty: TestServer;
  let eve: Client & { accessToken: string };

  beforeAll(async () => {
    database = await createDatabase();
    proxy = await startProxy(database.connection);
    faulty = await startServer({ connection: proxy.connection });
    eve = await signUp(faulty.url);
  });
  afterAll(async () => {
    await faulty.close();
    await proxy.close();
    await database.drop();
  });

  it('is 500 internal_error for a defect, told to the log and not to the client', async () => {
    await faulty.sql('alter table task rename to gone');
    for (const answer of [
      await eve.get('/api/tasks'),
      await eve.post('/api/tasks', { title: 'unsaid words' }),
    ]) {
      const { request_id } = expectProblem(answer, 'internal_error');
      expect(answer.text).not.toMatch(/task|relation|42P01/);
      const lines = faulty.logs.filter(
        (line) => line.includes(String(request_id)) && line.includes('"level":50'),
      );
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toContain('unsaid words');
    }
    await faulty.sql('alter table gone rename to task');
    expect((await eve.get('/api/tasks')).body.tasks).toEqual([]);
  });

  it('is 503 database_error without a database: on every route, with Retry-After, and never "signed out"', async () => {
    await proxy.refuse();
    const bearer = { headers: { authorization: `Bearer ${eve.accessToken}`, cookie: '' } };
    for (const answer of [
      await eve.get('/api/tasks'),
      await eve.post('/api/tasks', { title: 'lost' }),
      await eve.post('/api/tasks', { title: 'lost' }, { headers: { 'idempotency-key': 'x' } }),
      await eve.get('/api/dashboard/stats'),
      await eve.get('/api/dashboard/overview'),
      await eve.get('/api/auth/session'),
      await eve.get('/api/auth/session', bearer),
      await eve.post('/api/auth/refresh'),
      await eve.post('/api/auth/logout'),
      await stranger503('/api/auth/login', { email: 'ada@example.com', password: PASSWORD }),
      await stranger503('/api/auth/signup', { name: 'A', email: 'ada@example.com', password: PASSWORD }),
    ])
      expectProblem(answer, 'database_error');
    expect(eve.cookies.size).toBeGreaterThan(0);
    for (const path of ['/api/auth/get-session', '/api/auth/list-sessions']) {
      const answer = await eve.get(path);
      expect([path, answer.status, answer.body.code]).toEqual([path, 503, 'DATABASE_ERROR']);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    }
    const health = await eve.get('/health');
    expect([health.status, health.body.status, health.body.database]).toEqual([
      503,
      'unhealthy',
      'unreachable',
    ]);
    expect((await eve.get('/health/live')).status).toBe(200);
    await proxy.resume();
    expect((await eve.get('/api/auth/session')).body.user).not.toBeNull();
    expect((await eve.get('/api/tasks')).body.tasks).toEqual([]);
    expect((await eve.get('/health')).status).toBe(200);
  });

  const stranger503 = (path: string, body: object) => new Client(faulty.url).post(path, body);

  it('is 503 overloaded when a statement takes too long, and then nothing was written', async () => {
    await proxy.resume();
    const blocker = new pg.Client(faulty.connection);
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('select from user_sync for update');
    const answer = eve.post('/api/tasks', { title: 'blocked' });
    // What the server's own limit would do after some seconds.
    await until(async () => {
      const [row] = await faulty.sql<{ cancelled: boolean }>(
        `select bool_or(pg_cancel_backend(pid)) as cancelled from pg_stat_activity
         where wait_event_type = 'Lock' and datname = current_database()`,
      );
      return row?.cancelled;
    });
    expectProblem(await answer, 'overloaded');
    await blocker.query('rollback');
    await blocker.end();
    expect((await eve.get('/api/tasks')).body.tasks).toEqual([]);
    expect((await eve.post('/api/tasks', { title: 'free' })).status).toBe(201);
  });
});
