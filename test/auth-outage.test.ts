// When the database is away or passwords come faster than they can be checked: 503, and never a wrong answer.
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { seedAccount, signIn } from './support/accounts.ts';
import { type AnyBody, Client, PASSWORD } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { startProxy } from './support/proxy.ts';
import { createDatabase, startServer } from './support/server.ts';
import { query } from './support/sql.ts';

const COOKIE = 'better-auth.session_token';
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A node that reaches its database through a network that can fail. */
async function startBehindProxy(options: { shared?: boolean } = {}) {
  const { connection, drop } = await createDatabase();
  closing.push(drop);
  const proxy = await startProxy(connection);
  closing.push(() => proxy.close());
  const server = await startServer({ ...options, connection: proxy.connection });
  closing.push(() => server.close());
  const sql = <Row extends object>(text: string, values?: unknown[]) =>
    query(connection, text, values) as unknown as Promise<Row[]>;
  return { server, proxy, sql, connection, account: await seedAccount({ sql }) };
}

function expectItsShape(answer: { status: number; headers: Headers; body: AnyBody }) {
  expect([answer.status, answer.body]).toEqual([
    503,
    { code: 'DATABASE_ERROR', message: expect.any(String) },
  ]);
  expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(answer.headers.getSetCookie()).toEqual([]);
}

