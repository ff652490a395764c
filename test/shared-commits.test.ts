// Writes that come together share a commit, but no failure: what one of them cannot do holds up and undoes no other.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../src/database/database.ts';
import { type Owned, valuesForEach, writeForEach } from '../src/database/statement.ts';
import { signUp } from './support/client.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { countersOf } from './support/tasks.ts';

interface Note extends Owned {
  id: number;
}
/** Inserts what `from` lets. */
const inserting = (name: string, from = '') =>
  writeForEach<Note, Note>(
    name,
    `insert into note (user_id, id)
     select user_id, id from json_to_recordset($1) as input (user_id text, id integer) ${from} returning user_id, id`,
  );
const insertNote = inserting('note_insert');
const insertLocked = inserting('note_insert_locked', ', note_lock for update of note_lock');
const insertSlowly = inserting('note_insert_slowly', ', pg_sleep(30)');
const insertUnknown = inserting('note_insert_unknown', ', note_unknown()');
const ids = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

let server: TestServer;
let database: Database;
beforeAll(async () => {
  server = await startServer();
  await server.sql(
    'create table note (user_id text, id integer primary key); create table note_lock as select 1 as one',
  );
  database = new Database({
    connection: server.connection,
    poolMode: 'session',
    poolSize: 10,
    log: () => {},
  });
});
afterAll(async () => {
  await database?.close();
  await server?.close();
});
beforeEach(() => server.sql('truncate note'));

const note = (id: number): Note => ({ user_id: `owner ${id}`, id });
const insert = (id: number) => database.writeTogether(insertNote, note(id));
const noted = async () => (await server.sql<Note>('select id from note order by id')).map(({ id }) => id);

/** Runs `work` while another node holds what `lock` locks, and tells how to let it go. */
async function whileLocked<Result>(
  lock: string,
  values: string[],
  work: (release: () => Promise<unknown>) => Promise<Result>,
): Promise<Result> {
  const holder = new pg.Client(server.connection);
  await holder.connect();
  try {
    await holder.query('begin');
    await holder.query(lock, values);
    return await work(() => holder.query('commit'));
  } finally {
    await holder.end();
  }
}

