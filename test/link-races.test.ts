// Everything that changes or opens one account, at once: nothing fails, nobody waits in a circle, and the last word stands.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedClient, signIn } from './support/accounts.ts';
import { PASSWORD } from './support/client.ts';
import { type MailedServer, newEmail, resetToken, startMailedServer, tokenIn } from './support/mailed.ts';

let server: MailedServer;

beforeAll(async () => {
  server = await startMailedServer();
});
afterAll(() => server.close());

const login = (email: string, password: string) => server.post('/api/auth/login', { email, password });

describe('at once with a reset', () => {
  it('sign-ins with the old password leave no session behind', async () => {
    const ada = await seedClient(server);
    const { id, email } = ada.account;
    const token = await resetToken(server, email);
    const answers = await Promise.all([
      server.post('/api/auth/reset-password', { token, password: `${PASSWORD} 2` }),
      ...Array.from({ length: 12 }, () => login(email, PASSWORD)),
    ]);
    expect(answers[0]?.status).toBe(200);
    for (const { status } of answers.slice(1)) expect([200, 401]).toContain(status);
    // Those that were let in before it are out again, and those that came later never were in.
    expect(await server.sql('select from session where user_id = $1', [id])).toEqual([]);
    expect((await login(email, `${PASSWORD} 2`)).status).toBe(200);
  });

  it('changes of password and e-mail, sign-outs and further requests all end, each in words of its own', async () => {
    for (let round = 0; round < 5; round++) {
      const ada = await seedClient(server);
      const { account } = ada;
      const others = await Promise.all([1, 2, 3].map(() => signIn(server.url, account)));
      const email = newEmail();
      await ada.post('/api/account/email', { new_email: email, current_password: PASSWORD });
      const change = tokenIn(await server.mailbox.next(email));
      const reset = await resetToken(server, account.email);
      const confirm = () => server.post('/api/auth/verify-email', { token: change });
      const answers = await Promise.all([
        server.post('/api/auth/reset-password', { token: reset, password: `${PASSWORD} reset` }),
        server.post('/api/auth/reset-password', { token: reset, newPassword: `${PASSWORD} reset` }),
        ada.post('/api/account/password', {
          current_password: PASSWORD,
          new_password: `${PASSWORD} changed`,
        }),
        others[0]?.post('/api/auth/change-password', {
          currentPassword: PASSWORD,
          newPassword: `${PASSWORD} other`,
          revokeOtherSessions: true,
        }),
        others[1]?.delete('/api/account/sessions'),
        others[2]?.post('/api/auth/logout'),
        confirm(),
        confirm(),
        server.post('/api/auth/forgot-password', { email: account.email }),
        ada.post('/api/account/verify-email'),
        ada.post('/api/account/email', { new_email: newEmail(), current_password: PASSWORD }),
        login(account.email, PASSWORD),
      ]);
      const statuses = answers.map((answer) => answer?.status ?? 0);
      for (const [index, status] of statuses.entries())
        expect([round, index, status < 500, status]).toEqual([round, index, true, status]);
      // Of all that would set a password one has, or a new e-mail came first and the links were dead.
      const [row] = await server.sql<{ email: string }>('select email from "user" where id = $1', [
        account.id,
      ]);
      const passwords = [`${PASSWORD} reset`, `${PASSWORD} changed`, `${PASSWORD} other`, PASSWORD];
      const opened = await Promise.all(passwords.map((password) => login(row?.email ?? '', password)));
      expect(opened.filter(({ status }) => status === 200)).toHaveLength(1);
    }
    const [{ deadlocks } = { deadlocks: -1 }] = await server.sql<{ deadlocks: number }>(
      'select deadlocks::integer from pg_stat_database where datname = current_database()',
    );
    expect(deadlocks).toBe(0);
    expect(server.logs.filter((line) => /"level":(50|60)/.test(line))).toEqual([]);
  });
});
