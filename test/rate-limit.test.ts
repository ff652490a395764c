// How many requests one user may make: counted for the user, not for a session, an address, a door or a node.
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { seedAccount, seedClient, signIn } from './support/accounts.ts';
import { Client, type RequestOptions } from './support/client.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';

const servers: TestServer[] = [];
afterAll(async () => {
  for (const server of servers.reverse()) await server.close();
});

async function start(requests: number, options: Parameters<typeof startServer>[0] = {}): Promise<TestServer> {
  const env = { RATE_LIMIT_REQUESTS: String(requests), TRUST_PROXY: '127.0.0.1', ...options.env };
  const server = await startServer({ ...options, env });
  servers.push(server);
  return server;
}

function countOf(statuses: number[], wanted: number): number {
  return statuses.filter((status) => status === wanted).length;
}

/** `r` of a RateLimit header, after its form was checked. */
function remaining(headers: Headers): number {
  const match = /^"default";r=(\d+);t=(\d+)$/.exec(headers.get('ratelimit') ?? '');
  expect(match, headers.get('ratelimit') ?? 'no RateLimit').not.toBeNull();
  expect(Number(match?.[2])).toBeGreaterThanOrEqual(1);
  return Number(match?.[1]);
}

describe('the limit of one user', () => {
  it('is a hundred a minute by default, told from the first counted answer on', async () => {
    const server = await start(100);
    const ada = await seedClient(server);
    const first = await ada.get('/api/tasks');
    expect(first.headers.get('ratelimit-policy')).toBe('"default";q=100;w=60');
    expect(first.headers.get('ratelimit')).toBe('"default";r=99;t=60');
    const answers = await Promise.all(Array.from({ length: 150 }, () => ada.get('/api/dashboard/stats')));
    const statuses = answers.map(({ status }) => status);
    expect([countOf(statuses, 200), countOf(statuses, 429)]).toEqual([99, 51]);
    const left = answers.filter(({ status }) => status === 200).map(({ headers }) => remaining(headers));
    expect(left.sort((a, b) => b - a)).toEqual(Array.from({ length: 99 }, (_, index) => 98 - index));
  });

  it('ends in a 429 problem that says when to come back, on every route, writes included', async () => {
    const server = await start(2);
    const ada = await seedClient(server);
    await ada.get('/api/tasks');
    expect(remaining((await ada.get('/api/tasks')).headers)).toBe(0);
    for (const [method, path] of [
      ['GET', '/api/tasks'],
      ['POST', '/api/tasks'],
      ['GET', '/api/auth/session'],
      ['POST', '/api/auth/refresh'],
      ['GET', '/api/nothing'],
    ] as const) {
      const { status, headers, body } = await ada.request(
        method,
        path,
        method === 'POST' ? { json: { title: 'x' } } : {},
      );
      expect([path, status, body.code, body.status]).toEqual([path, 429, 'rate_limited', 429]);
      expect(headers.get('content-type')).toBe('application/problem+json');
      const seconds = Number(headers.get('retry-after'));
      expect(seconds).toBeGreaterThanOrEqual(1);
      expect(seconds).toBeLessThanOrEqual(60);
      expect(remaining(headers)).toBe(0);
    }
    const better = await ada.get('/api/auth/get-session');
    expect([better.status, better.body.code]).toEqual([429, 'RATE_LIMITED']);
    expect(better.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await server.sql('select from task')).toEqual([]);
  });

  it('keeps nobody in: signing out is counted, but never too much', async () => {
    const server = await start(1);
    const account = await seedAccount(server);
    const [ada, other] = [await signIn(server.url, account), await signIn(server.url, account)];
    for (const [client, path] of [
      [ada, '/api/auth/logout'],
      [other, '/api/auth/sign-out'],
    ] as const) {
      await client.get('/api/tasks');
      expect((await client.get('/api/tasks')).status).toBe(429);
      const { status, headers } = await client.post(path, {});
      expect([path, status, remaining(headers)]).toEqual([path, 200, 0]);
      expect((await client.get('/api/tasks')).status).toBe(401);
    }
  });

  it('is shared by all of a user’s sessions, addresses, cookies, tokens and doors', async () => {
    const server = await start(8);
    const account = await seedAccount(server);
    const [one, two] = [await signIn(server.url, account), await signIn(server.url, account)];
    const bearer = { authorization: `Bearer ${two.accessToken}` };
    const from = (address: string): RequestOptions => ({ headers: { 'x-forwarded-for': address } });
    const requests = [
      () => one.get('/api/tasks', from('10.0.0.1')),
      () => two.get('/api/tasks', from('10.0.0.2')),
      () => new Client(server.url).get('/api/tasks', { headers: bearer }),
      () => one.get('/api/auth/session'),
      () => two.get('/api/auth/get-session'),
      () => new Client(server.url).get('/api/auth/list-sessions', { headers: bearer }),
      () => one.post('/api/auth/refresh'),
      () => two.get('/api'),
    ];
    for (const [index, request] of requests.entries())
      expect(remaining((await request()).headers)).toBe(7 - index);
    expect((await one.get('/api/tasks', from('10.0.0.3'))).status).toBe(429);
    expect((await two.get('/api/auth/list-sessions')).status).toBe(429);
    const third = await signIn(server.url, account);
    expect((await third.get('/api/tasks')).status).toBe(429);
  });

  it('counts whatever the answer is: missing, invalid, unchanged, forbidden, not a method, not a path', async () => {
    const server = await start(1000);
    const ada = await seedClient(server);
    const { body: task, headers } = await ada.post('/api/tasks', { title: 'One' });
    const etag = headers.get('etag') ?? '';
    const answers = [
      await ada.get(`/api/tasks/${task.id}`, { headers: { 'if-none-match': etag } }),
      await ada.get('/api/tasks/999999'),
      await ada.get('/api/tasks/x'),
      await ada.post('/api/tasks', { title: '' }),
      await ada.request('POST', '/api/tasks', { body: '{', headers: { 'content-type': 'application/json' } }),
      await ada.post('/api/tasks', { title: 'x' }, { headers: { origin: 'https://evil.example' } }),
      await ada.request('DELETE', '/api/tasks'),
      await ada.get('/api/nothing'),
      await ada.request('HEAD', '/api/tasks'),
      await ada.post('/api/auth/update-user', { name: '' }),
      await ada.post('/api/auth/update-user', { name: 'x' }, { headers: { origin: 'https://evil.example' } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([
      304, 404, 422, 422, 400, 403, 405, 404, 200, 400, 403,
    ]);
    expect(answers.map(({ headers }) => remaining(headers))).toEqual(answers.map((_, index) => 998 - index));
  });

  it('leaves other users, strangers and what lies outside the API alone', async () => {
    const server = await start(1);
    const [ada, eve] = [await seedClient(server), await seedClient(server)];
    await ada.get('/api/tasks');
    expect((await ada.get('/api/tasks')).status).toBe(429);
    expect((await eve.get('/api/tasks')).status).toBe(200);
    const stranger = new Client(server.url);
    for (const path of ['/api/tasks', '/api/auth/session', '/api', '/health'])
      for (const answer of [await stranger.get(path), await stranger.get(path)]) {
        expect(answer.status).not.toBe(429);
        expect(answer.headers.get('ratelimit')).toBeNull();
      }
    const health = await ada.get('/health');
    expect([health.status, health.headers.get('ratelimit')]).toEqual([200, null]);
    expect((await new Client(server.url).post('/api/auth/login', ada.account)).status).toBe(200);
  });

  it('begins anew when its window has ended', async () => {
    const server = await start(1, { env: { RATE_LIMIT_WINDOW: '1' } });
    const ada = await seedClient(server);
    const first = await ada.get('/api/tasks');
    expect(first.headers.get('ratelimit-policy')).toBe('"default";q=1;w=1');
    await expect
      .poll(async () => (await ada.get('/api/tasks')).status, { timeout: 5_000, interval: 50 })
      .toBe(200);
  });
});

describe('two nodes on one database', () => {
  it('count together, exactly, under many requests at once', async () => {
    const one = await start(100, { shared: true });
    const two = await start(100, { shared: true, connection: one.connection });
    const account = await seedAccount(one);
    const ada = await signIn(one.url, account);
    const elsewhere = await signIn(two.url, account);
    const answers = await Promise.all(
      Array.from({ length: 150 }, (_, index) => (index % 2 === 0 ? ada : elsewhere).get('/api/auth/session')),
    );
    const statuses = answers.map(({ status }) => status);
    expect([countOf(statuses, 200), countOf(statuses, 429)]).toEqual([100, 50]);
    const left = answers.filter(({ status }) => status === 200).map(({ headers }) => remaining(headers));
    expect(left.sort((a, b) => b - a)).toEqual(Array.from({ length: 100 }, (_, index) => 99 - index));
    expect((await seedClient(two).then((eve) => eve.get('/api/tasks'))).status).toBe(200);
  });
});

describe('a node whose counters others share', () => {
  it('counts some while it waits to count others, whose counter another node has locked', async () => {
    const server = await start(100, { shared: true });
    const [ada, eve] = [await seedClient(server), await seedClient(server)];
    await ada.get('/api/tasks');
    const other = new pg.Client(server.connection);
    await other.connect();
    try {
      await other.query('begin');
      const { rowCount } = await other.query(
        'select from rate_limit where position($1 in key) > 0 for update',
        [ada.account.id],
      );
      expect(rowCount).toBe(1);
      const late = ada.get('/api/tasks');
      const waiting = () =>
        server.sql(
          "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
        );
      await until(async () => (await waiting()).length > 0);
      expect((await eve.get('/api/tasks')).status).toBe(200);
      await other.query('commit');
      expect((await late).status).toBe(200);
    } finally {
      await other.end();
    }
  });
});

describe('a node that has its database to itself', () => {
  it('counts as exactly, and leaves nothing of it in the database', async () => {
    const env = { RATE_LIMIT_COUNTERS: 'memory' };
    const server = await start(5, { shared: true, env });
    const ada = await seedClient(server);
    const answers = await Promise.all(Array.from({ length: 9 }, () => ada.get('/api/tasks')));
    const statuses = answers.map(({ status }) => status);
    expect([countOf(statuses, 200), countOf(statuses, 429)]).toEqual([5, 4]);
    expect(await server.sql('select key from rate_limit')).toEqual([]);
  });
});
