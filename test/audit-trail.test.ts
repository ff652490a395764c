// The audit trail: what happened to an account, by whichever door, told to its owner and to the log, bounded, without secrets.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, seedAccount, seedClient, signIn } from './support/accounts.ts';
import { type AnyBody, Client, PASSWORD } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const WHO = { 'user-agent': FIREFOX, 'x-forwarded-for': '203.0.113.7' };

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ env: { TRUST_PROXY: '127.0.0.1' } });
});
afterAll(() => server.close());

async function eventsOf(client: Client): Promise<AnyBody[]> {
  const { status, body } = await client.get('/api/account/events');
  expect(status).toBe(200);
  return body.events;
}

/** What was kept of one account, oldest first, once there is as much. */
function kept(userId: string, count: number, { sql } = server): Promise<AnyBody[]> {
  return until(async () => {
    const rows = await sql<AnyBody>(
      'select kind, address, user_agent, session_id, details from security_event where user_id = $1 order by id',
      [userId],
    );
    return rows.length >= count ? rows : undefined;
  }, 'the events');
}

function linesOf(userId: string, { logs } = server): AnyBody[] {
  return logs
    .map((line) => JSON.parse(line))
    .filter((line) => line.event !== undefined && line.user === userId);
}

const DOORS = [
  {
    door: 'ours',
    up: '/api/auth/signup',
    in: '/api/auth/login',
    out: (client: Client) => client.post('/api/auth/logout', undefined, { headers: WHO }),
    revoke: (client: Client, id: string) => client.delete(`/api/account/sessions/${id}`, { headers: WHO }),
    revokeOthers: (client: Client) => client.delete('/api/account/sessions', { headers: WHO }),
    rename: (client: Client, name: string) => client.patch('/api/account', { name }, { headers: WHO }),
  },
  {
    door: 'Better Auth’s',
    up: '/api/auth/sign-up/email',
    in: '/api/auth/sign-in/email',
    out: (client: Client) => client.post('/api/auth/sign-out', {}, { headers: WHO }),
    revoke: async (client: Client, id: string) => {
      const { body } = await client.get('/api/auth/list-sessions');
      const { token } = body.find((session: AnyBody) => session.id === id);
      return client.post('/api/auth/revoke-session', { token }, { headers: WHO });
    },
    revokeOthers: (client: Client) => client.post('/api/auth/revoke-other-sessions', {}, { headers: WHO }),
    rename: (client: Client, name: string) =>
      client.post('/api/auth/update-user', { name }, { headers: WHO }),
  },
];

