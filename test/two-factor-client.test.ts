// The second factor by the official Better Auth client: everything that it offers, under our rules.
import { twoFactorClient } from 'better-auth/client/plugins';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, seedClient, signIn } from './support/accounts.ts';
import { Client, PASSWORD } from './support/client.ts';
import { officialClient } from './support/official-client.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';
import { Authenticator, nextStep, seedProtected } from './support/two-factor.ts';

const RECOVERY_CODE = /^([0-9a-hjkmnp-tv-z]{6}-){3}[0-9a-hjkmnp-tv-z]{6}$/;
const WRONG_RECOVERY_CODE = 'k7m2p9-x4qdtr-8vw3hn-6zb5cj';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

function official(jar?: Client) {
  return officialClient(server.url, { plugins: [twoFactorClient()], ...(jar ? { jar } : {}) });
}

/** A member that has switched on the second factor by the official client alone. */
async function enabled() {
  const account = await seedAccount(server);
  const client = official();
  await client.auth.signIn.email({ email: account.email, password: PASSWORD });
  const { data, error } = await client.auth.twoFactor.enable({ password: PASSWORD });
  expect(error).toBeNull();
  const { totpURI = '', backupCodes = [] } = data?.method === 'totp' ? data : {};
  const authenticator = new Authenticator(totpURI);
  const verified = await client.auth.twoFactor.verifyTotp({ code: authenticator.code() });
  expect(verified.error).toBeNull();
  await nextStep(server, account);
  return { ...client, account, authenticator, backupCodes };
}

async function challenged(email: string, jar?: Client) {
  const client = official(jar);
  const { data, error } = await client.auth.signIn.email({ email, password: PASSWORD });
  expect(error).toBeNull();
  expect(data).toEqual({ twoFactorRedirect: true, twoFactorMethods: ['totp'] });
  return client;
}

