// Retention: what ends by itself, when, and that rounds may run at any time on any number of nodes.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../src/database/database.ts';
import { applyRetention } from '../src/retention/retention.ts';
import { type AnyBody, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { countersOf, recountUser, type SeededTask, seedTasks } from './support/tasks.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
let database: Database;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
  database = new Database({
    connection: server.connection,
    poolMode: 'session',
    poolSize: 3,
    log: () => {},
  });
});
afterAll(async () => {
  await database.close();
  await server.close();
});
beforeEach(async () => {
  await server.sql('delete from task');
  await server.sql('update user_sync set floor_rev = 0, rev = 0');
});

const ago = (days: number, hours = 0) => new Date(Date.now() - (days * 24 + hours) * 3_600_000).toISOString();
/** A task that was deleted so long ago, and if `purged`, has lost its text since. */
const deleted = (days: number, hours = 0, purged = false): SeededTask => ({
  title: purged ? '' : 'Text',
  description: purged ? null : 'More',
  category: purged ? null : 'cat',
  due_date: purged ? null : '2026-01-01',
  created_at: ago(days + 1, hours),
  updated_at: ago(days, hours),
  deleted_at: ago(days, hours),
  purged_at: purged ? ago(0) : null,
});

const rows = () => server.sql<AnyBody>('select * from task where user_id = $1 order by rev', [ada.user.id]);
const floor = async () =>
  Number(
    (await server.sql<AnyBody>('select floor_rev from user_sync where user_id = $1', [ada.user.id]))[0]
      .floor_rev,
  );

describe('the trash', () => {
  it('loses its text after 30 days and an hour, and keeps the tombstone', async () => {
    await seedTasks(server, ada.user.id, [
      deleted(29, 23),
      deleted(30),
      deleted(30, 2),
      deleted(60),
      { title: 'Live', updated_at: ago(400), created_at: ago(400) },
    ]);
    const before = await rows();
    await applyRetention(database);
    const after = await rows();
    expect(after.map(({ title }) => title)).toEqual(['Text', 'Text', '', '', 'Live']);
    for (const index of [2, 3])
      expect(after[index]).toEqual({
        ...before[index],
        title: '',
        description: null,
        category: null,
        due_date: null,
        purged_at: expect.any(Date),
      });
    for (const index of [0, 1, 4]) expect(after[index]).toEqual(before[index]);
    expect(await floor()).toBe(0);
  });

  it('leaves revision, counters and the time of the last change alone', async () => {
    await seedTasks(server, ada.user.id, [deleted(40), { title: 'Live', status: true }]);
    const before = (await ada.get('/api/dashboard/stats')).text;
    await applyRetention(database);
    expect((await ada.get('/api/dashboard/stats')).text).toBe(before);
    const { kept, counted } = await countersOf(server, ada.user.id);
    expect(kept).toEqual(counted);
  });

  it('is worked off in one round, however much it is', async () => {
    await server.sql(
      `insert into task (user_id, title, created_at, updated_at, deleted_at, rev, created_rev)
       select $1, 'Old', now() - interval '50 days', now() - interval '50 days', now() - interval '50 days', n, n
       from generate_series(1, 2500) as n`,
      [ada.user.id],
    );
    await recountUser(server, ada.user.id);
    await applyRetention(database);
    const [left] = await server.sql<AnyBody>(`select count(*)::integer as left from task where title <> ''`);
    expect(left).toEqual({ left: 0 });
  });
});

describe('a tombstone', () => {
  it('goes 90 days after its last revision, and only then the oldest servable cursor moves', async () => {
    await seedTasks(server, ada.user.id, [
      deleted(200, 0, true),
      deleted(90, 1, true),
      deleted(89, 23, true),
      { title: 'Live', created_at: ago(300), updated_at: ago(300) },
      deleted(5),
    ]);
    await applyRetention(database);
    expect((await rows()).map(({ rev }) => Number(rev))).toEqual([3, 4, 5]);
    expect(await floor()).toBe(2);
    await applyRetention(database);
    expect(await floor()).toBe(2);
  });

  it('of a task deleted for good late lives 90 days from then: its revision is from then, too', async () => {
    await seedTasks(server, ada.user.id, [{ ...deleted(110, 0, true), updated_at: ago(85) }]);
    await applyRetention(database);
    expect(await rows()).toHaveLength(1);
    expect(await floor()).toBe(0);
  });

  it('with its text is blanked and deleted in one round, when no round ran for long', async () => {
    await seedTasks(server, ada.user.id, [deleted(100), deleted(95), deleted(10)]);
    await applyRetention(database);
    expect((await rows()).map(({ rev }) => Number(rev))).toEqual([3]);
    expect(await floor()).toBe(2);
  });

  it('of one user moves nobody else’s floor', async () => {
    const eve = await signUp(server.url);
    await seedTasks(server, eve.user.id, [deleted(10), deleted(100)]);
    await seedTasks(server, ada.user.id, [deleted(100)]);
    await applyRetention(database);
    const floors = await server.sql<AnyBody>('select user_id, floor_rev from user_sync');
    expect(new Map(floors.map(({ user_id, floor_rev }) => [user_id, Number(floor_rev)]))).toEqual(
      new Map([
        [ada.user.id, 1],
        [eve.user.id, 2],
      ]),
    );
  });

  it('goes for more users than one round of the loop takes', async () => {
    await server.sql(
      `insert into "user" (id, name, email) select 'many-' || n, 'Many', 'many-' || n || '@example.com' from generate_series(1, 230) n`,
    );
    await server.sql(
      `insert into task (user_id, title, created_at, updated_at, deleted_at, purged_at, rev, created_rev)
       select 'many-' || n, '', now() - interval '100 days', now() - interval '100 days', now() - interval '100 days', now(), 1, 1
       from generate_series(1, 230) n`,
    );
    await server.sql(`update user_sync set rev = 1 where user_id like 'many-%'`);
    await applyRetention(database);
    const [left] = await server.sql<AnyBody>(
      `select (select count(*)::integer from task) as tasks, count(*)::integer as floors from user_sync where floor_rev = 1`,
    );
    expect(left).toEqual({ tasks: 0, floors: 230 });
    await server.sql(`delete from "user" where id like 'many-%'`);
  });
});

