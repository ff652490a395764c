// Who may make an account, and what the person who runs the server does with accounts.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, seedClient, signIn } from './support/accounts.ts';
import { type AnyBody, Client, PASSWORD } from './support/client.ts';
import { databaseUrl } from './support/nodes.ts';
import { dataDirectory, runScript, startProcess } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { protect } from './support/two-factor.ts';

function once(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => void socket.once(event, () => resolve()));
}

const ADMIN = path.resolve(import.meta.dirname, '../scripts/admin.ts');

let open: TestServer;
let invite: TestServer;
let closed: TestServer;

beforeAll(async () => {
  open = await startServer();
  invite = await startServer({ env: { SIGNUP: 'invite' }, connection: open.connection, shared: true });
  closed = await startServer({ env: { SIGNUP: 'closed' }, connection: open.connection, shared: true });
});
afterAll(async () => {
  await closed.close();
  await invite.close();
  await open.close();
});

/** Runs the command as an operator would, on the database of the servers above. */
async function admin(...args: string[]) {
  const env = {
    DATABASE_URL: databaseUrl(open.connection),
    DEBUG: 'true',
    PUBLIC_URL: 'https://todo.example.com',
  };
  return runScript({ script: ADMIN, args, env });
}

async function invitation(...args: string[]): Promise<{ code: string; id: string }> {
  const { code, stdout, stderr } = await admin('invitation', 'create', ...args);
  expect([code, stderr]).toEqual([0, '']);
  const link = /^https:\/\/todo\.example\.com\/#invitation=([\w-]{24,})$/m.exec(stdout);
  return { code: link?.[1] ?? '', id: /^Invitation (\S+);/m.exec(stdout)?.[1] ?? '' };
}

const DOORS = [
  ['our sign-up', '/api/auth/signup', (body: AnyBody) => body.code],
  ['Better Auth’s', '/api/auth/sign-up/email', (body: AnyBody) => body.code.toLowerCase()],
] as const;

function person(changes: object = {}) {
  return { name: 'Ada', email: `${randomUUID()}@example.com`, password: PASSWORD, ...changes };
}

describe.each(DOORS)('by %s', (_what, door, codeOf) => {
  const signUp = (server: TestServer, body: object) => new Client(server.url).post(door, body);

  it('nobody makes an account where sign-up is closed, whether or not the e-mail is known', async () => {
    const known = await seedAccount(open);
    const { code } = await invitation();
    for (const body of [person(), person({ email: known.email }), person({ invitation: code })]) {
      const answer = await signUp(closed, body);
      expect([answer.status, codeOf(answer.body)]).toEqual([403, 'signup_closed']);
    }
  });

  it('an invitation is needed where sign-up is by invitation', async () => {
    const known = await seedAccount(open);
    for (const changes of [{}, { invitation: '' }, { invitation: 'no-such-code' }, { email: known.email }]) {
      const answer = await signUp(invite, person(changes));
      expect([answer.status, codeOf(answer.body)]).toEqual([403, 'invitation_required']);
    }
  });

  it('an invitation makes one account, however many try at once', async () => {
    const { code } = await invitation();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => signUp(invite, person({ invitation: code }))),
    );
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    for (const { status, body } of answers.filter(({ status }) => status >= 300))
      expect([status, codeOf(body)]).toEqual([403, 'invitation_required']);
  });

  it('an invitation to an e-mail serves that e-mail alone', async () => {
    const email = `${randomUUID()}@example.com`;
    const { code } = await invitation('--email', email.toUpperCase());
    const other = await signUp(invite, person({ invitation: code }));
    expect([other.status, codeOf(other.body)]).toEqual([403, 'invitation_required']);
    expect((await signUp(invite, person({ invitation: code, email }))).status).toBeLessThan(300);
  });

  it('an invitation is not spent by a sign-up that fails', async () => {
    const { code } = await invitation();
    const known = await seedAccount(open);
    const failed = await signUp(invite, person({ invitation: code, email: known.email }));
    expect(failed.status).toBeGreaterThanOrEqual(400);
    expect((await signUp(invite, person({ invitation: code }))).status).toBeLessThan(300);
  });

  it('a revoked or outlived invitation opens nothing', async () => {
    const [revoked, outlived] = [await invitation(), await invitation()];
    expect((await admin('invitation', 'revoke', revoked.id)).code).toBe(0);
    await open.sql(`update invitation set expires_at = now() where id = $1`, [outlived.id]);
    for (const { code } of [revoked, outlived]) {
      const answer = await signUp(invite, person({ invitation: code }));
      expect([answer.status, codeOf(answer.body)]).toEqual([403, 'invitation_required']);
    }
  });

  it('where sign-up is open an invitation is not looked at', async () => {
    expect((await signUp(open, person({ invitation: 'whatever' }))).status).toBeLessThan(300);
  });
});

