// Asking whether a link can still be used: the answer uses nothing up, and tells nobody more than the link itself would.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount } from './support/accounts.ts';
import { Client, PASSWORD } from './support/client.ts';
import { type MailedServer, newEmail, resetToken, startMailedServer, tokenIn } from './support/mailed.ts';
import { databaseUrl } from './support/nodes.ts';
import { Judge } from './support/openapi.ts';
import { expectProblem } from './support/problem.ts';
import { runScript } from './support/process.ts';
import { startServer } from './support/server.ts';

const ADMIN = path.resolve(import.meta.dirname, '../scripts/admin.ts');
const UNKNOWN = 'A'.repeat(32);
let server: MailedServer;

beforeAll(async () => {
  server = await startMailedServer({ SIGNUP: 'invite' });
});
afterAll(() => server.close());

const ask = (purpose: string, token: unknown) => server.post('/api/auth/check-link', { purpose, token });
async function isLive(purpose: string, token: string): Promise<boolean> {
  const { status, body } = await ask(purpose, token);
  expect([status, Object.keys(body)]).toEqual([200, ['valid']]);
  return body.valid;
}

async function newInvitation(...args: string[]): Promise<string> {
  const env = { DATABASE_URL: databaseUrl(server.connection), DEBUG: 'true', PUBLIC_URL: server.url };
  const { stdout } = await runScript({ script: ADMIN, args: ['invitation', 'create', ...args], env });
  return /#invitation=(\S+)/.exec(stdout)?.[1] ?? '';
}

describe('a link to choose a new password', () => {
  it('is live until it is used, however often that is asked, and for its own page alone', async () => {
    const { email } = await seedAccount(server);
    const token = await resetToken(server, email);
    for (let round = 0; round < 3; round++) expect(await isLive('reset-password', token)).toBe(true);
    expect(await isLive('verify-email', token)).toBe(false);
    expect(await isLive('invitation', token)).toBe(false);
    const password = 'a quiet river at dawn';
    expect((await server.post('/api/auth/reset-password', { token, password })).status).toBe(200);
    expect(await isLive('reset-password', token)).toBe(false);
  });

  it('is not live when it is too old, or a newer one was sent', async () => {
    const { email, id } = await seedAccount(server);
    const first = await resetToken(server, email);
    const second = await resetToken(server, email);
    expect([await isLive('reset-password', first), await isLive('reset-password', second)]).toEqual([
      false,
      true,
    ]);
    await server.sql("update mailed_link set expires_at = now() - interval '1 second' where user_id = $1", [
      id,
    ]);
    expect(await isLive('reset-password', second)).toBe(false);
  });
});

describe('a link that confirms an e-mail', () => {
  it('is live until it is used', async () => {
    const account = await seedAccount(server);
    const client = new Client(server.url);
    await client.post('/api/auth/login', { email: account.email, password: PASSWORD });
    expect((await client.post('/api/account/verify-email')).status).toBe(202);
    const token = tokenIn(await server.mailbox.next(account.email));
    expect([await isLive('verify-email', token), await isLive('reset-password', token)]).toEqual([
      true,
      false,
    ]);
    expect((await server.post('/api/auth/verify-email', { token })).status).toBe(200);
    expect(await isLive('verify-email', token)).toBe(false);
  });
});

describe('an invitation', () => {
  it('is live until it is used, where invitations are needed', async () => {
    const code = await newInvitation();
    expect(code).not.toBe('');
    expect(await isLive('invitation', code)).toBe(true);
    const up = { name: 'Grace', email: newEmail(), password: PASSWORD, invitation: code };
    expect((await server.post('/api/auth/signup', up)).status).toBe(201);
    expect(await isLive('invitation', code)).toBe(false);
  });

  it.each([
    ['open', true],
    ['closed', false],
  ] as const)('is beside the point where sign-up is %s', async (SIGNUP, valid) => {
    const node = await startServer({ env: { SIGNUP }, connection: server.connection });
    const client = new Client(node.url);
    const { body } = await client.post('/api/auth/check-link', { purpose: 'invitation', token: UNKNOWN });
    expect(body).toEqual({ valid });
    expect((await client.get('/api/auth/providers')).body).toEqual({ providers: [], sign_up: SIGNUP });
    await node.close();
  });
});

describe('a link that never was', () => {
  it.each(['reset-password', 'verify-email', 'invitation'])('is not live: %s', async (purpose) => {
    for (const token of ['', UNKNOWN, 'x'.repeat(10_000), 'é', '../x'])
      expect(await isLive(purpose, token)).toBe(false);
  });

  it('of no known page, or without a token, is invalid input', async () => {
    expectProblem(await ask('somewhere', UNKNOWN), 'validation_error');
    expectProblem(await ask('invitation', 7), 'validation_error');
    expectProblem(await server.post('/api/auth/check-link', {}), 'validation_error');
  });

  it('is answered as the document says', async () => {
    const judge = new Judge((await new Client(server.url).get('/openapi.json')).body);
    for (const [answer, status] of [
      [await ask('invitation', UNKNOWN), 200],
      [await ask('x', UNKNOWN), 422],
    ] as const) {
      expect(answer.status).toBe(status);
      judge.expectDocumented('POST', '/api/auth/check-link', { ...answer, body: answer.text } as never);
    }
  });
});