describe.each(DOORS)('through $door', ({ up, in: entry, out, revoke, revokeOthers, rename }) => {
  it('an account’s life is told, event by event, and so is the log', async () => {
    const email = `${randomUUID()}@example.com`;
    const client = new Client(server.url);
    const password = 'a quiet river at dawn';
    expect((await client.post(up, { name: 'Ada', email, password }, { headers: WHO })).status).toBeLessThan(
      300,
    );
    const { user, session } = (await client.get('/api/auth/session')).body;
    const enter = async () => {
      const other = new Client(server.url);
      expect((await other.post(entry, { email, password }, { headers: WHO })).status).toBe(200);
      return { other, id: (await other.get('/api/auth/session')).body.session.id as string };
    };
    const second = await enter();
    const wrong = { email: email.toUpperCase(), password: 'wrong password' };
    expect((await new Client(server.url).post(entry, wrong, { headers: WHO })).status).toBe(401);
    await kept(user.id, 3);
    await rename(client, 'Countess');
    await rename(client, 'Countess');
    await revoke(client, second.id);
    await enter();
    await enter();
    await revokeOthers(client);
    await revokeOthers(client);
    await out(client);

    const mine = { address: '203.0.113.7', user_agent: FIREFOX, session_id: session.id };
    const told = await kept(user.id, 9);
    const method = { method: 'password' };
    expect(told).toEqual([
      { ...mine, kind: 'signed_up', details: method },
      { ...mine, kind: 'signed_in', session_id: second.id, details: method },
      { ...mine, kind: 'sign_in_failed', session_id: null, details: {} },
      { ...mine, kind: 'profile_changed', details: { fields: ['name'] } },
      { ...mine, kind: 'session_revoked', details: { ended_session: second.id } },
      { ...mine, kind: 'signed_in', session_id: expect.any(String), details: method },
      { ...mine, kind: 'signed_in', session_id: expect.any(String), details: method },
      { ...mine, kind: 'sessions_revoked', details: { ended_sessions: 2 } },
      { ...mine, kind: 'signed_out', details: {} },
    ]);
    const lines = linesOf(user.id);
    expect(
      lines.map(({ event, session, address, details }) => ({ event, session, address, details })),
    ).toEqual(
      told.map(({ kind, session_id, address, details }) => {
        const { ended_session, ...others } = details;
        return {
          event: kind,
          ...(session_id === null ? {} : { session: session_id.slice(0, 8) }),
          address,
          details: ended_session === undefined ? details : { ...others, ended: ended_session.slice(0, 8) },
        };
      }),
    );
    const log = server.logs.join('');
    for (const secret of [
      email,
      email.toUpperCase(),
      password,
      'wrong password',
      'Countess',
      session.id,
      second.id,
    ])
      expect([secret, log.includes(secret)]).toEqual([secret, false]);
  });

  it('a wrong sign-in to no account leaves nothing anywhere', async () => {
    const total = async () =>
      (await server.sql<AnyBody>('select count(*)::integer as total from security_event'))[0].total;
    const ada = await seedAccount(server);
    const [before, lines] = [await total(), server.logs.length];
    const attempt = (email: string) =>
      new Client(server.url).post(entry, { email, password: 'wrong password' }, { headers: WHO });
    const unknown = await attempt('nobody@example.com');
    const known = await attempt(ada.email);
    expect(unknown.status).toBe(401);
    expect({ ...known.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' });
    await kept(ada.id, 1);
    expect(await total()).toBe(before + 1);
    const told = server.logs.slice(lines).filter((line) => line.includes('security event'));
    expect(told).toHaveLength(1);
  });
});

describe('GET /api/account/events', () => {
  it('tells each event as a person can read it', async () => {
    const account = await seedAccount(server);
    const client = await signIn(server.url, account, WHO);
    expect(await eventsOf(client)).toEqual([
      {
        id: expect.any(Number),
        kind: 'signed_in',
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        device: 'Firefox on Linux',
        user_agent: FIREFOX,
        ip_address: '203.0.113.7',
        session_id: client.session.id,
        details: { method: 'password' },
      },
    ]);
    await server.sql(`insert into security_event (user_id, kind) values ($1, 'password_changed')`, [
      account.id,
    ]);
    expect((await eventsOf(client))[0]).toMatchObject({
      kind: 'password_changed',
      device: null,
      user_agent: null,
      ip_address: null,
      session_id: null,
      details: {},
    });
  });

  it('comes in pages, newest first, each event once while new ones come', async () => {
    const client = await seedClient(server);
    await server.sql(
      `insert into security_event (user_id, kind, details) select $1, 'signed_out', jsonb_build_object('n', n)
       from generate_series(1, 150) n`,
      [client.account.id],
    );
    const seen: AnyBody[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await client.get(`/api/account/events?limit=40${cursor}`);
      seen.push(...body.events);
      await server.sql(`insert into security_event (user_id, kind) values ($1, 'signed_out')`, [
        client.account.id,
      ]);
      if (body.next_cursor === null) break;
      expect(body.events).toHaveLength(40);
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(seen.map(({ details }) => details.n)).toEqual([
      ...Array.from({ length: 150 }, (_, index) => 150 - index),
      undefined,
    ]);
    expect(seen.at(-1).kind).toBe('signed_in');
    const { body } = await client.get('/api/account/events');
    expect([body.events.length, body.next_cursor]).toEqual([100, expect.any(String)]);
  });

  it('ends with null on a last page that is full', async () => {
    const client = await seedClient(server);
    const { body } = await client.get('/api/account/events?limit=1');
    expect([body.events.length, body.next_cursor]).toEqual([1, null]);
  });

  it('refuses limits out of bounds and cursors that are not its own for this user', async () => {
    const [client, eve] = [await seedClient(server), await seedClient(server)];
    await server.sql(
      `insert into security_event (user_id, kind) select $1, 'signed_out' from generate_series(1, 3)`,
      [client.account.id],
    );
    const { next_cursor } = (await client.get('/api/account/events?limit=2')).body;
    const tasks =
      (await client.post('/api/tasks', { title: 'a' })).body &&
      (await client.post('/api/tasks', { title: 'b' }));
    expect(tasks.status).toBe(201);
    const foreign = (await client.get('/api/tasks?limit=1')).body.next_cursor;
    for (const [who, query] of [
      [eve, `cursor=${next_cursor}`],
      [client, `cursor=${foreign}`],
      [client, `cursor=${next_cursor}x`],
      [client, 'cursor=nonsense'],
      [client, 'cursor='],
      [client, 'limit=0'],
      [client, 'limit=101'],
      [client, 'limit=x'],
    ] as const)
      expect([
        query,
        expectProblem(await who.get(`/api/account/events?${query}`), 'validation_error').status,
      ]).toEqual([query, 422]);
  });

  it('tells nobody of anybody else', async () => {
    const [ada, eve] = [await seedClient(server), await seedClient(server)];
    await ada.patch('/api/account', { name: 'Countess' });
    expect((await eventsOf(eve)).map(({ session_id }) => session_id)).toEqual([eve.session.id]);
    expectProblem(await new Client(server.url).get('/api/account/events'), 'unauthenticated');
  });
});

describe('the trail', () => {
  it('keeps the newest two hundred of each kind: who fails often pushes out nothing else', async () => {
    const account = await seedAccount(server);
    const client = await signIn(server.url, account, WHO);
    await server.sql(
      `insert into security_event (user_id, kind, address) select $1, 'sign_in_failed', '10.0.0.' || n
       from generate_series(1, 200) n`,
      [account.id],
    );
    const wrong = { email: account.email, password: 'wrong password' };
    const failures = () =>
      server.sql<AnyBody>(
        `select address from security_event where user_id = $1 and kind = 'sign_in_failed' order by id`,
        [account.id],
      );
    const own = async () => (await failures()).filter(({ address }) => address === '203.0.113.7').length;
    for (let count = 1; count <= 3; count++) {
      const { status } = await new Client(server.url).post('/api/auth/login', wrong, { headers: WHO });
      expect(status).toBe(401);
      await until(async () => (await own()) === count || undefined, 'the failure');
    }
    const rows = await failures();
    expect(rows).toHaveLength(200);
    expect(rows[0]).toEqual({ address: '10.0.0.4' });
    expect(await kept(account.id, 201)).toHaveLength(201);
    expect((await eventsOf(client)).every(({ kind }) => kind === 'sign_in_failed')).toBe(true);
  });

  it('keeps no refused sign-in waiting: known and unknown e-mails are answered while nothing can be kept', async () => {
    const account = await seedAccount(server);
    const holder = new pg.Client(server.connection);
    await holder.connect();
    try {
      await holder.query('begin; lock table security_event in access exclusive mode');
      for (const path of ['/api/auth/login', '/api/auth/sign-in/email'])
        for (const email of [account.email, 'nobody@example.com']) {
          const wrong = { email, password: 'wrong password' };
          const { status } = await new Client(server.url).post(path, wrong, { headers: WHO });
          expect([path, status]).toEqual([path, 401]);
        }
      await holder.query('rollback');
    } finally {
      await holder.end();
    }
    expect(await kept(account.id, 2)).toHaveLength(2);
  });

  it('goes with the account', async () => {
    const { account } = await seedClient(server);
    await server.sql('delete from "user" where id = $1', [account.id]);
    expect(await server.sql('select from security_event where user_id = $1', [account.id])).toEqual([]);
  });

  it('takes a device’s name of any length', async () => {
    const account = await seedAccount(server);
    const headers = { ...WHO, 'user-agent': 'x'.repeat(6_000) };
    for (const path of ['/api/auth/login', '/api/auth/sign-in/email'])
      for (const password of [PASSWORD, 'wrong password'])
        await new Client(server.url).post(path, { email: account.email, password }, { headers });
    const told = await kept(account.id, 4);
    expect(told.map(({ user_agent }) => user_agent)).toEqual(Array(4).fill('x'.repeat(512)));
  });
});

describe('when an event cannot be kept', () => {
  let broken: TestServer;
  let account: Account;

  beforeAll(async () => {
    broken = await startServer();
    account = await seedAccount(broken);
  });
  afterAll(() => broken.close());

  it('neither is the change that it tells of, in a transaction of ours', async () => {
    const client = await signIn(broken.url, account);
    const other = await signIn(broken.url, account);
    await broken.sql(`alter table security_event add constraint broken check (kind = 'signed_in') not valid`);
    const before = (await client.get('/api/account')).body;
    const hash = () => broken.sql('select password_hash from account where user_id = $1', [account.id]);
    const password = await hash();
    expectProblem(await client.patch('/api/account', { name: 'Countess' }), 'internal_error');
    expectProblem(await client.delete('/api/account/sessions'), 'internal_error');
    expectProblem(await client.delete(`/api/account/sessions/${other.session.id}`), 'internal_error');
    const change = { current_password: PASSWORD, new_password: 'a quiet river at dawn' };
    expectProblem(await client.post('/api/account/password', change), 'internal_error');
    expect((await client.get('/api/account')).body).toEqual(before);
    expect((await other.get('/api/account')).status).toBe(200);
    expect(await hash()).toEqual(password);
    expect(linesOf(account.id, broken).map(({ event }) => event)).toEqual(['signed_in', 'signed_in']);
  });

  it('a sign-in that is done stays done, and the log has the event all the same', async () => {
    await broken.sql('alter table security_event drop constraint broken');
    await broken.sql(
      `alter table security_event add constraint broken check (kind <> 'signed_in') not valid`,
    );
    const before = linesOf(account.id, broken).length;
    const client = await signIn(broken.url, account);
    expect((await client.get('/api/account')).status).toBe(200);
    expect(linesOf(account.id, broken).slice(before)).toMatchObject([
      { event: 'signed_in', session: client.session.id.slice(0, 8) },
    ]);
    expect(broken.logs.some((line) => line.includes('a security event could not be kept'))).toBe(true);
  });
});