describe('an invitation', () => {
  it('is kept as a hash, and its code is never told again', async () => {
    const { code, id } = await invitation();
    const [row] = await open.sql<{ text: string }>('select i::text as text from invitation i where id = $1', [
      id,
    ]);
    expect(row?.text).not.toContain(code);
    const { stdout } = await admin('invitation', 'list');
    expect(stdout).toContain(id);
    expect(stdout).not.toContain(code);
  });

  it('that was used cannot be revoked, and outlives its account', async () => {
    const { code, id } = await invitation();
    const email = `${randomUUID()}@example.com`;
    await new Client(invite.url).post('/api/auth/signup', person({ email, invitation: code }));
    expect(await admin('invitation', 'revoke', id)).toMatchObject({
      code: 1,
      stderr: `There is no unused invitation ${id}.\n`,
    });
    expect((await admin('user', 'delete', email, '--yes')).code).toBe(0);
    const again = await new Client(invite.url).post('/api/auth/signup', person({ invitation: code }));
    expect(again.status).toBe(403);
  });
});

describe('an account that is disabled', () => {
  it('is signed out on every node by the next request, its sockets closed, and comes in by no door', async () => {
    const ada = await seedClient(open);
    await ada.post('/api/tasks', { title: 'stays' });
    const socket = io(invite.url, { auth: { token: ada.accessToken }, reconnection: false });
    await once(socket, 'connect');
    const gone = once(socket, 'disconnect');
    expect((await admin('user', 'disable', ada.account.email)).code).toBe(0);
    await gone;
    for (const server of [open, invite]) {
      const client = Object.assign(new Client(server.url), { bearer: ada.accessToken });
      expect((await client.get('/api/tasks')).status).toBe(401);
    }
    const credentials = { email: ada.account.email, password: PASSWORD };
    const ours = await new Client(open.url).post('/api/auth/login', credentials);
    expect([ours.status, ours.body.code]).toEqual([403, 'account_disabled']);
    const theirs = await new Client(open.url).post('/api/auth/sign-in/email', credentials);
    expect([theirs.status, theirs.body.code]).toEqual([403, 'ACCOUNT_DISABLED']);
    // Only who knows the password learns of it.
    const wrong = await new Client(open.url).post('/api/auth/login', {
      ...credentials,
      password: 'not the one',
    });
    expect([wrong.status, wrong.body.code]).toEqual([401, 'invalid_credentials']);

    expect((await admin('user', 'enable', ada.account.email)).code).toBe(0);
    const back = await signIn(open.url, ada.account);
    expect((await back.get('/api/tasks')).body.tasks).toMatchObject([{ title: 'stays' }]);
    const kinds = await open.sql<{ kind: string }>(
      `select kind from security_event where user_id = $1 and kind like 'account_%' order by id`,
      [ada.account.id],
    );
    expect(kinds).toEqual([{ kind: 'account_disabled' }, { kind: 'account_enabled' }]);
  });

  it('has no session left when it signs in at the same moment', async () => {
    const account = await seedAccount(open);
    const credentials = { email: account.email, password: account.password };
    const entries = Array.from({ length: 12 }, () =>
      new Client(open.url).post('/api/auth/login', credentials),
    );
    const disabled = admin('user', 'disable', account.id);
    for (const { status } of await Promise.all(entries)) expect([200, 401, 403]).toContain(status);
    expect((await disabled).code).toBe(0);
    expect(await open.sql('select id from session where user_id = $1', [account.id])).toEqual([]);
  });
});

