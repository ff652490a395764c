// Changing the password, through both doors: all other sessions end, guesses are limited, and races have one winner.
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Account, seedAccount, seedClient, signIn } from './support/accounts.ts';
import { type AnyBody, Client, PASSWORD } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { seedProtected } from './support/two-factor.ts';

const NEXT = 'a quiet river at dawn';
const DOORS = ['ours', 'better auth'] as const;
type Door = (typeof DOORS)[number];

let server: TestServer;
let account: Account;

beforeAll(async () => {
  server = await startServer({ env: { TRUST_PROXY: '127.0.0.1' } });
});
beforeEach(async () => {
  account = await seedAccount(server);
});
afterAll(() => server.close());

const enter = () => signIn(server.url, account);
const login = (password: string, headers: Record<string, string> = {}) =>
  new Client(server.url).post('/api/auth/login', { email: account.email, password }, { headers });

function change(
  client: Client,
  door: Door,
  given: { current?: unknown; next?: unknown; more?: object },
  headers: Record<string, string> = {},
) {
  const { current = PASSWORD, next = NEXT, more = {} } = given;
  return door === 'ours'
    ? client.post(
        '/api/account/password',
        { current_password: current, new_password: next, ...more },
        { headers },
      )
    : client.post(
        '/api/auth/change-password',
        { currentPassword: current, newPassword: next, ...more },
        { headers },
      );
}

/** That the current password was told to be wrong, in the words of the door. */
function expectWrong(door: Door, answer: Awaited<ReturnType<typeof change>>): void {
  if (door === 'ours')
    expect(expectProblem(answer, 'validation_error').errors).toEqual([
      { path: 'current_password', message: expect.any(String) },
    ]);
  else expect([answer.status, answer.body.code]).toEqual([400, 'INVALID_PASSWORD']);
}

const eventsOf = (kind: string) =>
  server.sql<AnyBody>(
    'select session_id, address, details from security_event where user_id = $1 and kind = $2 order by id',
    [account.id, kind],
  );
const hashOf = async () =>
  (await server.sql<AnyBody>('select password_hash from account where user_id = $1', [account.id]))[0]
    .password_hash;

const VARIANTS: [what: string, door: Door, more: object][] = [
  ['ours', 'ours', {}],
  ['Better Auth’s', 'better auth', {}],
  ['Better Auth’s when it asks to keep the others', 'better auth', { revokeOtherSessions: false }],
  ['Better Auth’s when it asks to end them', 'better auth', { revokeOtherSessions: true }],
];

describe.each(VARIANTS)('a change through %s', (_what, door, more) => {
  it('makes the new password valid and the old one wrong, ends all others and keeps this session', async () => {
    const [one, two, three] = [await enter(), await enter(), await enter()];
    const answer = await change(one, door, { more });
    expect(answer.status).toBe(200);
    if (door === 'ours') expect(answer.body).toEqual({ ended: 2 });
    else
      expect(answer.body).toMatchObject({
        token: 'revokeOtherSessions' in more && more.revokeOtherSessions ? expect.any(String) : null,
        user: { id: account.id, email: account.email, emailVerified: false },
      });
    const bearer = new Client(server.url);
    for (const [client, status] of [
      [one, 200],
      [two, 401],
      [three, 401],
    ] as const) {
      expect((await client.get('/api/account')).status).toBe(status);
      const headers = { authorization: `Bearer ${client.accessToken}` };
      expect((await bearer.get('/api/account', { headers })).status).toBe(status);
    }
    expect((await login(PASSWORD)).status).toBe(401);
    expect((await login(NEXT)).status).toBe(200);
    expect(await eventsOf('password_changed')).toEqual([
      { session_id: one.session.id, address: '127.0.0.1', details: { ended_sessions: 2 } },
    ]);
    expect(await eventsOf('sessions_revoked')).toEqual([]);
  });
});

