// An account that is deleted while it is in use, on two nodes: nobody gets a 500, and nothing is left or comes back.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, seedAccount, signIn } from './support/accounts.ts';
import { type Answer, type AnyBody, Client, PASSWORD } from './support/client.ts';
import { DOORS, deleteAccount } from './support/deletion.ts';
import { newEmail } from './support/mailed.ts';
import { exportOf, importFile, NDJSON } from './support/portability.ts';
import { until } from './support/process.ts';
import { startTwoNodes, type TestServer, type TwoNodes } from './support/server.ts';
import { tracesOf } from './support/traces.ts';

let nodes: TwoNodes;
let here: TestServer;
let there: TestServer;

beforeAll(async () => {
  nodes = await startTwoNodes();
  ({ here, there } = nodes);
});
afterAll(() => nodes.close());

type SignedIn = Awaited<ReturnType<typeof signIn>>;

async function enter(cost = 4) {
  const account = await seedAccount(here, { cost });
  const clients: [SignedIn, SignedIn] = [await signIn(here.url, account), await signIn(there.url, account)];
  return { account, clients };
}

/** What of the account is left. A request under way is still counted: its counter runs out by itself. */
async function leftOf({ id, email }: Account): Promise<Record<string, string[]>> {
  const { rate_limit: _counters, ...left } = await tracesOf(here, [id, email]);
  return left;
}

/** Until somebody waits for a lock. */
async function waits(who: string): Promise<void> {
  await until(async () => {
    const waiting = await here.sql(
      `select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()`,
    );
    return waiting.length > 0;
  }, `${who} to wait`);
}

/** Every kind of write that there is. */
function writes(client: SignedIn, { email }: Account, round: number) {
  const credentials = { email, password: PASSWORD };
  const path = client.url;
  return [
    () => client.post('/api/tasks', { title: 'at once' }),
    () => client.post('/api/tasks', { title: 'with a key' }, { headers: { 'idempotency-key': `k${round}` } }),
    () => importFile(client, exportOf([{}, {}, {}]), { type: NDJSON }),
    () => client.get('/api/account/export'),
    () => client.post('/api/account/tokens', { name: 'Test', scopes: ['tasks:read'] }),
    () => client.patch('/api/account', { name: `Ada ${round}` }),
    () => client.post('/api/account/two-factor', { password: PASSWORD }),
    () => client.post('/api/account/email', { new_email: `new${email}`, current_password: PASSWORD }),
    () => client.post('/api/auth/change-email', { newEmail: `newer${email}` }),
    () => client.get('/api/auth/passkey/generate-register-options'),
    () => client.post('/api/auth/update-user', { name: `Ada ${round}` }),
    () => client.post('/api/auth/refresh'),
    () => client.delete('/api/account/sessions'),
    () => new Client(path).post('/api/auth/login', credentials),
    () => new Client(path).post('/api/auth/sign-in/email', credentials),
    () => new Client(path).post('/api/auth/login', { ...credentials, password: 'wrong password' }),
    () => new Client(path).post('/api/auth/forgot-password', { email }),
  ];
}

