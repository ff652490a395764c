// Idempotency-Key: the effect of a write and its kept answer are committed together or not at all.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signUp } from './support/client.ts';
import { type Sent, sendKeyed, stateOf } from './support/keyed.ts';
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

const send = (sent: Sent) => sendKeyed(ada, key, sent);

const post = (title: string) => send({ method: 'POST', path: '/api/tasks', json: { title } });

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
    const before = await stateOf(server, ada.user.id);
    await withFault(table, statement, async () => {
      const failed = await post('All or nothing');
      expect([failed.status, failed.body.code]).toEqual([status, code]);
      expect(failed.headers.get('retry-after') !== null).toBe(status === 503);
      expect(failed.text).not.toMatch(/full|late|fault|trigger|sql/i);
    });
    expect(await stateOf(server, ada.user.id)).toEqual(before);
    const { status: next, headers } = await post('All or nothing');
    expect([next, headers.get('idempotency-replayed')]).toEqual([201, null]);
  });

  it('a change whose answer cannot be kept has not happened, and its key stays free', async () => {
    const { body: task } = await ada.post('/api/tasks', { title: 'As it is' });
    const change = {
      method: 'PATCH',
      path: `/api/tasks/${task.id}`,
      json: { title: 'Changed', status: true },
    };
    const before = await stateOf(server, ada.user.id);
    await withFault('idempotency_key', `raise exception 'no'`, async () => {
      expect((await send(change)).status).toBe(500);
    });
    expect(await stateOf(server, ada.user.id)).toEqual(before);
    const { status, body, headers } = await send(change);
    expect([status, body.rev, headers.get('idempotency-replayed')]).toEqual([200, task.rev + 1, null]);
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