describe.each(DOORS)('through the door that is %s', (door) => {
  it('a wrong current password changes nothing and is told to the trail', async () => {
    const [one, two] = [await enter(), await enter()];
    const hash = await hashOf();
    for (const current of ['wrong password', '', 'x'.repeat(73), `${PASSWORD} `])
      expectWrong(door, await change(one, door, { current }));
    expect(await hashOf()).toBe(hash);
    expect((await two.get('/api/account')).status).toBe(200);
    const told = await eventsOf('password_check_failed');
    expect(told).toEqual(Array(4).fill({ session_id: one.session.id, address: '127.0.0.1', details: {} }));
    expect(await eventsOf('password_changed')).toEqual([]);
  });

  it('a new password obeys the rules of sign-up, and is asked about first', async () => {
    const client = await enter();
    const hash = await hashOf();
    for (const next of ['short', 'password123', 'é'.repeat(37), 'x'.repeat(73)]) {
      for (const current of [PASSWORD, 'wrong password']) {
        const answer = await change(client, door, { current, next });
        if (door === 'ours')
          expect(expectProblem(answer, 'validation_error').errors?.map(({ path }) => path)).toEqual([
            'new_password',
          ]);
        else expect([answer.status, answer.body.code]).toEqual([400, expect.stringMatching(/^PASSWORD_/)]);
      }
    }
    expect(await hashOf()).toBe(hash);
    expect(await eventsOf('password_check_failed')).toEqual([]);
  });

  it('what is not two texts is refused', async () => {
    const client = await enter();
    const hash = await hashOf();
    for (const given of [{ current: 7 }, { next: null }, { next: ['a long enough one'] }, { current: {} }])
      expect((await change(client, door, given)).status).toBe(door === 'ours' ? 422 : 400);
    expect(await hashOf()).toBe(hash);
  });

  it('nobody changes it without a session, from a foreign page, or with a session that has ended', async () => {
    const client = await enter();
    const hash = await hashOf();
    expect((await change(new Client(server.url), door, {})).status).toBe(401);
    expect((await change(client, door, {}, { origin: 'https://evil.example' })).status).toBe(403);
    await server.sql('delete from session where id = $1', [client.session.id]);
    expect((await change(client, door, {})).status).toBe(401);
    expect(await hashOf()).toBe(hash);
  });

  it('an account without a password has none that is right', async () => {
    const client = await enter();
    await server.sql('update account set password_hash = null where user_id = $1', [account.id]);
    expectWrong(door, await change(client, door, {}));
    expect(await hashOf()).toBeNull();
  });
});

describe('guesses of the current password', () => {
  it('are twenty for an account, through both doors and from wherever; its owner can still sign in', async () => {
    const [thief, owner] = [await enter(), await enter()];
    const guess = (index: number) =>
      change(
        thief,
        DOORS[index % 2] ?? 'ours',
        { current: `guess number ${index}` },
        { 'x-forwarded-for': `10.4.0.${index + 1}` },
      );
    const answers = await Promise.all(Array.from({ length: 36 }, (_, index) => guess(index)));
    const limited = answers.filter(({ status }) => status === 429);
    expect(limited).toHaveLength(16);
    for (const { headers } of limited) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expectProblem(await change(owner, 'ours', {}), 'rate_limited');
    const official = await change(owner, 'better auth', {});
    expect([official.status, official.body.code]).toEqual([429, 'RATE_LIMITED']);
    expect(await eventsOf('password_check_failed')).toHaveLength(20);

    expect((await login(PASSWORD)).status).toBe(200);
    expect((await login(PASSWORD, { 'x-forwarded-for': '10.4.0.1' })).status).toBe(200);
    expect((await login(PASSWORD, { 'x-forwarded-for': '10.4.9.9' })).status).toBe(200);
    const other = await seedClient(server);
    expect((await change(other, 'ours', { current: 'wrong password' })).status).toBe(422);
    expect((await change(other, 'ours', {})).status).toBe(200);
  });

  it('are counted together, whatever they are given for', async () => {
    const client = await enter();
    const password = 'wrong password';
    const guesses = [
      () => change(client, 'ours', { current: password }),
      () => change(client, 'better auth', { current: password }),
      () => client.post('/api/account/two-factor', { password }),
      () => client.post('/api/auth/two-factor/enable', { password }),
    ];
    for (let count = 0; count < 20; count++)
      expect([400, 422]).toContain((await guesses[count % 4]?.())?.status);
    for (const guess of guesses) expect((await guess()).status).toBe(429);
    expect(await eventsOf('password_check_failed')).toHaveLength(20);
    expect((await login(PASSWORD)).status).toBe(200);
  });

  it('are not used up by right ones', async () => {
    const client = await enter();
    expect((await change(client, 'ours', { next: NEXT })).status).toBe(200);
    expect((await change(client, 'better auth', { current: NEXT, next: PASSWORD })).status).toBe(200);
    const answers = await Promise.all(
      Array.from({ length: 21 }, () => change(client, 'ours', { current: 'x'.repeat(73) })),
    );
    expect(answers.filter(({ status }) => status === 422)).toHaveLength(20);
  });
});