describe('sessions, answers, addresses, security events', () => {
  it('end when they have expired, and no sooner', async () => {
    const insertSession = (id: string, expires: string) =>
      server.sql(
        `insert into session (id, token, user_id, expires_at) values ($1, repeat($1, 40), $2, now() + $3::interval)`,
        [id, ada.user.id, expires],
      );
    await insertSession('x', '-1 second');
    await insertSession('y', '1 hour');
    await server.sql(
      `insert into idempotency_key (user_id, key, request_hash, status, headers, body, created_at)
       select $1, 'key-' || age, '', 200, '{}', '', now() - age::interval
       from unnest(array['23 hours 59 minutes', '24 hours 1 second', '40 days']) age`,
      [ada.user.id],
    );
    await server.sql(
      `insert into verification (id, identifier, value, expires_at)
       values ('a', 'i', 'v', now() - interval '1 second'), ('b', 'i', 'v', now() + interval '1 hour')`,
    );
    await server.sql(
      `insert into sign_in_address (user_id, address, last_used_at)
       values ($1, '192.0.2.1', now() - interval '366 days'), ($1, '192.0.2.2', now() - interval '364 days')`,
      [ada.user.id],
    );
    await server.sql(
      `insert into security_event (user_id, kind, address, created_at)
       values ($1, 'signed_in', '192.0.2.1', now() - interval '181 days'), ($1, 'signed_in', '192.0.2.2', now() - interval '179 days')`,
      [ada.user.id],
    );
    await applyRetention(database);
    const names = async (text: string) => (await server.sql<AnyBody>(text)).map(({ name }) => name);
    expect(await names(`select id as name from session where id in ('x', 'y')`)).toEqual(['y']);
    expect(await names('select key as name from idempotency_key')).toEqual(['key-23 hours 59 minutes']);
    expect(await names('select id as name from verification')).toEqual(['b']);
    expect(await names(`select address as name from sign_in_address where address like '192.0.2.%'`)).toEqual(
      ['192.0.2.2'],
    );
    expect(await names(`select address as name from security_event where address like '192.0.2.%'`)).toEqual([
      '192.0.2.2',
    ]);
    // Whoever is signed in stays so.
    expect((await ada.get('/api/tasks')).status).toBe(200);
  });
});

describe('rounds at once', () => {
  it('four of them, while the user writes, end in the same state as one, with exact counters', async () => {
    const ids = await seedTasks(server, ada.user.id, [
      ...Array.from({ length: 300 }, (_, n) => deleted(31 + (n % 90))),
      ...Array.from({ length: 20 }, (_, n) => deleted(n)),
      ...Array.from({ length: 20 }, (_, n) => ({ title: `Live ${n}` })),
    ]);
    const trashed = ids.slice(300, 320);
    const rounds = Array.from({ length: 4 }, () => applyRetention(database));
    const writes = trashed.flatMap((id) => [
      ada.post(`/api/tasks/${id}/restore`),
      ada.post('/api/tasks', { title: 'Meanwhile' }),
      ada.delete(`/api/tasks/${id}?permanent=true`),
    ]);
    await Promise.all(rounds);
    // Of one task's restore and deletion for good either may have come first.
    for (const { status } of await Promise.all(writes)) expect([200, 201, 404]).toContain(status);
    await applyRetention(database);
    const after = await rows();
    const kept = ids.slice(0, 300).filter((_, n) => 31 + (n % 90) < 90);
    expect(after.slice(0, kept.length).map(({ id }) => Number(id))).toEqual(kept);
    expect(after.slice(0, kept.length).every(({ title }) => title === '')).toBe(true);
    expect(await floor()).toBeLessThanOrEqual(300);
    const { kept: counters, counted } = await countersOf(server, ada.user.id);
    expect(counters).toEqual(counted);
  });

  it('a round that fails leaves what it could not do to the next', async () => {
    await seedTasks(server, ada.user.id, [deleted(40), deleted(100)]);
    await server.sql(`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'no' using errcode = '53100'; end $$`);
    await server.sql('create trigger refuse before delete on task for each row execute function refuse()');
    await expect(applyRetention(database)).rejects.toThrow();
    expect(await floor()).toBe(0);
    await server.sql('drop trigger refuse on task');
    await applyRetention(database);
    expect((await rows()).map(({ title }) => title)).toEqual(['']);
    expect(await floor()).toBe(2);
  });
});
