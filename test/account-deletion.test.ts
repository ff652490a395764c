// Deleting an account, through both doors, on two nodes: it asks for what shows the owner, and nothing is left of it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, seedClient, signIn } from './support/accounts.ts';
import { makeToken, tokenClient } from './support/api-tokens.ts';
import { type Answer, type AnyBody, Client, PASSWORD, signUp } from './support/client.ts';
import { DOORS, type Door, deleteAccount, fullAccount, type Given } from './support/deletion.ts';
import { connected, openSocket, refusal } from './support/follower.ts';
import { seedSession, seedUsers } from './support/nodes.ts';
import { officialClient } from './support/official-client.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { startTwoNodes, type TestServer, type TwoNodes } from './support/server.ts';
import { tablesOf, tracesOf } from './support/traces.ts';
import { nextStep, seedProtected } from './support/two-factor.ts';

let nodes: TwoNodes;
let here: TestServer;
let there: TestServer;

beforeAll(async () => {
  nodes = await startTwoNodes();
  ({ here, there } = nodes);
});
afterAll(() => nodes.close());

async function watch(url: string, token: string) {
  const socket = Object.assign(openSocket(url, { token }), { reason: undefined as string | undefined });
  socket.on('disconnect', (reason) => {
    socket.reason = reason;
  });
  await connected(socket);
  return socket;
}

/** Tables that are the server's own. */
const OF_NOBODY = new Set(['schema_migration', 'origin']);

/** In the words of the door: which field, or which code. */
function expectRefused(door: Door, answer: Answer<AnyBody>, field: string, code: string): void {
  if (door === 'ours')
    expect(expectProblem(answer, 'validation_error').errors?.map(({ path }) => path)).toEqual([field]);
  else expect([answer.status, answer.body.code]).toEqual([400, code]);
}

/** When sessions and tokens were last used is written down once a minute, whatever else happens. */
const withoutUses = (traces: Record<string, string[]>) =>
  JSON.parse(JSON.stringify(traces).replaceAll(/\\"last_used_at\\":[^,}]+/g, ''));

const exists = async (id: string) => (await here.sql('select from "user" where id = $1', [id])).length === 1;
const eventsOf = (id: string, kind: string) =>
  here.sql('select from security_event where user_id = $1 and kind = $2', [id, kind]);

