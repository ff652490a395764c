// The second factor on our own routes: set up, asked for at sign-in, switched off, and what ends with it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedClient, signIn } from './support/accounts.ts';
import { Client, PASSWORD } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';
import { Authenticator, nextStep, type Protected, protect, seedProtected } from './support/two-factor.ts';

const SESSION = 'better-auth.session_token';
const CHALLENGE = 'better-auth.two_factor';
const RECOVERY_CODE = /^([0-9a-hjkmnp-tv-z]{6}-){3}[0-9a-hjkmnp-tv-z]{6}$/;

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** The first step, which is as far as a password gets. */
async function firstStep({ email, password }: Protected, client = new Client(server.url)) {
  const answer = await client.post('/api/auth/login', { email, password });
  const problem = expectProblem(answer, 'two_factor_required');
  return { client, answer, challenge: String(problem.challenge) };
}

async function sessionsOf(userId: string): Promise<string[]> {
  const rows = await server.sql<{ id: string }>('select id from session where user_id = $1', [userId]);
  return rows.map(({ id }) => id);
}

describe('setting up', () => {
  it('needs the password, shows the secret once, and counts from the first right code on', async () => {
    const client = await seedClient(server);
    const off = { enabled: false, recovery_codes_left: 0 };
    expect((await client.get('/api/account/two-factor')).body).toEqual(off);
    const refused = await client.post('/api/account/two-factor', { password: 'wrong password' });
    expect(expectProblem(refused, 'validation_error').errors).toEqual([
      { path: 'password', message: 'is wrong' },
    ]);

    const { body } = await client.post('/api/account/two-factor', { password: PASSWORD });
    const authenticator = new Authenticator(body.otpauth_uri);
    expect(authenticator.totp).toMatchObject({ issuer: 'Donewell', label: client.account.email });
    expect(authenticator.totp.secret.base32).toBe(body.secret);
    expect(body.qr_svg).toMatch(/^<svg [^<>]+>(<path [^<>]+\/>){2}<\/svg>$/);
    expect((await client.get('/api/account/two-factor')).body).toEqual(off);
    await signIn(server.url, client.account);

    const wrong = await client.post('/api/account/two-factor/confirm', { code: authenticator.wrong() });
    expect(expectProblem(wrong, 'validation_error').errors?.[0]?.path).toBe('code');
    expect((await client.get('/api/account')).body.two_factor_enabled).toBe(false);

    const right = await client.post('/api/account/two-factor/confirm', { code: authenticator.code() });
    expect(right.status).toBe(200);
    expect(right.body.recovery_codes).toHaveLength(10);
    expect(new Set(right.body.recovery_codes).size).toBe(10);
    for (const code of right.body.recovery_codes) expect(code).toMatch(RECOVERY_CODE);
    expect((await client.get('/api/account/two-factor')).body).toEqual({
      enabled: true,
      recovery_codes_left: 10,
    });
    expect((await client.get('/api/account')).body.two_factor_enabled).toBe(true);
  });

  it('may be begun again before it is confirmed: then only the last secret counts', async () => {
    const client = await seedClient(server);
    const [first, second] = [
      await client.post('/api/account/two-factor', { password: PASSWORD }),
      await client.post('/api/account/two-factor', { password: PASSWORD }),
    ].map(({ body }) => new Authenticator(body.otpauth_uri));
    const confirm = (code = '') => client.post('/api/account/two-factor/confirm', { code });
    expectProblem(await confirm(first?.code()), 'validation_error');
    expect((await confirm(second?.code())).status).toBe(200);
  });

  it('cannot be begun or confirmed where one is on, nor confirmed where none was begun', async () => {
    const { client, account } = await seedProtected(server);
    const code = account.authenticator.code();
    expectProblem(
      await client.post('/api/account/two-factor', { password: PASSWORD }),
      'two_factor_conflict',
    );
    expectProblem(await client.post('/api/account/two-factor/confirm', { code }), 'two_factor_conflict');
    const other = await seedClient(server);
    expectProblem(await other.post('/api/account/two-factor/confirm', { code }), 'two_factor_conflict');
    const proof = { password: PASSWORD, code };
    expectProblem(await other.post('/api/account/two-factor/recovery-codes', proof), 'two_factor_conflict');
    expectProblem(await other.delete('/api/account/two-factor', { json: proof }), 'two_factor_conflict');
  });

  it('ends all other sessions and keeps this one, with cookie and bearer', async () => {
    const client = await seedClient(server);
    const others = [await signIn(server.url, client.account), await signIn(server.url, client.account)];
    await protect(client, PASSWORD);
    expect(await sessionsOf(client.account.id)).toEqual([client.session.id]);
    for (const other of others) expect((await other.get('/api/tasks')).status).toBe(401);
    const bearer = { headers: { authorization: `Bearer ${client.accessToken}` } };
    expect((await client.get('/api/tasks')).status).toBe(200);
    expect((await new Client(server.url).get('/api/tasks', bearer)).status).toBe(200);
  });

  it('keeps no secret and no code in clear, and tells none of them to the log', async () => {
    const { account } = await seedProtected(server);
    const rows = await server.sql('select * from two_factor where user_id = $1', [account.id]);
    const stored = JSON.stringify(rows);
    const plain = [account.authenticator.totp.secret.utf8, account.authenticator.totp.secret.base32];
    const codes = account.recoveryCodes.flatMap((code) => [code, code.replaceAll('-', '')]);
    for (const secret of [...plain, ...codes]) {
      expect(stored).not.toContain(secret);
      expect(server.logs.join('\n')).not.toContain(secret);
    }
  });
});