describe('at the same moment', () => {
  it('of many changes one is made, and its password is the one that is right', async () => {
    const clients = [await enter(), await enter(), await enter(), await enter()];
    const answers = await Promise.all(
      clients.map((client, index) =>
        change(client, DOORS[index % 2] ?? 'ours', { next: `new password ${index}` }),
      ),
    );
    const winners = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []));
    expect(winners).toHaveLength(1);
    for (let index = 0; index < clients.length; index++) {
      const won = winners.includes(index);
      expect((await clients[index]?.get('/api/account'))?.status).toBe(won ? 200 : 401);
      expect((await login(`new password ${index}`)).status).toBe(won ? 200 : 401);
    }
    expect((await login(PASSWORD)).status).toBe(401);
    expect(await eventsOf('password_changed')).toHaveLength(1);
  });

  it('a session that is ended meanwhile changes nothing', async () => {
    const slow = await seedAccount(server, { cost: 10 });
    account = slow;
    for (let round = 0; round < 4; round++) {
      const [thief, owner] = [await enter(), await enter()];
      const [changed, ended] = await Promise.all([
        change(thief, DOORS[round % 2] ?? 'ours', {}),
        owner.delete('/api/account/sessions'),
      ]);
      // Whichever came first has ended the other.
      expect([ended.status, changed.status].sort()).toEqual([200, 401]);
      expect((await thief.get('/api/account')).status).toBe(changed.status);
      expect((await login(PASSWORD)).status).toBe(changed.status === 401 ? 200 : 401);
    }
  });

  /** What an entry gets that has been let in by the old password, while a change of it is under way. */
  async function enterDuringChange(enter: () => Promise<{ status: number; headers: Headers }>) {
    const changing = new pg.Client(server.connection);
    await changing.connect();
    try {
      await changing.query('begin');
      // As the service does it: first the password, then the sessions.
      await changing.query(`update account set password_hash = 'changed' where user_id = $1`, [account.id]);
      await changing.query('delete from session where user_id = $1', [account.id]);
      const entering = enter();
      await until(async () => {
        const waiting = await server.sql<AnyBody>(
          `select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()`,
        );
        return waiting.length > 0;
      }, 'the sign-in to wait for the change');
      await changing.query('commit');
      return await entering;
    } finally {
      await changing.end();
    }
  }

  it.each(['/api/auth/login', '/api/auth/sign-in/email'])(
    'a sign-in by %s that has compared the old password gets no session',
    async (path) => {
      const { status, headers } = await enterDuringChange(() =>
        new Client(server.url).post(path, { email: account.email, password: PASSWORD }),
      );
      expect([status, headers.getSetCookie()]).toEqual([401, []]);
      expect(await server.sql('select from session where user_id = $1', [account.id])).toEqual([]);
      expect(await eventsOf('signed_in')).toEqual([]);
    },
  );

  it.each(['/api/auth/two-factor', '/api/auth/two-factor/verify-totp'])(
    'a second step by %s that the old password had opened gets no session',
    async (path) => {
      const { account: owner } = await seedProtected(server);
      account = owner;
      const client = new Client(server.url);
      const begun = await client.post('/api/auth/login', { email: owner.email, password: PASSWORD });
      expect(begun.body.code).toBe('two_factor_required');
      const { status } = await enterDuringChange(() =>
        client.post(path, { code: owner.authenticator.code() }),
      );
      expect(status).toBe(401);
      expect(await server.sql('select from session where user_id = $1', [owner.id])).toEqual([]);
    },
  );
});