describe('the admin command', () => {
  it('makes an account where sign-up is closed, lists it, resets its password and deletes it', async () => {
    const email = `${randomUUID()}@example.com`;
    const made = await admin('user', 'create', email, '--name', 'Grace <b onclick=x()>Hopper');
    const password = /shown only now: (\S+)/.exec(made.stdout)?.[1] ?? '';
    const grace = await signIn(closed.url, { id: '', email, password });
    await grace.post('/api/tasks', { title: 'one' });
    expect(await admin('user', 'create', email)).toMatchObject({
      code: 1,
      stderr: `There is already an account ${email}.\n`,
    });

    const { stdout } = await admin('user', 'list');
    expect(stdout).toMatch(new RegExp(`${email}  Grace Hopper  1 task  1 session`));
    expect(stdout).not.toContain(password);

    const reset = await admin('user', 'reset-password', email);
    const next = /shown only now: (\S+)/.exec(reset.stdout)?.[1] ?? '';
    expect((await grace.get('/api/tasks')).status).toBe(401);
    await expect(signIn(closed.url, { id: '', email, password })).rejects.toThrow('401');
    await signIn(closed.url, { id: '', email, password: next });

    const careful = await admin('user', 'delete', email);
    expect([careful.code, careful.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    expect((await admin('user', 'delete', email, '--yes')).code).toBe(0);
    expect(await open.sql('select id from "user" where email = $1', [email])).toEqual([]);
  });

  it('turns off the second factor of an owner who has lost it, and ends the sessions', async () => {
    const account = await seedAccount(open);
    const ada = await signIn(open.url, account);
    await protect(ada, account.password);
    await expect(signIn(open.url, account)).rejects.toThrow('two_factor_required');
    expect((await admin('user', 'remove-second-factor', account.email)).code).toBe(0);
    expect((await ada.get('/api/tasks')).status).toBe(401);
    const back = await signIn(open.url, account);
    expect((await back.get('/api/account')).body.two_factor_enabled).toBe(false);
    const { events } = (await back.get('/api/account/events')).body;
    expect(events.map(({ kind }: { kind: string }) => kind)).toContain('two_factor_removed_by_operator');
  });

  it.each([
    [[], 2, /^Usage: npm run admin/],
    [['user'], 2, /^Usage/],
    [['user', 'explode'], 2, /^Usage/],
    [['user', 'list', 'x', 'y'], 2, /^Usage/],
    [['user', 'disable'], 2, /^Whom\?\n$/],
    [['user', 'disable', 'nobody@example.com'], 1, /^There is no account nobody@example\.com\.\n$/],
    [['user', 'create', 'not-an-address'], 1, /^The e-mail must be an e-mail address\.\n$/],
    [['invitation', 'create', '--days', '0'], 2, /^--days must be/],
    [['invitation', 'create', '--colour', 'red'], 2, /colour/],
  ] as const)('%j is refused in plain words', async (args, code, words) => {
    const answer = await admin(...args);
    expect(answer.code).toBe(code);
    expect(answer.stderr).toMatch(words);
    expect(answer.stdout).toBe('');
  });

  it('works on the private PostgreSQL, whether its server runs or not', async () => {
    const { directory, remove } = dataDirectory();
    const env = { DATA_DIR: directory };
    const command = (...args: string[]) => runScript({ script: ADMIN, args, env });
    try {
      expect((await command('user', 'create', 'ada@example.com')).code).toBe(0);
      const server = await startProcess({ env });
      expect((await command('user', 'list')).stdout).toContain('ada@example.com');
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
      expect(await server.stop()).toBe(0);
      expect((await command('user', 'delete', 'ada@example.com', '--yes')).stdout).toBe(
        'Deleted ada@example.com.\n',
      );
    } finally {
      remove();
    }
  });
});
