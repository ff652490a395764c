// A lost password: asked for alike by everybody, mailed to the owner alone, chosen anew once.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, seedClient, signIn } from './support/accounts.ts';
import { Client, PASSWORD } from './support/client.ts';
import { connected, openSocket } from './support/follower.ts';
import {
  anyAddress,
  linkIn,
  type MailedServer,
  mailsAreOut,
  newEmail,
  PUBLIC_URL,
  resetToken,
  startMailedServer,
  tokenIn,
} from './support/mailed.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { seedProtected } from './support/two-factor.ts';

const NEW = 'a quiet river at dawn';
let server: MailedServer;

beforeAll(async () => {
  server = await startMailedServer();
});
afterAll(() => server.close());

const forgot = (email: string, address?: string) =>
  server.post('/api/auth/forgot-password', { email }, address);
const reset = (token: string, password = NEW) => server.post('/api/auth/reset-password', { token, password });
const login = (email: string, password: string) => server.post('/api/auth/login', { email, password });
const userOf = async (id: string) =>
  (await server.sql<{ email_verified: boolean }>('select * from "user" where id = $1', [id]))[0];
const eventsOf = async (id: string) =>
  (
    await server.sql<{ kind: string }>('select kind from security_event where user_id = $1 order by id', [id])
  ).map(({ kind }) => kind);

describe('the way back in', () => {
  it('is a link in a mail: a new password, all sessions and sockets ended, the e-mail confirmed, the owner told', async () => {
    const ada = await seedClient(server);
    const { email } = ada.account;
    const elsewhere = await signIn(server.url, ada.account);
    const socket = openSocket(server.url, { token: ada.accessToken });
    await connected(socket);

    const asked = await forgot(email.toUpperCase());
    expect([asked.status, asked.body]).toEqual([202, { message: expect.any(String) }]);
    const mail = await server.mailbox.next(email);
    expect(linkIn(mail)).toBe(`${PUBLIC_URL}/reset-password#token=${tokenIn(mail)}`);

    const answer = await reset(tokenIn(mail));
    expect([answer.status, answer.body]).toEqual([200, { message: expect.any(String) }]);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expectProblem(await login(email, PASSWORD), 'invalid_credentials');
    expect((await login(email, NEW)).status).toBe(200);
    for (const client of [ada, elsewhere]) expectProblem(await client.get('/api/tasks'), 'unauthenticated');
    await until(() => socket.received.some(([name]) => name === 'session:revoked'), 'the socket to be told');
    socket.disconnect();
    expect(await userOf(ada.account.id)).toMatchObject({ email_verified: true });
    const notice = await server.mailbox.next(email, 1);
    expect(notice.headers.get('subject')).toBe('The password of your Donewell account was changed');
    expect(await eventsOf(ada.account.id)).toEqual(
      expect.arrayContaining(['password_reset_requested', 'password_reset']),
    );
  });

  it('is no way around the second factor', async () => {
    const { account } = await seedProtected(server);
    expect((await reset(await resetToken(server, account.email))).status).toBe(200);
    expectProblem(await login(account.email, NEW), 'two_factor_required');
  });

  it('opens an account that never had a password', async () => {
    const id = randomUUID();
    const email = newEmail();
    await server.sql(`insert into "user" (id, name, email, email_verified) values ($1, 'Ada', $2, true)`, [
      id,
      email,
    ]);
    await server.sql(
      `insert into account (id, account_id, provider_id, user_id) values ($1, 'sub-1', 'google', $2)`,
      [randomUUID(), id],
    );
    expect((await reset(await resetToken(server, email))).status).toBe(200);
    expect((await login(email, NEW)).status).toBe(200);
    const ways = await server.sql<{ provider_id: string }>(
      'select provider_id from account where user_id = $1 order by provider_id',
      [id],
    );
    expect(ways.map(({ provider_id }) => provider_id)).toEqual(['credential', 'google']);
  });

  it('is shut to the strangers who signed up with the address before its owner had confirmed it', async () => {
    const { id, email } = await seedAccount(server);
    await server.sql(
      `insert into account (id, account_id, provider_id, user_id) values ($1, 'stranger', 'github', $2)`,
      [randomUUID(), id],
    );
    await server.sql(
      `insert into api_token (user_id, id, token_hash, hint, name, scopes, expires_at)
       values ($1, gen_random_uuid()::text, sha256('x'), 'x', 'x', array['tasks:read'], now() + interval '1 day')`,
      [id],
    );
    await server.sql(
      `insert into passkey (id, user_id, public_key, credential_id, counter, device_type, backed_up)
       values (gen_random_uuid()::text, $1, 'x', $2, 0, 'singleDevice', false)`,
      [id, randomUUID()],
    );
    await reset(await resetToken(server, email));
    const [left] = await server.sql<{ ways: number; tokens: number; passkeys: number }>(
      `select (select count(*) from account where user_id = $1)::integer as ways,
              (select count(*) from api_token where user_id = $1)::integer as tokens,
              (select count(*) from passkey where user_id = $1)::integer as passkeys`,
      [id],
    );
    expect(left).toEqual({ ways: 1, tokens: 0, passkeys: 0 });
  });
});

