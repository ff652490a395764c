// A backup that is restored: what clients held of the time after it is told apart from what happens now.
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { ClientConfig } from 'pg';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { Client, signUp } from './support/client.ts';
import { SECRETS } from './support/foreign.ts';
import { databaseUrl } from './support/nodes.ts';
import { dataDirectory, type RunningServer, startProcess } from './support/process.ts';
import { createDatabase } from './support/server.ts';
import { query } from './support/sql.ts';

/** Milliseconds: each of these starts several servers one after the other. */
const PATIENCE = 240_000;

const place = dataDirectory();
const running = new Set<RunningServer>();
afterAll(async () => {
  for (const server of running) await server.stop();
  place.remove();
});

async function start(env: Record<string, string>): Promise<RunningServer> {
  const server = await startProcess({ env: { RATE_LIMIT_REQUESTS: '1000000', ...env } });
  running.add(server);
  return server;
}

async function stop(server: RunningServer): Promise<void> {
  running.delete(server);
  expect(await server.stop()).toBe(0);
}

/** The same browser, on the server of after the restart. */
function again(client: Client, url: string): Client {
  const next = new Client(url);
  for (const [name, value] of client.cookies) next.cookies.set(name, value);
  return next;
}

/** Creates tasks and answers with a cursor that has seen them. */
async function cursorAfter(client: Client, ...titles: string[]): Promise<string> {
  for (const title of titles) expect((await client.post('/api/tasks', { title })).status).toBe(201);
  return (await client.get('/api/sync')).body.cursor;
}

const caughtUp = async (client: Client, cursor: string) => {
  const { status, body } = await client.get(`/api/sync?cursor=${encodeURIComponent(cursor)}`);
  return [status, body.code ?? body.tasks.map((task: { title: string }) => task.title)];
};

describe('the files of a private database', () => {
  const DATA_DIR = path.join(place.directory, 'data');
  const backup = path.join(place.directory, 'backup');
  const WAYS = {
    'in place of it': () => {
      rmSync(DATA_DIR, { recursive: true });
      execFileSync('cp', ['-a', backup, DATA_DIR]);
    },
    'over it': () => void execFileSync('cp', ['-a', `${backup}/.`, DATA_DIR]),
  };

  it('are known again after a mere restart, and where they have been moved to', {
    timeout: PATIENCE,
  }, async () => {
    const first = await start({ DATA_DIR });
    const ada = await signUp(first.url);
    const cursor = await cursorAfter(ada, 'before');
    await stop(first);
    const second = await start({ DATA_DIR });
    expect(await caughtUp(again(ada, second.url), cursor)).toEqual([200, []]);
    await stop(second);
    const elsewhere = path.join(place.directory, 'elsewhere');
    renameSync(DATA_DIR, elsewhere);
    const third = await start({ DATA_DIR: elsewhere });
    expect(await caughtUp(again(ada, third.url), cursor)).toEqual([200, []]);
    await stop(third);
    renameSync(elsewhere, DATA_DIR);
  });

  it('from a backup make every older cursor start again, each time they are restored', {
    timeout: PATIENCE,
  }, async () => {
    const first = await start({ DATA_DIR });
    const ada = await signUp(first.url);
    const before = await cursorAfter(ada, 'kept');
    await stop(first);
    execFileSync('cp', ['-a', DATA_DIR, backup]);

    const second = await start({ DATA_DIR });
    const cursors = [before, await cursorAfter(again(ada, second.url), 'lost')];
    await stop(second);
    for (const [title, restore] of Object.entries(WAYS)) {
      restore();
      const server = await start({ DATA_DIR });
      const client = again(ada, server.url);
      // As many changes as were lost: by their numbers alone the two histories cannot be told apart.
      const cursor = await cursorAfter(client, title);
      for (const old of cursors) expect(await caughtUp(client, old)).toEqual([410, 'sync_reset']);
      expect(await caughtUp(client, '')).toEqual([200, ['kept', title]]);
      expect(await caughtUp(client, cursor)).toEqual([200, []]);
      cursors.push(cursor);
      await stop(server);
    }
  });
});

/** As one who is not the superuser sees it where the host lets nobody ask for the server's identity. */
async function databaseOfOwner(): Promise<{ connection: ClientConfig; drop: () => Promise<void> }> {
  const { connection, drop } = await createDatabase();
  const role = `${connection.database}_owner`;
  await query(connection, `create role ${role} login password 'owner'`);
  await query(connection, `alter database ${connection.database} owner to ${role}`);
  await query(connection, 'drop schema public cascade');
  await query(connection, `create schema public authorization ${role}`);
  await query(connection, 'revoke execute on function pg_control_system() from public');
  return {
    connection: { ...connection, user: role, password: 'owner' },
    drop: async () => {
      await drop();
      await query({ ...connection, database: 'postgres' }, `drop role ${role}`);
    },
  };
}

describe.each([
  ['of a superuser', createDatabase],
  ['of an owner who may not ask for the identity of the server', databaseOfOwner],
])('a foreign database %s', (_whose, create) => {
  it('is a new epoch where it has been copied to, and whenever its tables are loaded anew', {
    timeout: PATIENCE,
  }, async () => {
    const { connection, drop } = await create();
    const copy = `${connection.database}_copy`;
    const superuser = inject('postgres');
    const on = (database = '') =>
      start({ DATABASE_URL: databaseUrl({ ...connection, database }), ...SECRETS });
    try {
      const first = await on(connection.database);
      const ada = await signUp(first.url);
      const cursor = await cursorAfter(ada, 'kept');
      await stop(first);
      await query(superuser, `create database ${copy} template ${connection.database}`);
      const second = await on(copy);
      expect(await caughtUp(again(ada, second.url), cursor)).toEqual([410, 'sync_reset']);
      await stop(second);
      const third = await on(connection.database);
      expect(await caughtUp(again(ada, third.url), cursor)).toEqual([200, []]);
      await stop(third);
      await query(
        connection,
        `begin; create temp table kept on commit drop as table user_sync; truncate user_sync;
         insert into user_sync select * from kept; commit`,
      );
      const fourth = await on(connection.database);
      expect(await caughtUp(again(ada, fourth.url), cursor)).toEqual([410, 'sync_reset']);
      await stop(fourth);
    } finally {
      await query(superuser, `drop database if exists ${copy} with (force)`);
      await drop();
    }
  });
});
