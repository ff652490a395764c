// Prepared readers share a few connections: a slow one there holds up nobody who comes once that is known.
import pg, { type ClientConfig } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sessionsByToken } from '../src/auth/repository.ts';
import { statementPool } from '../src/database/connection.ts';
import { Database } from '../src/database/database.ts';
import { Lanes } from '../src/database/lanes.ts';
import { ObjectRows } from '../src/database/rows.ts';
import { read } from '../src/database/statement.ts';
import { sendStatement } from '../src/database/statement-query.ts';
import { createDatabase } from './support/server.ts';

const LOCK = 4711;
const CONNECTIONS = 2;
const WAITS = { name: 'waits', text: 'select pg_advisory_xact_lock_shared($1)::text as done' };
const QUICK = { name: 'quick', text: 'select $1::integer as number' };
/** What the connection has counted so far is otherwise told a second later. */
const tellCounts = read('tell_counts', 'select pg_stat_force_next_flush()::text');
/** How often the users were read from end to end, and how many sessions by the index of their ends. */
const readingsOfMany = read<{ users: number; sessions: number }>(
  'readings_of_many',
  `select u.seq_scan as users, s.idx_tup_read as sessions from pg_stat_user_tables u, pg_stat_user_indexes s
   where u.relname = 'user' and s.indexrelname = 'session_expires_at_idx'`,
);
const TOKENS = ['user-7', 'user-8', 'nobody'].map((name) => `a-token-of-the-only-session-of-${name}`);

let connection: ClientConfig;
let holder: pg.Client;
let lanes: Lanes;
let drop: () => Promise<void>;

beforeAll(async () => {
  const database = await createDatabase();
  ({ connection, drop } = database);
  holder = new pg.Client(connection);
  await holder.connect();
  lanes = new Lanes(statementPool({ ...connection, max: CONNECTIONS }));
});
afterAll(async () => {
  await lanes.close();
  await holder.end();
  await drop();
});

const quick = (number: number) =>
  lanes.run((client) => sendStatement(client, QUICK, [number], new ObjectRows<{ number: number }>()));

it('leaves a lane that gives no answers to itself, until it gives them again', async () => {
  await holder.query('select pg_advisory_lock($1)', [LOCK]);
  let isDone = false;
  const slow = lanes
    .run((client) => sendStatement(client, WAITS, [LOCK], new ObjectRows()))
    .finally(() => {
      isDone = true;
    });
  await expect.poll(() => lanes.heldUp, { interval: 5 }).toBe(1);
  // Far more than the other lane takes before it counts as full.
  const numbers = Array.from({ length: 100 }, (_, index) => index);
  const answers = await Promise.all(numbers.map(quick));
  expect(answers.map(([row]) => row?.number)).toEqual(numbers);
  expect(isDone).toBe(false);

  await holder.query('select pg_advisory_unlock($1)', [LOCK]);
  await slow;
  expect(lanes.heldUp).toBe(0);
});

it('still answers when every lane is held up, once they go on', async () => {
  await holder.query('select pg_advisory_lock($1)', [LOCK]);
  const waiting = () => lanes.run((client) => sendStatement(client, WAITS, [LOCK], new ObjectRows()));
  const first = waiting();
  await expect.poll(() => lanes.heldUp, { interval: 5 }).toBe(1);
  const second = waiting();
  await expect.poll(() => lanes.heldUp, { interval: 5 }).toBe(CONNECTIONS);
  const behind = Promise.all([1, 2, 3].map(quick));
  await holder.query('select pg_advisory_unlock($1)', [LOCK]);
  await Promise.all([first, second]);
  expect((await behind).map(([row]) => row?.number)).toEqual([1, 2, 3]);
});

it('checks a session by indexes, though the planner would rather read a table of some hundred users', async () => {
  await holder.query(`insert into "user" (id, name, email)
    select 'user-' || number, 'Somebody', number || '@example.com' from generate_series(1, 300) as number`);
  await holder.query(`insert into session (id, token, user_id, expires_at)
    select 'session-' || id, 'a-token-of-the-only-session-of-' || id, id, now() + interval '1 day' from "user"`);
  await holder.query('analyze "user", session');
  const database = new Database({
    connection,
    poolMode: 'session',
    poolSize: 2,
    log: () => {},
  });
  const readings = async () => {
    await database.read(tellCounts, []);
    return (await database.read(readingsOfMany, []))[0];
  };
  try {
    const before = await readings();
    const found = await database.read(sessionsByToken, [TOKENS]);
    expect(found.map(({ user_id }) => user_id).sort()).toEqual(['user-7', 'user-8']);
    expect(await readings()).toEqual(before);
  } finally {
    await database.close();
  }
});
