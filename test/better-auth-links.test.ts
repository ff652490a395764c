// The official Better Auth client with mailed links: its endpoints, answered by us, with the promises of our own.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, seedClient } from './support/accounts.ts';
import { Client, PASSWORD } from './support/client.ts';
import {
  anyAddress,
  linkIn,
  type MailedServer,
  mailsAreOut,
  newEmail,
  PUBLIC_URL,
  startMailedServer,
  tokenIn,
} from './support/mailed.ts';
import { officialClient } from './support/official-client.ts';

const NEW = 'a quiet river at dawn';
const FRONT_END = 'http://localhost:3000';
let server: MailedServer;

beforeAll(async () => {
  server = await startMailedServer();
});
afterAll(() => server.close());

const visitor = () =>
  officialClient(server.url, { plugins: [], headers: { 'x-forwarded-for': anyAddress() } }).auth;

async function member() {
  const account = await seedAccount(server);
  const auth = visitor();
  expect((await auth.signIn.email({ email: account.email, password: PASSWORD })).error).toBeNull();
  return { account, auth };
}

const emailOf = async (id: string) =>
  (await server.sql<{ email: string }>('select email from "user" where id = $1', [id]))[0]?.email;

describe('a lost password', () => {
  it('is replaced by the link to our page, once', async () => {
    const { email } = await seedAccount(server);
    const auth = visitor();
    const asked = await auth.requestPasswordReset({ email });
    expect(asked).toMatchObject({ error: null, data: { status: true, message: expect.any(String) } });
    const mail = await server.mailbox.next(email);
    const token = tokenIn(mail);
    expect(linkIn(mail)).toBe(`${PUBLIC_URL}/reset-password#token=${token}`);
    expect(await auth.resetPassword({ newPassword: NEW, token })).toMatchObject({
      error: null,
      data: { status: true },
    });
    expect((await auth.signIn.email({ email, password: NEW })).error).toBeNull();
    expect((await auth.resetPassword({ newPassword: `${NEW} 2`, token })).error).toMatchObject({
      status: 400,
      code: 'INVALID_TOKEN',
    });
  });

  it('of sixteen at once, through both doors, one is replaced', async () => {
    const { email } = await seedAccount(server);
    await visitor().requestPasswordReset({ email });
    const token = tokenIn(await server.mailbox.next(email));
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        server.post(
          '/api/auth/reset-password',
          index % 2 ? { token, newPassword: NEW } : { token, password: NEW },
        ),
      ),
    );
    const wrong = answers.filter(({ status }) => status !== 200);
    expect(wrong).toHaveLength(15);
    for (const { body } of wrong) expect(['INVALID_TOKEN', 'invalid_link']).toContain(body.code);
  });

  it('may lead to a front end’s own page, which gets the token as Better Auth documents it', async () => {
    const { email } = await seedAccount(server);
    await visitor().requestPasswordReset({ email, redirectTo: `${FRONT_END}/reset?lang=en` });
    const mail = await server.mailbox.next(email);
    expect(linkIn(mail)).toBe(`${FRONT_END}/reset?lang=en&token=${tokenIn(mail)}`);
  });

  it('never leads to a page of somebody else’s', async () => {
    const { email } = await seedAccount(server);
    for (const redirectTo of [
      'https://evil.example/reset',
      '//evil.example',
      '/\\evil.example',
      'javascript:alert(1)',
      'http://localhost:3000.evil.example',
      'http://localhost:3000@evil.example',
      'data:text/html,x',
    ]) {
      const { error } = await visitor().requestPasswordReset({ email, redirectTo });
      expect([redirectTo, error?.status]).toEqual([redirectTo, 403]);
    }
    await mailsAreOut(server);
    expect(server.mailbox.to(email)).toEqual([]);
  });

  it('is asked for with the same answer by those who have no account', async () => {
    const { email } = await seedAccount(server);
    const answers = await Promise.all(
      [email, newEmail()].map((to) => visitor().requestPasswordReset({ email: to })),
    );
    expect(answers[0]).toEqual(answers[1]);
  });

  it.each([
    ['a common password', { newPassword: 'password123', token: 'x' }, 'PASSWORD_COMPROMISED'],
    ['no token', { newPassword: NEW }, 'INVALID_TOKEN'],
    ['a token that is none', { newPassword: NEW, token: 7 }, 'INVALID_TOKEN'],
    ['a password that is none', { newPassword: 7, token: 'x' }, 'VALIDATION_ERROR'],
  ])('is refused in its shape: %s', async (_what, body, code) => {
    const answer = await server.post('/api/auth/reset-password', body);
    expect([answer.status, answer.body]).toEqual([400, { code, message: expect.any(String) }]);
  });
});