describe('at the same moment', () => {
  it('of many deletions one is made', async () => {
    const { account, clients } = await enter();
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) => {
        const client = clients[index % 2] as SignedIn;
        return deleteAccount(client, DOORS[index % 4 < 2 ? 0 : 1], { password: PASSWORD });
      }),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    // To those that come a moment later there is no such password any more.
    for (const status of statuses) expect([200, 400, 401, 422]).toContain(status);
    expect(await leftOf(account)).toEqual({});
    // Nor do the checks that were under way take back what is no longer counted.
    expect(await here.sql('select key from rate_limit where points < 0')).toEqual([]);
  });

  it.each([0, 1, 2, 3])(
    'writes of all kinds are made or refused, and nothing of them stays (%i)',
    async (round) => {
      const { account, clients } = await enter();
      const [one, two] = clients;
      const all = [...writes(one, account, round), ...writes(two, account, round)];
      // Another part of them comes before the deletion in each round.
      const before = all.filter((_, index) => index % 4 <= round).map((write) => write());
      const deleting = deleteAccount(one, DOORS[round % 2] ?? 'ours', { password: PASSWORD });
      const after = all.filter((_, index) => index % 4 > round).map((write) => write());
      const answers = await Promise.all([...before, ...after]);
      for (const { status, text } of answers)
        expect([status, text.slice(0, 300)]).toEqual([
          expect.toSatisfy((code) => code < 500),
          expect.anything(),
        ]);
      const { status } = await deleting;
      // Ended by the other session's wish, it is tried again.
      expect([200, 401]).toContain(status);
      if (status === 401) {
        const again = await signIn(here.url, account);
        expect((await deleteAccount(again, 'ours', { password: PASSWORD })).status).toBe(200);
      }
      expect(await leftOf(account)).toEqual({});
    },
  );

  type Late = [what: string, run: (client: SignedIn, account: Account) => Promise<Answer<AnyBody>>];
  const LATE: Late[] = [
    ['makes a task', (client) => client.post('/api/tasks', { title: 'too late' })],
    [
      'makes a task with a key',
      (client) =>
        client.post('/api/tasks', { title: 'too late' }, { headers: { 'idempotency-key': 'late' } }),
    ],
    ['imports', (client) => importFile(client, exportOf([{}]), { type: NDJSON })],
    [
      'makes an API token',
      (client) => client.post('/api/account/tokens', { name: 'Test', scopes: ['tasks:read'] }),
    ],
    ['begins a second factor', (client) => client.post('/api/account/two-factor', { password: PASSWORD })],
    ['changes the profile', (client) => client.patch('/api/account', { name: 'too late' })],
    ['asks for another e-mail', (client) => client.post('/api/auth/change-email', { newEmail: newEmail() })],
    ['deletes it, too', (client) => deleteAccount(client, 'ours', { password: PASSWORD })],
    [
      'signs in',
      ({ url }, { email }) => new Client(url).post('/api/auth/login', { email, password: PASSWORD }),
    ],
    [
      'signs in through Better Auth',
      ({ url }, { email }) => new Client(url).post('/api/auth/sign-in/email', { email, password: PASSWORD }),
    ],
  ];

  it.each(LATE)(
    'whoever comes in before the commit and %s after it is told to sign in',
    async (_what, run) => {
      const { account, clients } = await enter();
      const [client] = clients;
      const deleting = new pg.Client(here.connection);
      await deleting.connect();
      try {
        await deleting.query('begin');
        await deleting.query('delete from "user" where id = $1', [account.id]);
        const asked = run(client, account);
        await waits('the request');
        await deleting.query('commit');
        const { status, headers } = await asked;
        expect([status, headers.getSetCookie()]).toEqual([401, []]);
      } finally {
        await deleting.end();
      }
      expect(await leftOf(account)).toEqual({});
    },
  );

  it('a deletion whose session is ended meanwhile deletes nothing', async () => {
    for (const door of DOORS) {
      // Slow to compare, so that the other is there first more often than not.
      const { account, clients } = await enter(10);
      const [thief, owner] = clients;
      const [deleted, ended] = await Promise.all([
        deleteAccount(thief, door, { password: PASSWORD }),
        owner.delete('/api/account/sessions'),
      ]);
      expect([ended.status, deleted.status].sort()).toEqual([200, 401]);
      expect(await here.sql('select from "user" where id = $1', [account.id])).toHaveLength(
        deleted.status === 200 ? 0 : 1,
      );
    }
  });

  it('a deletion whose password is changed meanwhile deletes nothing', async () => {
    const { account, clients } = await enter();
    const [client] = clients;
    const changing = new pg.Client(here.connection);
    await changing.connect();
    try {
      await changing.query('begin');
      await changing.query(`update account set password_hash = 'changed' where user_id = $1`, [account.id]);
      const deleting = deleteAccount(client, 'ours', { password: PASSWORD });
      await waits('the deletion');
      await changing.query('commit');
      expect((await deleting).status).toBe(422);
    } finally {
      await changing.end();
    }
    expect(await here.sql('select from "user" where id = $1', [account.id])).toHaveLength(1);
  });
});