describe('writes of one turn', () => {
  it('share commits, and each has its own rows', async () => {
    const rows = await Promise.all(ids(1, 20).map(insert));
    expect(rows).toEqual(ids(1, 20).map(note));
    const [row] = await server.sql<{ commits: number }>(
      'select count(distinct xmin::text)::integer as commits from note',
    );
    expect(row?.commits).toBeLessThan(10);
    expect(await noted()).toEqual(ids(1, 20));
  });

  it('are all done, but for the one that fails, which is told its own failure', async () => {
    await insert(7);
    const settled = await Promise.allSettled(ids(1, 20).map(insert));
    const refused = settled.flatMap((result, index) => (result.status === 'rejected' ? [index + 1] : []));
    expect(refused).toEqual([7]);
    expect(settled[6]).toMatchObject({ reason: { code: '23505' } });
    expect(await noted()).toEqual(ids(1, 20));
  });

  it('do not wait for a lock that one of them needs', () =>
    whileLocked('select from note_lock for update', [], async (release) => {
      let isDone = false;
      const locked = [30, 31, 32].map((id) => database.writeTogether(insertLocked, note(id)));
      const all = Promise.all(locked).finally(() => {
        isDone = true;
      });
      await Promise.all(ids(1, 20).map(insert));
      await Promise.all(ids(21, 29).map(insert));
      expect([isDone, await noted()]).toEqual([false, ids(1, 29)]);
      await release();
      expect(await all).toEqual([30, 31, 32].map(note));
      expect(await noted()).toEqual(ids(1, 32));
    }));

  it('are of different users: of one user they must follow one another', async () => {
    const both = [1, 2].map((id) => database.writeTogether(insertNote, { user_id: 'one', id }));
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await noted()).toEqual([1]);
  });

  it('are not repeated where it is not known whether they have happened', async () => {
    await server.sql('create sequence note_tries');
    await server.sql(`create function note_unknown() returns integer language plpgsql as $$
      begin perform nextval('note_tries'); raise exception 'unknown' using errcode = '40003'; end $$`);
    const settled = await Promise.allSettled([
      database.writeTogether(insertUnknown, note(1)),
      ...ids(2, 8).map(insert),
    ]);
    const told = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    expect(told.length).toBeGreaterThan(1);
    expect(new Set(told)).toEqual(new Set(['40003']));
    expect(await server.sql('select last_value::integer as tries from note_tries')).toEqual([{ tries: 1 }]);
  });

  it('do not wait either where more locks are waited for than there are connections to do so', () =>
    whileLocked('select from note_lock for update', [], async (release) => {
      let done = 0;
      const locked = ids(30, 41).map((id) =>
        database.writeTogether(insertLocked, note(id)).then(() => done++),
      );
      const all = Promise.all(locked);
      const rows = await Promise.all(ids(1, 29).map(insert));
      expect(rows).toEqual(ids(1, 29).map(note));
      expect([done, await noted()]).toEqual([0, ids(1, 29)]);
      await release();
      await all;
      expect(await noted()).toEqual(ids(1, 41));
    }));

  it('are all told so when their connection is lost, and then none of them has happened', async () => {
    const slow = database.writeTogether(insertSlowly, note(1));
    const settled = Promise.allSettled([slow, ...ids(2, 8).map(insert)]);
    const end = () =>
      server.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where wait_event = 'PgSleep' and datname = current_database()`,
      );
    await until(async () => (await end()).length > 0, 'the slow one');
    const results = await settled;
    const lost = results.filter(({ status }) => status === 'rejected');
    expect(lost.length).toBeGreaterThan(1);
    for (const result of lost)
      expect(result).toMatchObject({ reason: { code: 'database_error', status: 503 } });
    expect(await noted()).toEqual(
      results.flatMap(({ status }, index) => (status === 'fulfilled' ? [index + 1] : [])),
    );
    expect(await insert(9)).toEqual(note(9));
  });
});

describe.each([3, 4, 5, 6, 10])('of %i connections', (poolSize) => {
  it('there is one for a transaction while another is open', async () => {
    const { connection } = server;
    const small = new Database({ connection, poolMode: 'session', poolSize, log: () => {} });
    try {
      await small.transaction(async (open) => {
        await open.query(insertNote, valuesForEach([note(1)]));
        await small.transaction((other) => other.query(insertNote, valuesForEach([note(2)])));
      });
      await Promise.all(ids(3, 20).map((id) => small.writeTogether(insertNote, note(id))));
      expect(await noted()).toEqual(ids(1, 20));
    } finally {
      await small.close();
    }
  });
});

it('find what is kept under a key by an index, also where the table was empty when it was last counted', async () => {
  await server.sql('vacuum analyze idempotency_key');
  const ada = await signUp(server.url);
  const scans = async () => {
    const [row] = await server.sql<{ whole: number; byIndex: number }>(
      `select seq_scan::integer as whole, idx_scan::integer as "byIndex" from pg_stat_user_tables where relname = 'idempotency_key'`,
    );
    return row ?? { whole: 0, byIndex: 0 };
  };
  const before = await scans();
  // What a connection has counted is told by a write that comes a second later.
  await until(async () => {
    const headers = { 'idempotency-key': randomUUID() };
    expect((await ada.post('/api/tasks', { title: 'Kept' }, { headers })).status).toBe(201);
    const { whole, byIndex } = await scans();
    return whole > before.whole || byIndex > before.byIndex;
  }, 'the scans to be told');
  expect((await scans()).whole).toBe(before.whole);
});

it('a user whose tasks are locked elsewhere waits alone; nobody else does, and all is counted', async () => {
  const people = await Promise.all(ids(1, 12).map(() => signUp(server.url)));
  const [ada, ...others] = people as [(typeof people)[0], ...typeof people];
  const create = (person: typeof ada) => person.post('/api/tasks', { title: 'Together', status: true });
  await whileLocked('select from user_sync where user_id = $1 for update', [ada.user.id], async (release) => {
    let isDone = false;
    const late = create(ada).finally(() => {
      isDone = true;
    });
    const answers = [...(await Promise.all(others.map(create))), ...(await Promise.all(others.map(create)))];
    expect(answers.map(({ status, body }) => [status, body.rev])).toEqual([
      ...others.map(() => [201, 1]),
      ...others.map(() => [201, 2]),
    ]);
    expect(isDone).toBe(false);
    await release();
    expect((await late).status).toBe(201);
  });
  for (const { user } of people) {
    const { kept, counted } = await countersOf(server, user.id);
    expect(kept).toEqual(counted);
  }
});
