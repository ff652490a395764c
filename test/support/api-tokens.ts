// API tokens for tests: made through the API by a signed-in client, and used by a client that has nothing else.
import { Client } from './client.ts';

export interface TestToken {
  id: string;
  token: string;
  hint: string;
}

export async function makeToken(owner: Client, scopes: string[], more: object = {}): Promise<TestToken> {
  const { status, body, text } = await owner.post('/api/account/tokens', { name: 'Test', scopes, ...more });
  if (status !== 201) throw new Error(`A token was refused with ${status}: ${text}`);
  return body;
}

export function tokenClient(url: string, { token }: Pick<TestToken, 'token'>): Client {
  const client = new Client(url);
  client.bearer = token;
  return client;
}
