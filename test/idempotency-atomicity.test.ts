// Idempotency-Key: the effect of a write and its kept answer are committed together or not at all.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnyBody, type Client, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
let key: string;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
});
afterAll(() => server.close());
beforeEach(() => {
  key = randomUUID();
});

interface Sent {
  method: string;
  path: string;
  json?: unknown;
  body?: string;
  headers?: Record<string, string>;
}

const send = ({ method, path, headers, ...rest }: Sent, by: Client = ada, under = key) =>
  by.request(method, path, { ...rest, headers: { 'idempotency-key': under, ...headers } });

const post = (title: string, by: Client = ada, under = key) =>
  send({ method: 'POST', path: '/api/tasks', json: { title } }, by, under);

async function stateOf(user: { user: AnyBody } = ada): Promise<AnyBody> {
  const tasks = await server.sql('select * from task where user_id = $1 order by id', [user.user.id]);
  const rows = await server.sql('select * from user_sync where user_id = $1', [user.user.id]);
  return { tasks, rows };
}

describe('effect and answer are one', () => {
  /** Makes every insert into a table end in what `statement` does, while `run` runs. */
  async function withFault(table: string, statement: string, run: () => Promise<void>): Promise<void> {
    await server.sql(
      `create or replace function fault() returns trigger language plpgsql as $$ begin ${statement}; return new; end $$`,
    );
    await server.sql(`create trigger fault before insert on ${table} for each row execute function fault()`);
    try {
      await run();
    } finally {
      await server.sql(`drop trigger fault on ${table}`);
    }
  }

  it.each([
    ['the answer cannot be kept', 'idempotency_key', `raise exception 'no'`, 500, 'internal_error'],
    [
      'the disk is full when the answer is kept',
      'idempotency_key',
      `raise exception 'full' using errcode = '53100'`,
      503,
      'database_error',
    ],
    [
      'the connection breaks when the answer is kept',
      'idempotency_key',
      'perform pg_terminate_backend(pg_backend_pid())',
      503,
      'database_error',
    ],
    ['a time-out hits the task', 'task', `raise exception 'late' using errcode = '57014'`, 503, 'overloaded'],
  ])('when %s, nothing is written and the key stays free', async (_what, table, statement, status, code) => {
    const before = await stateOf();
    await withFault(table, statement, async () => {
      const failed = await post('All or nothing');
      expect([failed.status, failed.body.code]).toEqual([status, code]);
      expect(failed.headers.get('retry-after') !== null).toBe(status === 503);
      expect(failed.text).not.toMatch(/full|late|fault|trigger|sql/i);
    });
    expect(await stateOf()).toEqual(before);
    const { status: next, headers } = await post('All or nothing');
    expect([next, headers.get('idempotency-replayed')]).toEqual([201, null]);
  });

  it('a refusal that cannot be kept is not half kept', async () => {
    const request = { method: 'DELETE', path: '/api/tasks/999999' };
    await withFault('idempotency_key', `raise exception 'no' using errcode = '53100'`, async () => {
      expect((await send(request)).status).toBe(503);
    });
    const { status, headers } = await send(request);
    expect([status, headers.get('idempotency-replayed')]).toEqual([404, null]);
  });

  it('every answer that was kept has its task, and every task has one revision', async () => {
    const lost = await server.sql(
      `select key from idempotency_key k where status = 201
         and not exists (select from task t where t.user_id = k.user_id and t.id = (k.body::jsonb->>'id')::bigint)`,
    );
    expect(lost).toEqual([]);
  });
});