describe('a link', () => {
  it('that is used 16 times at once works once', async () => {
    const { id, email } = await seedAccount(server);
    const token = await resetToken(server, email);
    const passwords = Array.from({ length: 16 }, (_, index) => `${NEW} ${index}`);
    const answers = await Promise.all(passwords.map((password) => reset(token, password)));
    const right = passwords.filter((_, index) => answers[index]?.status === 200);
    expect(right).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200))
      expectProblem(answer, 'invalid_link');
    expect((await login(email, right[0] ?? '')).status).toBe(200);
    expect((await eventsOf(id)).filter((kind) => kind === 'password_reset')).toHaveLength(1);
  });

  it('makes those before it invalid', async () => {
    const { email } = await seedAccount(server);
    const first = await resetToken(server, email);
    const second = await resetToken(server, email);
    expectProblem(await reset(first), 'invalid_link');
    expect((await reset(second)).status).toBe(200);
  });

  it('is dead once the password has been changed by other means', async () => {
    const ada = await seedClient(server);
    const token = await resetToken(server, ada.account.email);
    const change = { currentPassword: PASSWORD, newPassword: `${NEW} 2` };
    expect((await ada.post('/api/auth/change-password', change)).status).toBe(200);
    expectProblem(await reset(token), 'invalid_link');
    expect((await login(ada.account.email, `${NEW} 2`)).status).toBe(200);
  });

  it('is dead after an hour, and goes with what has had its time', async () => {
    const { id, email } = await seedAccount(server);
    const token = await resetToken(server, email);
    const [{ minutes } = { minutes: 0 }] = await server.sql<{ minutes: number }>(
      'select round(extract(epoch from expires_at - now()) / 60)::integer as minutes from mailed_link where user_id = $1',
      [id],
    );
    expect(minutes).toBe(60);
    await server.sql('update mailed_link set expires_at = now() where user_id = $1', [id]);
    expectProblem(await reset(token), 'invalid_link');
    expect((await login(email, PASSWORD)).status).toBe(200);
  });

  it('is dead while the account is disabled, and none is sent then', async () => {
    const { id, email } = await seedAccount(server);
    const token = await resetToken(server, email);
    await server.sql('update "user" set disabled_at = now() where id = $1', [id]);
    expectProblem(await reset(token), 'invalid_link');
    expect((await forgot(email)).status).toBe(202);
    await mailsAreOut(server);
    expect(server.mailbox.to(email)).toHaveLength(1);
  });

  it('is not used up by a password that is refused', async () => {
    const { email } = await seedAccount(server);
    const token = await resetToken(server, email);
    for (const password of ['short', 'password123', 'x'.repeat(73)]) {
      const { errors } = expectProblem(await reset(token, password), 'validation_error');
      expect(errors?.map(({ path }) => path)).toEqual(['password']);
    }
    expect((await reset(token)).status).toBe(200);
  });

  it('is not used up by those who look at it: scanners, previews, prefetching', async () => {
    const { email } = await seedAccount(server);
    await forgot(email);
    const link = new URL(linkIn(await server.mailbox.next(email)));
    const path = link.pathname.replace('/app', '');
    for (const method of ['GET', 'HEAD']) await new Client(server.url).request(method, path);
    expect((await reset(link.hash.slice('#token='.length))).status).toBe(200);
  });

  it.each(['', 'x', 'A'.repeat(32), 'A'.repeat(4_096), `${'A'.repeat(31)}'`, '../../etc', 'é'.repeat(32)])(
    'that was never sent is refused: %j',
    async (token) => {
      expectProblem(await reset(token), 'invalid_link');
    },
  );

  it('is kept as a hash alone, in no log, and not in the mail that was sent', async () => {
    const { id, email } = await seedAccount(server);
    const token = await resetToken(server, email);
    await mailsAreOut(server);
    const tables = await server.sql<{ text: string }>(
      `select coalesce(string_agg(l::text, ''), '') || (select string_agg(m::text, '') from mail m) ||
              (select string_agg(e::text, '') from security_event e) as text
       from mailed_link l`,
    );
    for (const secret of [token, Buffer.from(token).toString('hex')])
      expect(tables[0]?.text).not.toContain(secret);
    expect(tables[0]?.text).toContain(id);
    expect(server.logs.join('')).not.toContain(token);
    expect(server.logs.join('')).not.toContain(email);
  });
});

