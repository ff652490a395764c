// Confirming the e-mail of a new account: by a link, once; and where the operator demands it, before anybody is signed in.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, seedClient } from './support/accounts.ts';
import { Client, PASSWORD, signUp } from './support/client.ts';
import {
  linkIn,
  type MailedServer,
  mailsAreOut,
  newEmail,
  PUBLIC_URL,
  startMailedServer,
  tokenIn,
} from './support/mailed.ts';
import { expectProblem } from './support/problem.ts';

let server: MailedServer;

beforeAll(async () => {
  server = await startMailedServer();
});
afterAll(() => server.close());

const confirm = (token: string, on = server) => on.post('/api/auth/verify-email', { token });
const isVerified = async (email: string, on = server) =>
  (
    await on.sql<{ email_verified: boolean }>('select email_verified from "user" where email = $1', [email])
  )[0]?.email_verified;

describe('a sign-up', () => {
  it.each([
    ['through our door', '/api/auth/signup'],
    ['through Better Auth’s', '/api/auth/sign-up/email'],
  ])('%s is answered as ever, and a mail with a link follows', async (_what, door) => {
    const email = newEmail();
    const answer = await server.post(door, { name: 'Ada', email: email.toUpperCase(), password: PASSWORD });
    expect(answer.status).toBe(door.includes('email') ? 200 : 201);
    const mail = await server.mailbox.next(email);
    expect(linkIn(mail)).toBe(`${PUBLIC_URL}/verify-email#token=${tokenIn(mail)}`);
    expect(await isVerified(email)).toBe(false);

    const confirmed = await confirm(tokenIn(mail));
    expect([confirmed.status, confirmed.body]).toEqual([
      200,
      { message: expect.any(String), email, email_verified: true },
    ]);
    expect(await isVerified(email)).toBe(true);
    expectProblem(await confirm(tokenIn(mail)), 'invalid_link');
  });

  it('by somebody who chose a name to be read by somebody else does not carry it there', async () => {
    const email = newEmail();
    const name = 'You have won! https://evil.example';
    await server.post('/api/auth/signup', { name, email, password: PASSWORD });
    const { raw } = await server.mailbox.next(email);
    expect(raw).not.toMatch(/evil|won/);
  });
});