describe.each(DOORS)('through the door that is %s', (door) => {
  it('every table forgets the account, and holds all that is of others', async () => {
    const [gone, stays] = [await fullAccount(here), await fullAccount(here)];
    const tables = (await tablesOf(here)).filter((name) => !OF_NOBODY.has(name));
    // A new table must be filled by `fullAccount`, or it would be forgotten to ask.
    expect(Object.keys(await tracesOf(here, gone.words))).toEqual(tables);
    await until(async () => {
      const waiting = await here.sql('select from mail where sealed is not null');
      return waiting.length === 0;
    }, 'the mails to be sent');
    const others = withoutUses(await tracesOf(here, stays.words));

    const code = gone.account.authenticator.code();
    const answer = await deleteAccount(gone.client, door, { password: PASSWORD, code });
    expect(answer.status).toBe(200);
    expect(await tracesOf(here, gone.words)).toEqual({});
    expect(withoutUses(await tracesOf(here, stays.words))).toEqual(others);
  });

  it('the answer clears the cookie, and nothing lets in any more, on no node', async () => {
    const client = await seedClient(here);
    const { account } = client;
    const other = await signIn(there.url, account);
    const token = await makeToken(client, ['tasks:read']);
    const answer = await deleteAccount(client, door, { password: PASSWORD });
    expect(answer.status).toBe(200);
    if (door === 'ours') expect(answer.body).toEqual({ message: expect.stringMatching(/\S/) });
    else expect(answer.body).toEqual({ success: true, message: 'User deleted' });
    expect(answer.headers.getSetCookie().join()).toMatch(/better-auth\.session_token=; .*Max-Age=0/);
    for (const { url } of [here, there]) {
      for (const bearer of [client.accessToken, other.accessToken, token.token]) {
        const asking = Object.assign(new Client(url), { bearer });
        expect((await asking.get('/api/tasks')).status).toBe(401);
      }
      const login = await new Client(url).post('/api/auth/login', {
        email: account.email,
        password: PASSWORD,
      });
      expectProblem(login, 'invalid_credentials');
    }
    expect((await deleteAccount(other, door, { password: PASSWORD })).status).toBe(401);
  });

  it('all sockets of the account close on both nodes, and those of others stay', async () => {
    const client = await seedClient(here);
    const lasting = await seedSession(here, client.account.id);
    const { token } = await makeToken(client, ['tasks:read']);
    const [stranger] = await seedUsers(here, 1);
    const tokens = [client.accessToken, lasting.token, token];
    const nodes = [here.url, there.url];
    const own = await Promise.all(nodes.flatMap((url) => tokens.map((token) => watch(url, token))));
    const foreign = await Promise.all(nodes.map((url) => watch(url, stranger?.token ?? '')));
    expect((await deleteAccount(client, door, { password: PASSWORD })).status).toBe(200);
    await until(() => own.every(({ reason }) => reason !== undefined), 'the disconnects');
    for (const socket of own) {
      expect([socket.received, socket.reason]).toEqual([[['session:revoked', {}]], 'io server disconnect']);
      expect(await refusal(socket.connect())).toBe('unauthorized');
    }
    const stays = Object.assign(new Client(here.url), { bearer: stranger?.token });
    expect((await stays.post('/api/tasks', { title: 'After' })).status).toBe(201);
    await until(() => foreign.every(({ received }) => received.length >= 2), 'the event');
    for (const socket of foreign) {
      expect(socket.received.map(([name]) => name)).toEqual(['task:created', 'dashboard:stats']);
      socket.disconnect();
    }
  });

  it('the e-mail can be used for a new account, which has nothing of the old one', async () => {
    const old = await seedClient(here);
    await old.post('/api/tasks', { title: 'of the old one' });
    expect((await deleteAccount(old, door, { password: PASSWORD })).status).toBe(200);
    const anew = await signUp(here.url, old.account.email);
    expect(anew.user.id).not.toBe(old.account.id);
    expect((await anew.get('/api/tasks')).body.tasks).toEqual([]);
    expect((await anew.get('/api/sync')).body).toMatchObject({ tasks: [], deleted: [], rev: 0 });
    const { events } = (await anew.get('/api/account/events')).body;
    expect(events.map(({ kind }: AnyBody) => kind)).toEqual(['signed_up']);
  });

  it('a password that is wrong or missing deletes nothing, and a wrong one is told to the trail', async () => {
    const client = await seedClient(here);
    for (const password of ['wrong password', '', 'x'.repeat(73), `${PASSWORD} `])
      expectRefused(door, await deleteAccount(client, door, { password }), 'password', 'INVALID_PASSWORD');
    expectRefused(door, await deleteAccount(client, door, {}), 'password', 'INVALID_PASSWORD');
    for (const given of [{ password: 7 }, { password: null }, { password: PASSWORD, code: [] }] as Given[])
      expect((await deleteAccount(client, door, given)).status).toBe(door === 'ours' ? 422 : 400);
    // Longer than anything that could be meant is not even compared.
    for (const [field, length, code] of [
      ['password', 1_001, 'INVALID_PASSWORD'],
      ['code', 65, 'VALIDATION_ERROR'],
      ['recovery_code', 65, 'VALIDATION_ERROR'],
    ] as const) {
      const answer = await deleteAccount(client, door, { password: PASSWORD, [field]: '7'.repeat(length) });
      expectRefused(door, answer, field, code);
    }
    expect(await exists(client.account.id)).toBe(true);
    // Better Auth's door refuses an overlong one before it is compared.
    const told = door === 'ours' ? 4 : 3;
    expect(await eventsOf(client.account.id, 'password_check_failed')).toHaveLength(told);
    expect((await client.get('/api/tasks')).status).toBe(200);
  });

  it('nobody deletes it without a session, from a foreign page, or with an API token', async () => {
    const client = await seedClient(here);
    const given = { password: PASSWORD };
    expect((await deleteAccount(new Client(here.url), door, given)).status).toBe(401);
    const evil = { origin: 'https://evil.example' };
    expect((await deleteAccount(client, door, given, evil)).status).toBe(403);
    const token = tokenClient(
      here.url,
      await makeToken(client, ['tasks:read', 'tasks:write', 'account:read']),
    );
    const refused = await deleteAccount(token, door, given);
    if (door === 'ours') expectProblem(refused, 'unauthorized_access');
    else expect(refused.status).toBe(401);
    expect(await exists(client.account.id)).toBe(true);
  });

  it('a second factor is asked for, and cannot be passed by', async () => {
    const { account, client } = await seedProtected(here);
    const { authenticator, recoveryCodes } = account;
    const attempt = (given: Given) => deleteAccount(client, door, given);
    const wrong = authenticator.wrong();
    expectRefused(door, await attempt({ password: PASSWORD }), 'code', 'INVALID_CODE');
    expectRefused(door, await attempt({ password: PASSWORD, code: wrong }), 'code', 'INVALID_CODE');
    expectRefused(
      door,
      await attempt({ password: PASSWORD, recovery_code: 'aaaaaa-bbbbbb-cccccc-dddddd' }),
      'recovery_code',
      'INVALID_CODE',
    );
    expectRefused(
      door,
      await attempt({ password: 'wrong password', code: authenticator.code() }),
      'password',
      'INVALID_PASSWORD',
    );
    expect(await exists(account.id)).toBe(true);
    // A code that has been taken before is as good as none.
    await nextStep(here, account);
    const used = authenticator.code();
    const renewed = await client.post('/api/account/two-factor/recovery-codes', {
      password: PASSWORD,
      code: used,
    });
    expect(renewed.status).toBe(200);
    expectRefused(door, await attempt({ password: PASSWORD, code: used }), 'code', 'INVALID_CODE');
    const old = recoveryCodes[0];
    expectRefused(
      door,
      await attempt({ password: PASSWORD, recovery_code: old }),
      'recovery_code',
      'INVALID_CODE',
    );
    const [recovery_code] = renewed.body.recovery_codes;
    expect((await attempt({ password: PASSWORD, recovery_code })).status).toBe(200);
    expect(await exists(account.id)).toBe(false);
  });

  it('an account without a password needs a sign-in of the last ten minutes', async () => {
    const client = await seedClient(here);
    const { id } = client.account;
    await here.sql('update account set password_hash = null where user_id = $1', [id]);
    const age = (minutes: number) =>
      here.sql('update session set created_at = now() - make_interval(mins => $2) where user_id = $1', [
        id,
        minutes,
      ]);
    await age(11);
    // To extend a session is no sign-in.
    expect((await client.post('/api/auth/refresh')).status).toBe(200);
    const late = await deleteAccount(client, door, { password: PASSWORD });
    if (door === 'ours') expectProblem(late, 'fresh_sign_in_required');
    else expect([late.status, late.body.code]).toEqual([403, 'SESSION_NOT_FRESH']);
    expect(await exists(id)).toBe(true);
    await age(9);
    expect((await deleteAccount(client, door, {})).status).toBe(200);
    expect(await exists(id)).toBe(false);
  });
});

