// Owners are told by mail of what signs in to their accounts: a second factor or a passkey that comes or goes, by every door.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, signIn } from './support/accounts.ts';
import { Client, PASSWORD } from './support/client.ts';
import { type MailedServer, mailsAreOut, PUBLIC_URL, startMailedServer } from './support/mailed.ts';
import { Authenticator, nextStep, protect } from './support/two-factor.ts';

let server: MailedServer;

beforeAll(async () => {
  server = await startMailedServer();
});
afterAll(() => server.close());

async function enter() {
  const account = await seedAccount(server);
  return { account, client: await signIn(server.url, account) };
}

/** The first sentences of the mails that have come, once all are out. */
async function toldTo(email: string): Promise<string[]> {
  await mailsAreOut(server);
  return server.mailbox.to(email).map(({ text }) => text.split('\n\n')[0]?.replace(/\s+/g, ' ') ?? '');
}

const at = (email: string) => `your account ${email} at ${PUBLIC_URL}.`;

async function addPasskey(userId: string): Promise<string> {
  const id = randomUUID();
  await server.sql(
    `insert into passkey (id, user_id, public_key, credential_id, counter, device_type, backed_up)
     values ($1, $2, 'key', $1, 0, 'singleDevice', false)`,
    [id, userId],
  );
  return id;
}

describe('the owner is told', () => {
  it('of a second factor that comes and goes through our routes', async () => {
    const { account, client } = await enter();
    const { authenticator } = await protect(client, PASSWORD);
    await nextStep(server, account);
    const off = { password: PASSWORD, code: authenticator.code() };
    expect((await client.delete('/api/account/two-factor', { json: off })).status).toBe(200);
    expect(await toldTo(account.email)).toEqual([
      `A second factor was turned on for ${at(account.email)}`,
      `The second factor was turned off for ${at(account.email)}`,
    ]);
  });

  it('of one that comes and goes through Better Auth’s', async () => {
    const { account, client } = await enter();
    const begun = await client.post('/api/auth/two-factor/enable', { password: PASSWORD });
    const authenticator = new Authenticator(begun.body.totpURI);
    const on = await client.post('/api/auth/two-factor/verify-totp', { code: authenticator.code() });
    expect(on.status).toBe(200);
    await nextStep(server, account);
    const given = { password: PASSWORD, code: authenticator.code() };
    expect((await client.post('/api/auth/two-factor/disable', given)).status).toBe(200);
    expect(await toldTo(account.email)).toEqual([
      `A second factor was turned on for ${at(account.email)}`,
      `The second factor was turned off for ${at(account.email)}`,
    ]);
  });

  it('of a passkey that goes', async () => {
    const { account, client } = await enter();
    const id = await addPasskey(account.id);
    expect((await client.post('/api/auth/passkey/delete-passkey', { id })).status).toBe(200);
    expect(await toldTo(account.email)).toEqual([`A passkey was removed from ${at(account.email)}`]);
    const [mail] = server.mailbox.to(account.email);
    expect(mail?.text).toContain(`${PUBLIC_URL}/account/security`);
    expect(`${mail?.text}${mail?.html}`).not.toContain('Ada');
  });
});

describe('nobody is told', () => {
  it('of what was tried and refused', async () => {
    const { account, client } = await enter();
    const begun = await client.post('/api/account/two-factor', { password: PASSWORD });
    const code = new Authenticator(begun.body.otpauth_uri).wrong();
    expect((await client.post('/api/account/two-factor/confirm', { code })).status).toBe(422);
    const id = await addPasskey(account.id);
    const { client: stranger } = await enter();
    expect((await stranger.post('/api/auth/passkey/delete-passkey', { id })).status).toBe(404);
    expect((await new Client(server.url).post('/api/auth/passkey/delete-passkey', { id })).status).toBe(401);
    expect(await toldTo(account.email)).toEqual([]);
  });

  it('more than five times an hour of the same account', async () => {
    const { account, client } = await enter();
    for (let count = 0; count < 7; count++) {
      const id = await addPasskey(account.id);
      expect((await client.post('/api/auth/passkey/delete-passkey', { id })).status).toBe(200);
    }
    expect(await toldTo(account.email)).toHaveLength(5);
  });
});