describe('a link', () => {
  it('that is used 16 times at once works once', async () => {
    const ada = await signUp(server.url, newEmail());
    const token = tokenIn(await server.mailbox.next(ada.user.email));
    const answers = await Promise.all(Array.from({ length: 16 }, () => confirm(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(15).fill(410)]);
    const events = await server.sql(
      `select from security_event where user_id = $1 and kind = 'email_verified'`,
      [ada.user.id],
    );
    expect(events).toHaveLength(1);
    expect((await ada.get('/api/auth/session')).body.user.email_verified).toBe(true);
  });

  it('can be sent again by who is signed in: the newest works; and when all is done nothing is sent', async () => {
    const ada = await seedClient(server);
    const { email } = ada.account;
    const again = () => ada.post('/api/account/verify-email');
    expect((await again()).status).toBe(202);
    const first = tokenIn(await server.mailbox.next(email));
    expect((await again()).status).toBe(202);
    const second = tokenIn(await server.mailbox.next(email, 1));
    expectProblem(await confirm(first), 'invalid_link');
    expect((await confirm(second)).status).toBe(200);
    expect((await again()).status).toBe(202);
    await mailsAreOut(server);
    expect(server.mailbox.to(email)).toHaveLength(2);
    expectProblem(await server.post('/api/account/verify-email', undefined), 'unauthenticated');
  });

  it('of another kind opens nothing here', async () => {
    const { email } = await seedAccount(server);
    await server.post('/api/auth/forgot-password', { email });
    const token = tokenIn(await server.mailbox.next(email));
    expectProblem(await confirm(token), 'invalid_link');
    expect((await server.post('/api/auth/reset-password', { token, password: `${PASSWORD} 2` })).status).toBe(
      200,
    );
  });

  it('survives a change of the password: the mailbox is still the owner’s', async () => {
    const ada = await signUp(server.url, newEmail());
    const token = tokenIn(await server.mailbox.next(ada.user.email));
    const change = { currentPassword: PASSWORD, newPassword: `${PASSWORD} 2` };
    expect((await ada.post('/api/auth/change-password', change)).status).toBe(200);
    expect((await confirm(token)).status).toBe(200);
  });
});

describe('with REQUIRE_EMAIL_VERIFICATION', () => {
  let strict: MailedServer;
  beforeAll(async () => {
    strict = await startMailedServer({ REQUIRE_EMAIL_VERIFICATION: 'true' });
  });
  afterAll(() => strict.close());
  const person = (email: string) => ({ name: 'Ada', email, password: PASSWORD });
  const signIns = (email: string, password = PASSWORD) => ({
    ours: () => strict.post('/api/auth/login', { email, password }),
    betterAuths: () => strict.post('/api/auth/sign-in/email', { email, password }),
  });

  it('a sign-up makes the account and no session, and says the same of an e-mail that is taken', async () => {
    const email = newEmail();
    const made = await strict.post('/api/auth/signup', person(email));
    expect([made.status, Object.keys(made.body), made.headers.getSetCookie()]).toEqual([
      202,
      ['message'],
      [],
    ]);
    const token = tokenIn(await strict.mailbox.next(email));
    const taken = await strict.post('/api/auth/signup', { ...person(email), password: `${PASSWORD} 2` });
    expect([taken.status, taken.text]).toEqual([made.status, made.text]);
    const notice = await strict.mailbox.next(email, 1);
    expect(notice.headers.get('subject')).toBe('You already have a Donewell account');
    expect(notice.text).not.toContain('token=');
    expect(await strict.sql('select from session')).toEqual([]);
    // Neither the link nor the password of the first has suffered.
    expect((await confirm(token, strict)).status).toBe(200);
    expect((await signIns(email).ours()).status).toBe(200);
  });

  it('the same through Better Auth’s door', async () => {
    const email = newEmail();
    const made = await strict.post('/api/auth/sign-up/email', person(email));
    const taken = await strict.post('/api/auth/sign-up/email', person(email));
    for (const { status, body, headers } of [made, taken]) {
      expect([status, body.token, headers.getSetCookie()]).toEqual([200, null, []]);
      expect(Object.keys(body.user).sort()).toEqual(Object.keys(made.body.user).sort());
      expect(body.user).toMatchObject({ name: 'Ada', email, emailVerified: false });
    }
    await strict.mailbox.next(email, 1);
    expect(await strict.sql('select from "user" where email = $1', [email])).toHaveLength(1);
  });

  it('of sixteen sign-ups at once with one e-mail one makes the account, and all are answered alike', async () => {
    const email = newEmail();
    const doors = ['/api/auth/signup', '/api/auth/sign-up/email'];
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) => strict.post(doors[index % 2] ?? '', person(email))),
    );
    for (const [index, { status }] of answers.entries())
      expect([index, status]).toEqual([index, index % 2 ? 200 : 202]);
    expect(await strict.sql('select from "user" where email = $1', [email])).toHaveLength(1);
  });

  it('signing in is refused, to the right password alone in words, and a new link is sent', async () => {
    const email = newEmail();
    await strict.post('/api/auth/signup', person(email));
    const first = tokenIn(await strict.mailbox.next(email));
    expectProblem(await signIns(email, 'not the password').ours(), 'invalid_credentials');
    expect((await signIns(email, 'not the password').betterAuths()).body.code).toBe(
      'INVALID_EMAIL_OR_PASSWORD',
    );
    await mailsAreOut(strict);
    expect(strict.mailbox.to(email)).toHaveLength(1);

    expectProblem(await signIns(email).ours(), 'email_not_verified');
    const second = tokenIn(await strict.mailbox.next(email, 1));
    const refused = await signIns(email).betterAuths();
    expect([refused.status, refused.body.code]).toEqual([403, 'EMAIL_NOT_VERIFIED']);
    const third = tokenIn(await strict.mailbox.next(email, 2));
    for (const old of [first, second]) expectProblem(await confirm(old, strict), 'invalid_link');
    expect((await confirm(third, strict)).status).toBe(200);
    for (const signIn of Object.values(signIns(email))) expect((await signIn()).status).toBe(200);
  });

  it('a reset of the password confirms the e-mail, too', async () => {
    const { email } = await seedAccount(strict);
    await strict.post('/api/auth/forgot-password', { email });
    const token = tokenIn(await strict.mailbox.next(email));
    await strict.post('/api/auth/reset-password', { token, password: `${PASSWORD} 2` });
    expect((await signIns(email, `${PASSWORD} 2`).ours()).status).toBe(200);
  });

  it('who guesses passwords is stopped as ever, and a right one still says what is missing', async () => {
    const { email } = await seedAccount(strict);
    const address = '192.0.2.7';
    const login = (password: string) => strict.post('/api/auth/login', { email, password }, address);
    for (let count = 0; count < 20; count++) expectProblem(await login('wrong'), 'invalid_credentials');
    expectProblem(await login(PASSWORD), 'rate_limited');
  });
});

describe('a mail server that is away', () => {
  it('delays no sign-up: the mail comes when it is back', async () => {
    const away = await startMailedServer();
    await away.mailbox.close();
    const email = newEmail();
    try {
      const { status } = await away.post('/api/auth/signup', { name: 'Ada', email, password: PASSWORD });
      expect(status).toBe(201);
      const [row] = await away.sql<{ waiting: boolean }>('select sealed is not null as waiting from mail');
      expect(row).toEqual({ waiting: true });
      expect((await new Client(away.url).get('/health')).status).toBe(200);
    } finally {
      await away.close();
    }
  });
});
