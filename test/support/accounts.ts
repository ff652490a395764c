// Accounts put into the database directly: their passwords are hashed cheaply, so that a test can sign in often.
import { randomUUID } from 'node:crypto';
import bcrypt from 'bcrypt';
import { Client, PASSWORD } from './client.ts';
import type { TestServer } from './server.ts';

export type Account = { id: string; email: string; password: string };

export interface AccountOptions {
  email?: string;
  password?: string;
  /** Of bcrypt: each step doubles the time of a sign-in. */
  cost?: number;
}

export async function seedAccount(
  server: Pick<TestServer, 'sql'>,
  { email = `${randomUUID()}@example.com`, password = PASSWORD, cost = 4 }: AccountOptions = {},
): Promise<Account> {
  const id = randomUUID();
  const hash = await bcrypt.hash(password, cost);
  await server.sql(
    `with made as (insert into "user" (id, name, email) values ($1, 'Ada', $2) returning id)
     insert into account (id, account_id, provider_id, user_id, password_hash) select $3, id, 'credential', id, $4 from made`,
    [id, email, randomUUID(), hash],
  );
  return { id, email, password };
}

/** A client with the account's cookie and `accessToken`, signed in through our own door. */
export async function signIn(url: string, account: Account, headers: Record<string, string> = {}) {
  const client = new Client(url);
  const { email, password } = account;
  const { status, body, text } = await client.post('/api/auth/login', { email, password }, { headers });
  if (status !== 200) throw new Error(`Sign-in failed with ${status}: ${text}`);
  return Object.assign(client, {
    user: body.user as { id: string; email: string },
    session: body.session as { id: string; expires_at: string },
    accessToken: body.access_token as string,
  });
}

/** A seeded account, signed in. */
export async function seedClient(server: TestServer, options: AccountOptions = {}) {
  const account = await seedAccount(server, options);
  return Object.assign(await signIn(server.url, account), { account });
}