describe('with the database away', () => {
  it('our routes answer 503 to whoever shows a session or wants one, and nobody is signed out', async () => {
    const { server, proxy, account } = await startBehindProxy();
    const ada = await signIn(server.url, account);
    await proxy.refuse();
    const cookie = { cookie: `${COOKIE}=${ada.cookies.get(COOKIE)}` };
    const bearer = { authorization: `Bearer ${ada.accessToken}` };
    const requests: [string, string, unknown?][] = [
      ['GET', '/api/auth/session'],
      ['POST', '/api/auth/logout'],
      ['POST', '/api/auth/refresh'],
      ['GET', '/api/tasks'],
      ['POST', '/api/tasks', { title: 'x' }],
      ['GET', '/api/dashboard/stats'],
    ];
    for (const headers of [cookie, bearer])
      for (const [method, path, json] of requests) {
        const options = json === undefined ? { headers } : { headers, json };
        const answer = await new Client(server.url).request(method, path, {
          ...options,
          headers: headers as Record<string, string>,
        });
        expectProblem(answer, 'database_error');
        expect(answer.headers.getSetCookie()).toEqual([]);
      }
    const email = `${randomUUID()}@example.com`;
    for (const [path, json] of [
      ['/api/auth/login', account],
      ['/api/auth/login', { email, password: PASSWORD }],
      ['/api/auth/signup', { name: 'Ada', email, password: PASSWORD }],
      ['/api/auth/signup', { name: 'Ada', email: account.email, password: PASSWORD }],
    ] as const)
      expectProblem(await new Client(server.url).post(path, json), 'database_error');
    expect((await new Client(server.url).get('/api/auth/session')).body).toEqual({
      user: null,
      session: null,
    });

    await proxy.resume();
    await expect.poll(async () => (await ada.get('/api/auth/session')).status).toBe(200);
    expect((await ada.get('/api/auth/session')).body.user.id).toBe(account.id);
    const made = await new Client(server.url).post('/api/auth/signup', {
      name: 'Ada',
      email,
      password: PASSWORD,
    });
    expect(made.status).toBe(201);
  });

  it('Better Auth’s endpoints answer 503 as well, in its shape', async () => {
    const { server, proxy, account } = await startBehindProxy();
    const ada = await signIn(server.url, account);
    await ada.get('/api/auth/get-session');
    await proxy.refuse();
    const cookie = { cookie: `${COOKIE}=${ada.cookies.get(COOKIE)}` };
    const email = `${randomUUID()}@example.com`;
    for (const [method, path, json] of [
      ['GET', '/api/auth/get-session'],
      ['GET', '/api/auth/list-sessions'],
      ['POST', '/api/auth/sign-out', {}],
      ['POST', '/api/auth/update-user', { name: 'Eve' }],
      ['POST', '/api/auth/revoke-other-sessions', {}],
      [
        'POST',
        '/api/auth/change-password',
        { currentPassword: PASSWORD, newPassword: 'a quiet river at dawn' },
      ],
    ] as const) {
      const options = json === undefined ? { headers: cookie } : { headers: cookie, json };
      expectItsShape(await new Client(server.url).request(method, path, options));
    }
    for (const [path, json] of [
      ['/api/auth/sign-in/email', account],
      ['/api/auth/sign-in/email', { email, password: PASSWORD }],
      ['/api/auth/sign-up/email', { name: 'Ada', email, password: PASSWORD }],
    ] as const)
      expectItsShape(await new Client(server.url).post(path, json));
    expect(server.logs.filter((line) => line.includes('a defect'))).toEqual([]);

    await proxy.resume();
    await expect.poll(async () => (await ada.get('/api/auth/get-session')).body?.user.id).toBe(account.id);
    expect((await new Client(server.url).post('/api/auth/sign-in/email', account)).status).toBe(200);
  });

  it('before Better Auth was ever called the answer is the same, and it works once the database is back', async () => {
    const { server, proxy, account } = await startBehindProxy();
    await proxy.refuse();
    expectItsShape(await new Client(server.url).post('/api/auth/sign-in/email', account));
    expectProblem(await new Client(server.url).post('/api/auth/login', account), 'database_error');
    await proxy.resume();
    await expect
      .poll(async () => (await new Client(server.url).post('/api/auth/login', account)).status)
      .toBe(200);
    expect((await new Client(server.url).post('/api/auth/sign-in/email', account)).status).toBe(200);
  });

  it('nobody’s sign-ins are used up', async () => {
    const { server, proxy, account } = await startBehindProxy();
    await proxy.refuse();
    for (let count = 0; count < 25; count++) {
      const path = count % 2 === 0 ? '/api/auth/login' : '/api/auth/sign-in/email';
      expect((await new Client(server.url).post(path, account)).status).toBe(503);
    }
    await proxy.resume();
    await expect
      .poll(async () => (await new Client(server.url).post('/api/auth/login', account)).status)
      .toBe(200);
  });

  it('a node that counts in the database lets nobody past the limits', async () => {
    const { server, proxy, account } = await startBehindProxy({ shared: true });
    const ada = await signIn(server.url, account);
    await proxy.refuse();
    expectProblem(await ada.get('/api/auth/session'), 'database_error');
    expectProblem(await new Client(server.url).post('/api/auth/login', account), 'database_error');
    expectItsShape(await new Client(server.url).post('/api/auth/sign-in/email', account));
    await proxy.resume();
    await expect.poll(async () => (await ada.get('/api/auth/session')).status).toBe(200);
    expect((await new Client(server.url).post('/api/auth/login', account)).status).toBe(200);
  });

  it.each([
    ['before its commit has not happened', 'account', 503, 0],
    ['after its commit has happened, and says so', 'sign_in_address', 201, 1],
  ])('a sign-up that is cut off %s', async (_what, table, status, made) => {
    const { server, proxy, sql, connection } = await startBehindProxy();
    const account = { name: 'Ada', email: `${randomUUID()}@example.com`, password: PASSWORD };
    const holder = new pg.Client(connection);
    await holder.connect();
    await holder.query(`begin; lock table ${table} in exclusive mode`);
    const answer = new Client(server.url).post('/api/auth/signup', account);
    const held = () =>
      sql(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ~* '^\\s*insert'`,
      );
    await expect.poll(async () => (await held()).length, { timeout: 20_000 }).toBe(1);
    proxy.cut();
    expect((await answer).status).toBe(status);
    await holder.query('rollback');
    await holder.end();
    await expect.poll(async () => (await held()).length).toBe(0);
    const rows = await sql(
      'select from "user" u join account a on a.user_id = u.id and a.password_hash is not null where email = $1',
      [account.email],
    );
    expect(rows).toHaveLength(made);
    expect(await sql('select from "user" where email = $1', [account.email])).toHaveLength(made);
    const again = await new Client(server.url).post('/api/auth/signup', account);
    expect(again.status).toBe(made === 1 ? 409 : 201);
  });
});

describe('with more passwords than can be checked', () => {
  it('sign-ups that wait for their hash keep nobody else from the database', async () => {
    const server = await startServer();
    closing.push(() => server.close());
    const ada = await signIn(server.url, await seedAccount(server));
    let answered = 0;
    const signUps = Array.from({ length: 8 }, async () => {
      const person = { name: 'Ada', email: `${randomUUID()}@example.com`, password: PASSWORD };
      const { status } = await new Client(server.url).post('/api/auth/signup', person);
      answered += 1;
      return status;
    });
    await expect.poll(() => answered, { interval: 5, timeout: 20_000 }).toBeGreaterThan(0);
    expect((await ada.get('/api/auth/get-session')).status).toBe(200);
    expect(answered).toBeLessThan(4);
    expect(await Promise.all(signUps)).toEqual(Array(8).fill(201));
  });

  it('those that would wait too long are told so at once, and everything else goes on', async () => {
    const server = await startServer({ env: { TRUST_PROXY: '127.0.0.1' } });
    closing.push(() => server.close());
    // Hashes of about a second keep all hands busy, while cheap ones pile up behind them.
    const slow = await seedAccount(server, { cost: 14 });
    const cheap = [await seedAccount(server), await seedAccount(server), await seedAccount(server)];
    const ada = await signIn(server.url, await seedAccount(server));
    let answered = 0;
    const paths = ['/api/auth/login', '/api/auth/sign-in/email', '/api/auth/login'];
    const attempts = Array.from({ length: 110 + availableParallelism() }, (_, index) =>
      new Client(server.url)
        .post(paths[index % 3] ?? '', index < availableParallelism() ? slow : cheap[index % 3], {
          headers: { 'x-forwarded-for': `10.7.0.${index + 1}` },
        })
        .finally(() => {
          answered += 1;
        }),
    );
    await expect.poll(() => answered, { interval: 5, timeout: 20_000 }).toBeGreaterThan(0);
    expect((await ada.get('/api/tasks')).status).toBe(200);
    expect(answered).toBeLessThan(attempts.length);
    const answers = await Promise.all(attempts);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(100);
    for (const answer of refused) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      expect(answer.headers.getSetCookie()).toEqual([]);
      if (answer.body.request_id === undefined)
        expect(answer.body).toEqual({ code: 'OVERLOADED', message: expect.any(String) });
      else expectProblem(answer, 'overloaded');
    }
    expect((await new Client(server.url).post('/api/auth/login', cheap[0])).status).toBe(200);
  });
});
