// Requests with an Idempotency-Key, and what must be true of the answer to a repeated one.
import { expect } from 'vitest';
import type { Answer, AnyBody, Client } from './client.ts';
import type { TestServer } from './server.ts';

export interface Sent {
  method: string;
  path: string;
  json?: unknown;
  body?: string;
  headers?: Record<string, string>;
}

export function sendKeyed(
  by: Client,
  key: string,
  { method, path, headers, ...rest }: Sent,
): Promise<Answer<AnyBody>> {
  return by.request(method, path, { ...rest, headers: { 'idempotency-key': key, ...headers } });
}

/** All of a user's tasks, and the row with revision and counters. */
export async function stateOf(server: TestServer, userId: string): Promise<AnyBody> {
  const tasks = await server.sql('select * from task where user_id = $1 order by id', [userId]);
  const rows = await server.sql('select * from user_sync where user_id = $1', [userId]);
  return { tasks, rows };
}

export function expectReplay(first: Answer<AnyBody>, again: Answer<AnyBody>): void {
  expect([again.status, again.text]).toEqual([first.status, first.text]);
  for (const name of ['content-type', 'etag', 'location'])
    expect([name, again.headers.get(name)]).toEqual([name, first.headers.get(name)]);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
}