describe('deleting an account', () => {
  it('is limited to twenty wrong passwords, through both doors and on both nodes', async () => {
    const client = await seedClient(here);
    const thief = await signIn(there.url, client.account);
    const guess = (index: number) =>
      deleteAccount(index % 4 < 2 ? client : thief, DOORS[index % 2] ?? 'ours', {
        password: `guess ${index}`,
      });
    const answers = await Promise.all(Array.from({ length: 36 }, (_, index) => guess(index)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(16);
    expect(statuses.filter((status) => [400, 422].includes(status))).toHaveLength(20);
    expectProblem(await deleteAccount(client, 'ours', { password: PASSWORD }), 'rate_limited');
    expect(await exists(client.account.id)).toBe(true);
  });

  it('needs a body, and one that is an object', async () => {
    const client = await seedClient(here);
    expectProblem(await client.delete('/api/account'), 'malformed_json');
    for (const json of [[], 'password', null])
      expectProblem(await client.delete('/api/account', { json }), 'validation_error');
    expect(await exists(client.account.id)).toBe(true);
  });

  it('is told to the log in one line, without e-mail, name, address or session', async () => {
    const client = await seedClient(here);
    const { id, email } = client.account;
    const before = here.logs.length;
    expect((await deleteAccount(client, 'ours', { password: PASSWORD })).status).toBe(200);
    const lines = here.logs.slice(before).filter((line) => line.includes('account_deleted'));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: 30,
        time: expect.anything(),
        pid: expect.anything(),
        hostname: expect.anything(),
        event: 'account_deleted',
        user: id,
        msg: 'security event',
      },
    ]);
    expect(here.logs.slice(before).join()).not.toContain(email);
  });

  it('works by the official client, and not by a link', async () => {
    const account = await seedAccount(here);
    const { auth, jar } = officialClient(here.url, { plugins: [] });
    await auth.signIn.email({ email: account.email, password: account.password });
    const byLink = await jar.get('/api/auth/delete-user/callback?token=abc&callbackURL=/');
    expect(byLink.status).toBe(404);
    const wrong = await auth.deleteUser({ password: 'wrong password' });
    expect(wrong.error).toMatchObject({ status: 400, code: 'INVALID_PASSWORD' });
    const byToken = await auth.deleteUser({ token: 'abc' });
    expect(byToken.error?.status).toBe(400);
    const right = await auth.deleteUser({ password: account.password });
    expect(right.data).toEqual({ success: true, message: 'User deleted' });
    expect((await auth.getSession()).data).toBeNull();
    expect(await exists(account.id)).toBe(false);
  });
});