describe('signing in', () => {
  let account: Protected;

  beforeAll(async () => {
    ({ account } = await seedProtected(server));
  });

  it('gives no session for the password alone', async () => {
    const before = await sessionsOf(account.id);
    const { answer, client, challenge } = await firstStep(account);
    expect(answer.body).toMatchObject({ expires_in: 600, challenge: expect.any(String) });
    expect(answer.headers.get('www-authenticate')).toBeNull();
    for (const line of answer.headers.getSetCookie()) expect(line).not.toMatch(/session_token=[^;]/);
    const [cookie] = answer.headers.getSetCookie().filter((line) => line.startsWith(`${CHALLENGE}=`));
    expect(cookie).toMatch(/; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(await sessionsOf(account.id)).toEqual(before);
    for (const value of [challenge, `Bearer ${challenge}`])
      expect(
        (await new Client(server.url).get('/api/tasks', { headers: { authorization: value } })).status,
      ).toBe(401);
    expect((await client.get('/api/auth/session')).body).toEqual({ user: null, session: null });
    expect((await client.post('/api/auth/refresh')).status).toBe(401);
  });

  it('by a code answers as sign-in does, with the cookie as with the challenge', async () => {
    const { client } = await firstStep(account);
    const byCookie = await client.post('/api/auth/two-factor', { code: account.authenticator.code() });
    expect(byCookie.status).toBe(200);
    expect(byCookie.body).toMatchObject({
      user: { id: account.id, email: account.email },
      token_type: 'bearer',
      expires_in: 1800,
    });
    expect(client.cookies.has(CHALLENGE)).toBe(false);
    expect((await client.get('/api/tasks')).status).toBe(200);

    await nextStep(server, account);
    const { challenge } = await firstStep(account);
    const code = account.authenticator.code();
    const stranger = new Client(server.url);
    const byChallenge = await stranger.post('/api/auth/two-factor', { code, challenge });
    expect(byChallenge.status).toBe(200);
    stranger.cookies.clear();
    stranger.bearer = byChallenge.body.access_token;
    expect((await stranger.get('/api/tasks')).status).toBe(200);
    await nextStep(server, account);
  });

  it('takes a code with blanks, and a recovery code as people type it', async () => {
    const code = account.authenticator.code();
    const { client } = await firstStep(account);
    const typed = `${code.slice(0, 3)} ${code.slice(3)}`;
    expect((await client.post('/api/auth/two-factor', { code: typed })).status).toBe(200);
    const [recovery = ''] = account.recoveryCodes.splice(0, 1);
    const again = await firstStep(account);
    const shouted = ` ${recovery.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O').replaceAll('1', 'l')}`;
    const entered = await again.client.post('/api/auth/two-factor', { recovery_code: shouted });
    expect(entered.status).toBe(200);
    expect((await again.client.get('/api/account/two-factor')).body.recovery_codes_left).toBe(9);
    const used = await firstStep(account);
    expectProblem(
      await used.client.post('/api/auth/two-factor', { recovery_code: recovery }),
      'invalid_code',
    );
    await nextStep(server, account);
  });

  it('lets a challenge be tried again after a wrong code, five times in all', async () => {
    const { client } = await firstStep(account);
    for (let count = 0; count < 5; count++)
      expectProblem(
        await client.post('/api/auth/two-factor', { code: account.authenticator.wrong() }),
        'invalid_code',
      );
    const sixth = await client.post('/api/auth/two-factor', { code: account.authenticator.code() });
    expectProblem(sixth, 'unauthenticated');
    await nextStep(server, account);
    const next = await firstStep(account);
    expectProblem(await next.client.post('/api/auth/two-factor', { code: '000' }), 'invalid_code');
    expect(
      (await next.client.post('/api/auth/two-factor', { code: account.authenticator.code() })).status,
    ).toBe(200);
    await nextStep(server, account);
  });

  it('refuses a challenge that was used, is unknown, forged or too old', async () => {
    const { client, challenge } = await firstStep(account);
    expect((await client.post('/api/auth/two-factor', { code: account.authenticator.code() })).status).toBe(
      200,
    );
    await nextStep(server, account);
    const code = account.authenticator.code();
    const [identifier = '', signature = ''] = challenge.split('.');
    const forged = `${identifier.slice(0, -1)}${identifier.endsWith('A') ? 'B' : 'A'}.${signature}`;
    for (const tried of [challenge, forged, identifier, '', 'x'.repeat(5000), `${challenge}; a=b`])
      expectProblem(
        await new Client(server.url).post('/api/auth/two-factor', { code, challenge: tried }),
        'unauthenticated',
      );
    expectProblem(await new Client(server.url).post('/api/auth/two-factor', { code }), 'unauthenticated');
    const old = await firstStep(account);
    await server.sql(`update verification set expires_at = now() - interval '1 second' where value = $1`, [
      account.id,
    ]);
    expectProblem(await old.client.post('/api/auth/two-factor', { code }), 'unauthenticated');
  });

  it('wants one code, of one kind, as text', async () => {
    const { client } = await firstStep(account);
    const code = account.authenticator.code();
    const long = '7'.repeat(65);
    for (const body of [
      {},
      { code, recovery_code: 'x' },
      { code: 123456 },
      { recovery_code: null },
      { code: long },
      { recovery_code: long },
      [],
    ])
      expectProblem(await client.post('/api/auth/two-factor', body), 'validation_error');
    expect((await client.post('/api/auth/two-factor', { code })).status).toBe(200);
    await nextStep(server, account);
  });

  it('is not for foreign pages, where the challenge is in the cookie', async () => {
    const { client, challenge } = await firstStep(account);
    const headers = { origin: 'https://evil.example' };
    const code = account.authenticator.code();
    expectProblem(await client.post('/api/auth/two-factor', { code }, { headers }), 'unauthorized_access');
    const bearer = await new Client(server.url).post(
      '/api/auth/two-factor',
      { code, challenge },
      { headers },
    );
    expect(bearer.status).toBe(200);
    await nextStep(server, account);
  });

  it('with a challenge from before a new password is over', async () => {
    const { client: owner, account: own } = await seedProtected(server);
    const { client } = await firstStep(own);
    const changed = await owner.post('/api/auth/change-password', {
      currentPassword: PASSWORD,
      newPassword: 'another river at dusk',
    });
    expect(changed.status).toBe(200);
    expectProblem(
      await client.post('/api/auth/two-factor', { code: own.authenticator.code() }),
      'unauthenticated',
    );
    const { client: next } = await firstStep({ ...own, password: 'another river at dusk' });
    expect((await next.post('/api/auth/two-factor', { code: own.authenticator.code() })).status).toBe(200);
  });

  it('replaces whoever was signed in before', async () => {
    const other = await seedClient(server);
    const { client } = await firstStep(account, other);
    expect(client.cookies.has(SESSION)).toBe(false);
    await client.post('/api/auth/two-factor', { code: account.authenticator.code() });
    expect((await client.get('/api/auth/session')).body.user.id).toBe(account.id);
    await nextStep(server, account);
  });
});

describe('switching off, and new recovery codes', () => {
  // Wrong codes are counted by address, and these tests have given many.
  beforeAll(async () => {
    await server.close();
    server = await startServer();
  });

  it('need the password and a code of either kind', async () => {
    const { account, client } = await seedProtected(server);
    const { authenticator, recoveryCodes } = account;
    const attempts = [
      [{ password: PASSWORD }, 'code'],
      [{ password: 'wrong password', code: authenticator.code() }, 'password'],
      [{ password: PASSWORD, code: authenticator.wrong() }, 'code'],
      [{ password: PASSWORD, recovery_code: 'k7m2p9-x4qdtr-8vw3hn-6zb5cj' }, 'recovery_code'],
      [{ password: PASSWORD, code: authenticator.code(), recovery_code: recoveryCodes[0] }, 'code'],
    ] as const;
    for (const [json, path] of attempts) {
      for (const answer of [
        await client.delete('/api/account/two-factor', { json }),
        await client.post('/api/account/two-factor/recovery-codes', json),
      ])
        expect(expectProblem(answer, 'validation_error').errors?.map((error) => error.path)).toEqual([path]);
    }
    expect((await client.get('/api/account/two-factor')).body).toEqual({
      enabled: true,
      recovery_codes_left: 10,
    });

    const proof = { password: PASSWORD, code: authenticator.code() };
    const renewed = await client.post('/api/account/two-factor/recovery-codes', proof);
    expect(renewed.status).toBe(200);
    for (const code of renewed.body.recovery_codes) expect(recoveryCodes).not.toContain(code);
    const { client: late } = await firstStep(account);
    expectProblem(
      await late.post('/api/auth/two-factor', { recovery_code: recoveryCodes[0] }),
      'invalid_code',
    );
    expect(
      (await late.post('/api/auth/two-factor', { recovery_code: renewed.body.recovery_codes[0] })).status,
    ).toBe(200);

    const off = await client.delete('/api/account/two-factor', {
      json: { password: PASSWORD, recovery_code: renewed.body.recovery_codes[1] },
    });
    expect(off.status).toBe(200);
    expect(await sessionsOf(account.id)).toEqual([client.session.id]);
    expect(await server.sql('select from two_factor where user_id = $1', [account.id])).toEqual([]);
    expect((await client.get('/api/account')).body.two_factor_enabled).toBe(false);
    await signIn(server.url, account);
  });

  it('leave a way to begin anew, with another secret', async () => {
    const { account, client } = await seedProtected(server);
    const proof = { password: PASSWORD, code: account.authenticator.code() };
    await client.delete('/api/account/two-factor', { json: proof });
    const { authenticator } = await protect(client, PASSWORD);
    expect(authenticator.totp.secret.base32).not.toBe(account.authenticator.totp.secret.base32);
    const { client: next } = await firstStep(account);
    expectProblem(
      await next.post('/api/auth/two-factor', { recovery_code: account.recoveryCodes[0] }),
      'invalid_code',
    );
    await nextStep(server, account);
    expect((await next.post('/api/auth/two-factor', { code: authenticator.code() })).status).toBe(200);
  });

  it('go with the account', async () => {
    const { account } = await seedProtected(server);
    await server.sql('delete from "user" where id = $1', [account.id]);
    expect(await server.sql('select from two_factor where user_id = $1', [account.id])).toEqual([]);
  });
});
