// An account that has a row in every table that there is, by the doors that people use, and the ways to delete it.
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type Account, seedAccount, signIn } from './accounts.ts';
import { makeToken, type TestToken } from './api-tokens.ts';
import { type Answer, type AnyBody, Client } from './client.ts';
import { exportOf, importFile, NDJSON } from './portability.ts';
import type { TestServer } from './server.ts';
import { nextStep, type Protected, protect } from './two-factor.ts';

export const DOORS = ['ours', 'better auth'] as const;
export type Door = (typeof DOORS)[number];

export interface Given {
  password?: unknown;
  code?: unknown;
  recovery_code?: unknown;
}

/** Better Auth's door has one field for both kinds of codes. */
export function deleteAccount(
  client: Client,
  door: Door,
  given: Given,
  headers: Record<string, string> = {},
): Promise<Answer<AnyBody>> {
  if (door === 'ours') return client.delete('/api/account', { json: given, headers });
  const { recovery_code, code = recovery_code, ...rest } = given;
  const json = code === undefined ? rest : { ...rest, code };
  return client.post('/api/auth/delete-user', json, { headers });
}

type SignedIn = Awaited<ReturnType<typeof signIn>>;

export interface Full {
  account: Protected;
  client: SignedIn;
  token: TestToken;
  /** Words by which whatever is the account's would be found. */
  words: string[];
}

async function fillTasks(client: SignedIn, secret: string): Promise<void> {
  const title = `${secret} task`;
  const made = await client.post('/api/tasks', { title }, { headers: { 'idempotency-key': secret } });
  expect(made.status).toBe(201);
  const trashed = await client.post('/api/tasks', { title });
  expect((await client.delete(`/api/tasks/${trashed.body.id}`)).status).toBe(200);
  const imported = await importFile(client, exportOf([{ title }]), { type: NDJSON });
  expect(imported.body.created).toBe(1);
}

/** Sign-ins and registrations that were begun and not ended, wrong guesses, mails with links. */
async function fillBeginnings(server: TestServer, client: SignedIn, account: Account): Promise<void> {
  const { email, password } = account;
  const begun = await new Client(server.url).post('/api/auth/login', { email, password });
  expect(begun.body.code).toBe('two_factor_required');
  expect((await client.get('/api/auth/passkey/generate-register-options')).status).toBe(200);
  const change = { current_password: 'wrong password', new_password: 'a quiet river at dawn' };
  expect((await client.post('/api/account/password', change)).status).toBe(422);
  const asked = await client.post('/api/account/email', {
    new_email: `new-${randomUUID()}@example.com`,
    current_password: password,
  });
  expect(asked.status).toBe(202);
}

/** What cannot be had without a browser or an operator is put there directly. */
async function fillTheRest(server: TestServer, { id, email }: Account): Promise<void> {
  await server.sql(
    `insert into passkey (id, user_id, public_key, credential_id, counter, device_type, backed_up)
     values ($1, $2, 'key', $1, 0, 'singleDevice', false)`,
    [randomUUID(), id],
  );
  await server.sql(
    `with invited as (insert into invitation (id, token_hash, email, expires_at, used_at, used_by)
       values ($1::text, sha256(convert_to($1::text, 'UTF8')), $2::text, now() + interval '1 day', now(), $3::text) returning id)
     update "user" set invitation_id = $1::text where id = $3::text and exists (select from invited)`,
    [randomUUID(), email, id],
  );
}

export async function fullAccount(server: TestServer): Promise<Full> {
  const seeded = await seedAccount(server);
  const secret = `secret-${randomUUID()}`;
  const client = await signIn(server.url, seeded);
  expect((await client.patch('/api/account', { name: `${secret} name` })).status).toBe(200);
  const factor = await protect(client, seeded.password);
  await nextStep(server, seeded);
  const account = { ...seeded, ...factor };
  await fillTasks(client, secret);
  const token = await makeToken(client, ['tasks:read', 'tasks:write']);
  await fillBeginnings(server, client, account);
  await fillTheRest(server, account);
  return { account, client, token, words: [seeded.id, seeded.email, secret, client.session.id, token.id] };
}
