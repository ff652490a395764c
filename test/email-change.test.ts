// Another e-mail for an account: asked for with the password, confirmed at the new address, told to the old one.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, seedClient, signIn } from './support/accounts.ts';
import { PASSWORD } from './support/client.ts';
import {
  type MailedServer,
  mailsAreOut,
  newEmail,
  resetToken,
  startMailedServer,
  tokenIn,
} from './support/mailed.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';

let server: MailedServer;
type Member = Awaited<ReturnType<typeof seedClient>>;

beforeAll(async () => {
  server = await startMailedServer();
});
afterAll(() => server.close());

const change = (ada: Member, new_email: string, current_password = PASSWORD) =>
  ada.post('/api/account/email', { new_email, current_password });
const confirm = (token: string) => server.post('/api/auth/verify-email', { token });
const emailOf = async ({ account }: Member) =>
  (await server.sql<{ email: string }>('select email from "user" where id = $1', [account.id]))[0]?.email;
const subjects = (address: string) => server.mailbox.to(address).map(({ headers }) => headers.get('subject'));

async function changeToken(ada: Member, email: string): Promise<string> {
  const before = server.mailbox.to(email).length;
  expect((await change(ada, email)).status).toBe(202);
  return tokenIn(await server.mailbox.next(email, before));
}

describe('a change', () => {
  it('is confirmed by a link to the new address, by whoever opens it; sessions stay; the old address is told twice', async () => {
    const ada = await seedClient(server);
    const { email: old } = ada.account;
    const email = newEmail();
    const asked = await change(ada, email.toUpperCase());
    expect([asked.status, asked.body]).toEqual([202, { message: expect.any(String) }]);
    const token = tokenIn(await server.mailbox.next(email));
    expect((await server.mailbox.next(old)).text).toContain(email);
    expect(await emailOf(ada)).toBe(old);

    const confirmed = await confirm(token);
    expect([confirmed.status, confirmed.body]).toEqual([
      200,
      { message: expect.any(String), email, email_verified: true },
    ]);
    await server.mailbox.next(old, 1);
    expect(subjects(old)).toEqual([
      'Your Donewell account is to get a new e-mail',
      'The e-mail of your Donewell account was changed',
    ]);
    expect((await ada.get('/api/account')).body).toMatchObject({ email, email_verified: true });
    expectProblem(await confirm(token), 'invalid_link');
    await signIn(server.url, { ...ada.account, email });
    expectProblem(
      await server.post('/api/auth/login', { email: old, password: PASSWORD }),
      'invalid_credentials',
    );
  });

  it('needs the password, an e-mail, and another one', async () => {
    const ada = await seedClient(server);
    const refused = async (answer: ReturnType<typeof change>) =>
      expectProblem(await answer, 'validation_error').errors?.map(({ path }) => path);
    expect(await refused(change(ada, newEmail(), 'wrong password'))).toEqual(['current_password']);
    expect(await refused(change(ada, 'x'))).toEqual(['new_email']);
    expect(await refused(change(ada, ada.account.email))).toEqual(['new_email']);
    expectProblem(await server.post('/api/account/email', {}), 'unauthenticated');
    await mailsAreOut(server);
    expect(server.mailbox.to(ada.account.email)).toEqual([]);
  });

  it('to an address that is taken is answered alike: its owner is told, and nothing happens', async () => {
    const [ada, bob] = [await seedClient(server), await seedClient(server)];
    const other = await seedAccount(server);
    const free = newEmail();
    const [taken, open] = [await change(ada, other.email), await change(bob, free)];
    expect([taken.status, taken.text]).toEqual([open.status, open.text]);
    await server.mailbox.next(free);
    const notice = await server.mailbox.next(other.email);
    expect(notice.headers.get('subject')).toBe('You already have a Donewell account');
    expect(notice.raw).not.toMatch(/token=/);
    expect(notice.raw).not.toContain(ada.account.email);
    expect(await emailOf(ada)).toBe(ada.account.email);
  });

  it('to an address that somebody takes meanwhile does not happen', async () => {
    const ada = await seedClient(server);
    const email = newEmail();
    const token = await changeToken(ada, email);
    await seedAccount(server, { email });
    expectProblem(await confirm(token), 'invalid_link');
    expect(await emailOf(ada)).toBe(ada.account.email);
  });

  it('of two accounts to one address happens to one of them', async () => {
    const email = newEmail();
    const members = [await seedClient(server), await seedClient(server)];
    const tokens = [
      await changeToken(members[0] as Member, email),
      await changeToken(members[1] as Member, email),
    ];
    const answers = await Promise.all(tokens.map(confirm));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 410]);
    const emails = await Promise.all(members.map(emailOf));
    expect(emails.filter((now) => now === email)).toHaveLength(1);
  });
});

describe('a link to the new address', () => {
  it('works once of 16 times at once', async () => {
    const ada = await seedClient(server);
    const email = newEmail();
    const token = await changeToken(ada, email);
    const answers = await Promise.all(Array.from({ length: 16 }, () => confirm(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(15).fill(410)]);
  });

  it('is dead when another address is asked for, and when the password changes', async () => {
    const ada = await seedClient(server);
    const first = await changeToken(ada, newEmail());
    const second = await changeToken(ada, newEmail());
    expectProblem(await confirm(first), 'invalid_link');
    const passwords = { currentPassword: PASSWORD, newPassword: `${PASSWORD} 2` };
    expect((await ada.post('/api/auth/change-password', passwords)).status).toBe(200);
    expectProblem(await confirm(second), 'invalid_link');
    expect(await emailOf(ada)).toBe(ada.account.email);
  });

  it('is dead when the owner chooses a new password by mail: whoever asked with a stolen one is out', async () => {
    const thief = await seedClient(server);
    const { email } = thief.account;
    const token = await changeToken(thief, newEmail());
    const reset = await resetToken(server, email);
    expect(
      (await server.post('/api/auth/reset-password', { token: reset, password: `${PASSWORD} 2` })).status,
    ).toBe(200);
    expectProblem(await confirm(token), 'invalid_link');
    expectProblem(await thief.get('/api/account'), 'unauthenticated');
  });

  it('is not made by who was still asking when a new password ended their session', async () => {
    const thief = await seedClient(server);
    const { id } = thief.account;
    const holder = new pg.Client(server.connection);
    await holder.connect();
    try {
      // As a new password does it: the owner's row first, then the sessions.
      await holder.query('begin');
      await holder.query('select from "user" where id = $1 for update', [id]);
      const asked = change(thief, newEmail());
      const waiting = () =>
        server.sql(
          `select 1 from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock' and query ~ 'for key share'`,
        );
      await until(async () => (await waiting()).length === 1, 'the change');
      await holder.query('delete from session where user_id = $1', [id]);
      await holder.query('commit');
      expectProblem(await asked, 'unauthenticated');
      expect(await server.sql('select from mailed_link where user_id = $1', [id])).toEqual([]);
    } finally {
      await holder.end();
    }
  });

  it('kills those to the old one', async () => {
    const ada = await seedClient(server);
    const reset = await resetToken(server, ada.account.email);
    expect((await confirm(await changeToken(ada, newEmail()))).status).toBe(200);
    expectProblem(
      await server.post('/api/auth/reset-password', { token: reset, password: `${PASSWORD} 2` }),
      'invalid_link',
    );
  });
});

describe('asking', () => {
  it('is limited for an account', async () => {
    const ada = await seedClient(server);
    for (let count = 0; count < 10; count++) expect((await change(ada, newEmail())).status).toBe(202);
    expectProblem(await change(ada, newEmail()), 'rate_limited');
  });
});