describe('the official client', () => {
  it('switches the second factor on: it counts from the first right code on, and other sessions end', async () => {
    const account = await seedAccount(server);
    const { auth, jar } = official();
    await auth.signIn.email({ email: account.email, password: PASSWORD });
    const other = await signIn(server.url, account);
    expect((await auth.twoFactor.enable({ password: 'wrong password' })).error).toMatchObject({
      status: 400,
      code: 'INVALID_PASSWORD',
    });
    const { data } = await auth.twoFactor.enable({ password: PASSWORD });
    if (data?.method !== 'totp') throw new Error('not by TOTP');
    expect(data.backupCodes).toHaveLength(10);
    for (const code of data.backupCodes) expect(code).toMatch(RECOVERY_CODE);
    const shown = await auth.twoFactor.getTotpUri({ password: PASSWORD });
    const [authenticator, again] = [
      new Authenticator(data.totpURI),
      new Authenticator(shown.data?.totpURI ?? ''),
    ];
    expect(again.totp.secret.base32).toBe(authenticator.totp.secret.base32);
    expect(authenticator.totp).toMatchObject({ issuer: 'Donewell', label: account.email });

    const wrong = await auth.twoFactor.verifyTotp({ code: authenticator.wrong() });
    expect(wrong.error).toMatchObject({ status: 401, code: 'INVALID_CODE' });
    expect((await auth.getSession()).data?.user.twoFactorEnabled).toBe(false);
    expect((await other.get('/api/tasks')).status).toBe(200);
    const right = await auth.twoFactor.verifyTotp({ code: authenticator.code() });
    expect(right.data?.user.id).toBe(account.id);
    expect((await auth.getSession()).data?.user.twoFactorEnabled).toBe(true);
    expect((await other.get('/api/tasks')).status).toBe(401);
    expect((await jar.get('/api/tasks')).status).toBe(200);
    expect((await jar.get('/api/account/two-factor')).body).toEqual({
      enabled: true,
      recovery_codes_left: 10,
    });
    expect((await auth.twoFactor.enable({ password: PASSWORD })).error?.code).toBe('TOTP_ALREADY_ENABLED');
  });

  it('signs in by code and by recovery code', async () => {
    const { account, authenticator, backupCodes } = await enabled();
    const first = await challenged(account.email);
    expect((await first.auth.getSession()).data).toBeNull();
    expect((await first.jar.get('/api/tasks')).status).toBe(401);
    expect((await first.auth.twoFactor.verifyTotp({ code: authenticator.wrong() })).error?.code).toBe(
      'INVALID_CODE',
    );
    const entered = await first.auth.twoFactor.verifyTotp({ code: authenticator.code() });
    expect(entered.data?.user.email).toBe(account.email);
    expect((await first.auth.getSession()).data?.user.id).toBe(account.id);
    expect((await first.jar.get('/api/tasks')).status).toBe(200);

    const [recovery = ''] = backupCodes;
    const second = await challenged(account.email);
    const wrong = await second.auth.twoFactor.verifyBackupCode({ code: WRONG_RECOVERY_CODE });
    expect(wrong.error).toMatchObject({ status: 401, code: 'INVALID_BACKUP_CODE' });
    expect((await second.auth.twoFactor.verifyBackupCode({ code: recovery })).error).toBeNull();
    expect((await second.jar.get('/api/account/two-factor')).body.recovery_codes_left).toBe(9);
    const third = await challenged(account.email);
    expect((await third.auth.twoFactor.verifyBackupCode({ code: recovery })).error?.code).toBe(
      'INVALID_BACKUP_CODE',
    );
  });

  it('is asked at a sign-in by a form, too', async () => {
    const { account } = await enabled();
    const jar = new Client(server.url);
    const { body, status } = await jar.request('POST', '/api/auth/sign-in/email', {
      body: new URLSearchParams({ email: account.email, password: PASSWORD }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([status, body]).toEqual([200, { twoFactorRedirect: true, twoFactorMethods: ['totp'] }]);
    expect((await jar.get('/api/auth/get-session')).body).toBeNull();
  });

  it('needs a code besides the password for what would weaken the second factor', async () => {
    const { auth, jar, authenticator, account, backupCodes } = await enabled();
    const proof = (code?: string) => ({ password: PASSWORD, ...(code === undefined ? {} : { code }) });
    for (const code of [undefined, '', authenticator.wrong(), WRONG_RECOVERY_CODE]) {
      for (const refused of [
        await auth.twoFactor.disable(proof(code)),
        await auth.twoFactor.generateBackupCodes(proof(code)),
        await auth.twoFactor.getTotpUri(proof(code)),
      ])
        expect(refused.error).toMatchObject({ status: 400, code: 'INVALID_CODE' });
    }
    // The secret itself is not for somebody who has found a recovery code.
    expect((await auth.twoFactor.getTotpUri(proof(backupCodes[0]))).error?.code).toBe('INVALID_CODE');
    const shown = await auth.twoFactor.getTotpUri(proof(authenticator.code()));
    expect(new Authenticator(shown.data?.totpURI ?? '').totp.secret.base32).toBe(
      authenticator.totp.secret.base32,
    );
    await nextStep(server, account);
    const renewed = await auth.twoFactor.generateBackupCodes(proof(authenticator.code()));
    expect(renewed.data?.backupCodes).toHaveLength(10);
    const late = await challenged(account.email);
    expect((await late.auth.twoFactor.verifyBackupCode({ code: backupCodes[0] ?? '' })).error?.code).toBe(
      'INVALID_BACKUP_CODE',
    );
    const [mine = '', another = ''] = renewed.data?.backupCodes ?? [];
    expect((await late.auth.twoFactor.verifyBackupCode({ code: mine })).error).toBeNull();

    expect(
      (await auth.twoFactor.disable({ ...proof(another), password: 'wrong password' })).error?.code,
    ).toBe('INVALID_PASSWORD');
    expect((await auth.twoFactor.disable(proof(another))).error).toBeNull();
    expect((await auth.getSession()).data?.user.twoFactorEnabled).toBe(false);
    expect((await late.auth.getSession()).data).toBeNull();
    expect((await jar.get('/api/account/two-factor')).body).toEqual({
      enabled: false,
      recovery_codes_left: 0,
    });
    await signIn(server.url, account);
  });

  it('shares the second factor with our own routes', async () => {
    const { account, authenticator, backupCodes } = await enabled();
    const ours = new Client(server.url);
    expectProblem(
      await ours.post('/api/auth/login', { email: account.email, password: PASSWORD }),
      'two_factor_required',
    );
    expect((await ours.post('/api/auth/two-factor', { recovery_code: backupCodes[0] })).status).toBe(200);
    const theirs = await challenged(account.email);
    const mixed = await theirs.jar.post('/api/auth/two-factor', { code: authenticator.code() });
    expect(mixed.status).toBe(200);
    expect((await theirs.auth.getSession()).data?.user.id).toBe(account.id);

    const own = await seedProtected(server);
    const official = await challenged(own.account.email);
    const code = own.account.recoveryCodes[0] ?? '';
    expect((await official.auth.twoFactor.verifyBackupCode({ code })).error).toBeNull();
  });

  it('changes the password with a second factor, and stays signed in', async () => {
    const { auth, account, authenticator } = await enabled();
    const newPassword = 'the river at night';
    const change = { currentPassword: PASSWORD, newPassword, revokeOtherSessions: true };
    expect((await auth.changePassword(change)).error).toBeNull();
    expect((await auth.getSession()).data?.user.id).toBe(account.id);
    const next = official();
    const { data } = await next.auth.signIn.email({ email: account.email, password: newPassword });
    expect(data).toHaveProperty('twoFactorRedirect', true);
    expect((await next.auth.twoFactor.verifyTotp({ code: authenticator.code() })).error).toBeNull();
  });
});

describe('what the official client offers and we do not', () => {
  it('trusts no device: each sign-in asks again', async () => {
    const { account, authenticator } = await enabled();
    const { auth, jar } = await challenged(account.email);
    const trusted = await auth.twoFactor.verifyTotp({ code: authenticator.code(), trustDevice: true });
    expect(trusted.error).toBeNull();
    expect([...jar.cookies.keys()].filter((name) => name.includes('trust'))).toEqual([]);
    await auth.signOut();
    await challenged(account.email, jar);
    expect(await server.sql(`select from verification where identifier like 'trust%'`)).toEqual([]);
  });

  it('has no codes by mail or text message', async () => {
    const { auth, jar } = await enabled();
    expect((await auth.twoFactor.sendOtp()).error?.status).toBe(404);
    expect((await auth.twoFactor.verifyOtp({ code: '123456' })).error?.status).toBe(404);
    const enable = await jar.post('/api/auth/two-factor/enable', { password: PASSWORD, method: 'otp' });
    expect(enable.status).toBe(400);
    const off = await seedClient(server);
    const byMail = await off.post('/api/auth/two-factor/enable', { password: PASSWORD, method: 'otp' });
    expect([byMail.status, byMail.body.code]).toEqual([400, 'OTP_NOT_CONFIGURED']);
  });

  it('lets nobody switch the factor by the profile', async () => {
    const { auth, jar } = await enabled();
    await jar.post('/api/auth/update-user', { name: 'Ada', twoFactorEnabled: false });
    await jar.patch('/api/account', { two_factor_enabled: false });
    expect((await auth.getSession()).data?.user.twoFactorEnabled).toBe(true);
    const off = await seedClient(server);
    await off.post('/api/auth/update-user', { twoFactorEnabled: true });
    await off.post('/api/auth/sign-up/email', {
      name: 'Eve',
      email: `eve-${off.account.id}@example.com`,
      password: PASSWORD,
      twoFactorEnabled: true,
    });
    expect(await server.sql(`select from "user" where two_factor_enabled and email like 'eve-%'`)).toEqual(
      [],
    );
  });
});