describe('an e-mail to be confirmed', () => {
  it('is confirmed by the token, once, by whoever has it', async () => {
    const email = newEmail();
    await visitor().signUp.email({ name: 'Ada', email, password: PASSWORD });
    const token = tokenIn(await server.mailbox.next(email));
    const auth = visitor();
    expect(await auth.verifyEmail({ query: { token } })).toMatchObject({
      error: null,
      data: { status: true },
    });
    const { data } = await auth.signIn.email({ email, password: PASSWORD });
    expect(data?.user.emailVerified).toBe(true);
    expect((await auth.verifyEmail({ query: { token } })).error).toMatchObject({
      status: 401,
      code: 'INVALID_TOKEN',
    });
  });

  it('gets another link, signed in or not, and the answer never tells who has an account', async () => {
    const { account, auth } = await member();
    expect((await auth.sendVerificationEmail({ email: account.email })).data).toEqual({ status: true });
    await server.mailbox.next(account.email);
    for (const email of [account.email, newEmail()])
      expect((await visitor().sendVerificationEmail({ email })).data).toEqual({ status: true });
    const token = tokenIn(await server.mailbox.next(account.email, 1));
    expect((await auth.sendVerificationEmail({ email: newEmail() })).error?.code).toBe('EMAIL_MISMATCH');
    expect((await auth.verifyEmail({ query: { token } })).error).toBeNull();
    expect((await auth.sendVerificationEmail({ email: account.email })).error?.code).toBe(
      'EMAIL_ALREADY_VERIFIED',
    );
  });

  it('leads on to a page of an allowed front end, and of nobody else', async () => {
    const { account, auth } = await member();
    await auth.sendVerificationEmail({ email: account.email });
    const token = tokenIn(await server.mailbox.next(account.email));
    const open = (callbackURL: string) =>
      new Client(server.url).get(`/api/auth/verify-email?${new URLSearchParams({ token, callbackURL })}`);
    const foreign = await open('https://evil.example/');
    expect([foreign.status, foreign.body.code]).toEqual([403, 'INVALID_CALLBACK_URL']);
    const right = await open(`${FRONT_END}/welcome`);
    expect([right.status, right.headers.get('location')]).toEqual([302, `${FRONT_END}/welcome`]);
    const again = await open(`${FRONT_END}/welcome?x=1`);
    expect([again.status, again.headers.get('location')]).toEqual([
      302,
      `${FRONT_END}/welcome?x=1&error=INVALID_TOKEN`,
    ]);
    const escaped = await open(`${FRONT_END}/日\r\n#?here`);
    expect([escaped.status, escaped.headers.get('location')]).toEqual([
      302,
      `${FRONT_END}/%E6%97%A5?error=INVALID_TOKEN#?here`,
    ]);
  });

  it('is not confirmed by a HEAD', async () => {
    const ada = await seedClient(server);
    await ada.post('/api/account/verify-email');
    const token = tokenIn(await server.mailbox.next(ada.account.email));
    await new Client(server.url).request('HEAD', `/api/auth/verify-email?token=${token}`);
    expect((await server.post('/api/auth/verify-email', { token })).status).toBe(200);
  });
});

describe('a change of the e-mail', () => {
  it('asked for with no more than a session is approved at the old address, then confirmed at the new one', async () => {
    const { account, auth } = await member();
    const email = newEmail();
    expect((await auth.changeEmail({ newEmail: email })).data).toMatchObject({ status: true });
    const approval = await server.mailbox.next(account.email);
    expect(approval.text).toContain(email);
    await mailsAreOut(server);
    expect(server.mailbox.to(email)).toEqual([]);

    expect((await auth.verifyEmail({ query: { token: tokenIn(approval) } })).error).toBeNull();
    const link = await server.mailbox.next(email);
    expect(await emailOf(account.id)).toBe(account.email);
    expect((await auth.verifyEmail({ query: { token: tokenIn(link) } })).error).toBeNull();
    expect(await emailOf(account.id)).toBe(email);
    expect((await auth.getSession()).data?.user).toMatchObject({ email, emailVerified: true });
    const notice = await server.mailbox.next(account.email, 1);
    expect(notice.headers.get('subject')).toBe('The e-mail of your Donewell account was changed');
    for (const token of [tokenIn(approval), tokenIn(link)])
      expect((await auth.verifyEmail({ query: { token } })).error?.code).toBe('INVALID_TOKEN');
  });

  it('to an address that is taken is answered alike, and happens to nobody', async () => {
    const { account, auth } = await member();
    const other = await seedAccount(server);
    const answers = [
      await auth.changeEmail({ newEmail: other.email }),
      await auth.changeEmail({ newEmail: newEmail() }),
    ];
    expect(answers[0]).toEqual(answers[1]);
    expect(await emailOf(account.id)).toBe(account.email);
  });

  it('is refused in its shape without a session, to the same address and to none', async () => {
    const { account, auth } = await member();
    expect((await visitor().changeEmail({ newEmail: newEmail() })).error).toMatchObject({
      status: 401,
      code: 'UNAUTHORIZED',
    });
    expect((await auth.changeEmail({ newEmail: account.email })).error).toMatchObject({ status: 400 });
    expect((await auth.changeEmail({ newEmail: 'x' })).error).toMatchObject({
      status: 400,
      code: 'VALIDATION_ERROR',
    });
    expect(
      (await auth.changeEmail({ newEmail: newEmail(), callbackURL: 'https://evil.example' })).error,
    ).toMatchObject({
      status: 403,
      code: 'INVALID_CALLBACK_URL',
    });
  });

  it('is not made by a page of somebody else’s with the owner’s cookie', async () => {
    const ada = await seedClient(server);
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    const cookies = { cookie: [...ada.cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    for (const [path, json] of [
      ['/api/auth/change-email', { newEmail: newEmail() }],
      ['/api/account/email', { new_email: newEmail(), current_password: PASSWORD }],
      ['/api/account/verify-email', undefined],
    ] as const) {
      const { status } = await new Client(server.url).post(path, json, {
        headers: { ...headers, ...cookies },
      });
      expect([path, status]).toEqual([path, 403]);
    }
  });
});

describe('Better Auth’s own tokens', () => {
  it('open nothing: its signed ones are not ours, and its endpoint that hands tokens on is not there', async () => {
    const { createEmailVerificationToken } = await import('better-auth/api');
    const { account } = await member();
    const token = await createEmailVerificationToken('b'.repeat(48), account.email);
    const answer = await new Client(server.url).get(`/api/auth/verify-email?token=${token}`);
    expect([answer.status, answer.body.code]).toEqual([401, 'INVALID_TOKEN']);
    const link = await new Client(server.url).get(`/api/auth/reset-password/${randomUUID()}?callbackURL=/`);
    expect(link.status).toBe(404);
  });
});