describe('asking', () => {
  it('says the same, and does the same work, whether or not there is such an account', async () => {
    const { email } = await seedAccount(server);
    const unknown = newEmail();
    await server.sql(
      'create table posted as select kind, user_id, octet_length(sealed) as size from mail limit 0',
    );
    await server.sql(`create function note_posted() returns trigger language plpgsql as $$ begin
      insert into posted values (new.kind, new.user_id, octet_length(new.sealed)); return null; end $$`);
    await server.sql('create trigger noted after insert on mail for each row execute function note_posted()');
    const address = anyAddress();
    const answers = [await forgot(email, address), await forgot(unknown, address)];
    const work = await server.sql('select * from posted');
    await server.sql('drop trigger noted on mail');
    const told = answers.map(({ status, text, headers }) => [
      status,
      text,
      [...headers.keys()].filter((name) => name !== 'x-request-id'),
    ]);
    expect(told[0]).toEqual(told[1]);
    // One row each, and no look at the accounts: who a mail is for is found out later, by another hand.
    expect(work).toHaveLength(2);
    expect(work[0]).toEqual(work[1]);
    await mailsAreOut(server);
    expect(await server.sql(`select from mail where kind = 'password_reset' and user_id is null`)).toEqual(
      [],
    );
    expect([server.mailbox.to(email).length, server.mailbox.to(unknown).length]).toEqual([1, 0]);
  });

  it('buries no mailbox: after five in an hour nothing more comes, though the answer is the same', async () => {
    const { email } = await seedAccount(server);
    const answers = [];
    for (let count = 0; count < 8; count++) answers.push(await forgot(email));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    await mailsAreOut(server);
    const mails = server.mailbox.to(email);
    // Fewer when one is asked for before the last has left: then that one is taken back.
    expect(mails.length).toBeGreaterThan(0);
    expect(mails.length).toBeLessThanOrEqual(5);
    // The newest of them works: who asks in somebody's stead cannot keep the owner out.
    const results = await Promise.all(mails.map((mail) => reset(tokenIn(mail))));
    expect(results.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('is limited for an address, whomever it asks for', async () => {
    const address = anyAddress();
    for (let count = 0; count < 20; count++) expect((await forgot(newEmail(), address)).status).toBe(202);
    expectProblem(await forgot(newEmail(), address), 'rate_limited');
    expect((await forgot(newEmail())).status).toBe(202);
  });

  it.each([[{}], [{ email: 1 }], [{ email: 'ada' }], [{ email: 'ada@example.com\r\nBcc: eve@example.com' }]])(
    'for what is no e-mail is refused: %j',
    async (body) => {
      expectProblem(await server.post('/api/auth/forgot-password', body), 'validation_error');
    },
  );
});
