// Migrations: applied once whoever starts, refused where they do not fit, and their result is the one written down.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { getMigrations } from 'better-auth/db/migration';
import type { ClientConfig } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { SNAPSHOT_FILE, schemaSnapshot } from '../scripts/schema-snapshot.ts';
import { loadMigrations, MigrationError, migrate } from '../src/database/migrate.ts';
import { betterAuthOn } from './support/better-auth.ts';
import { databaseOn } from './support/global-setup.ts';
import { dataDirectory, runScript } from './support/process.ts';
import { type DatabaseProxy, startProxy } from './support/proxy.ts';
import { createDatabase } from './support/server.ts';
import { query } from './support/sql.ts';

const MIGRATE = path.resolve(import.meta.dirname, '../scripts/migrate.ts');
const NAMES = loadMigrations().map(({ name }) => name);
const databases: string[] = [];

/** A database with nothing in it. */
async function emptyDatabase(options = ''): Promise<ClientConfig> {
  const name = `donewell_test_empty_${process.pid}_${databases.length}`;
  databases.push(name);
  await query(inject('postgres'), `create database ${name} ${options}`);
  return databaseOn(inject('postgres'), name);
}

afterAll(async () => {
  for (const name of databases)
    await query(inject('postgres'), `drop database if exists ${name} with (force)`);
});

const tables = async (connection: ClientConfig) =>
  (
    await query(
      connection,
      `select from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`,
    )
  ).length;

describe('on an empty database', () => {
  it('twenty servers that start at once are all fine, and one of them applies', async () => {
    const connection = await emptyDatabase();
    const applied = await Promise.all(Array.from({ length: 20 }, () => migrate(connection)));
    expect(applied.filter((names) => names.length > 0)).toEqual([NAMES]);
    const ledger = await query(
      connection,
      'select number, name, checksum from schema_migration order by number',
    );
    expect(ledger).toEqual(
      loadMigrations().map(({ number, name, checksum }) => ({ number, name, checksum })),
    );
    expect(await migrate(connection)).toEqual([]);
  });

  it('they make the schema that is written down', async () => {
    const connection = await emptyDatabase();
    await migrate(connection);
    // After a change: npm run db:snapshot, and read the difference.
    expect(await schemaSnapshot(connection)).toBe(readFileSync(SNAPSHOT_FILE, 'utf8'));
  });

  it('they leave Better Auth nothing to add', async () => {
    const connection = await emptyDatabase();
    await migrate(connection);
    const { auth, close } = betterAuthOn(connection);
    try {
      const { toBeCreated, toBeAdded } = await getMigrations(auth.options);
      expect({ toBeCreated, toBeAdded }).toEqual({ toBeCreated: [], toBeAdded: [] });
    } finally {
      await close();
    }
  });

  it('a failure leaves nothing behind and is one line', async () => {
    const connection = await emptyDatabase();
    await query(connection, 'create table task (mine integer)');
    await expect(migrate(connection)).rejects.toThrow(
      /^The database cannot be migrated: relation "task" already exists \(42P07\)\.$/,
    );
    expect(await tables(connection)).toBe(1);
    await query(connection, 'drop table task');
    expect(await migrate(connection)).toEqual(NAMES);
  });

  it('one that is not in UTF-8 is refused', async () => {
    const connection = await emptyDatabase("encoding 'SQL_ASCII' locale 'C' template template0");
    await expect(migrate(connection)).rejects.toThrow(/^The database must be in UTF8; it is in SQL_ASCII\.$/);
    expect(await tables(connection)).toBe(0);
  });
});

describe('a history that does not fit', () => {
  let connection: ClientConfig;
  let drop: () => Promise<void>;
  let proxy: DatabaseProxy;

  beforeAll(async () => {
    ({ connection, drop } = await createDatabase());
    proxy = await startProxy(connection);
  });
  afterAll(async () => {
    await proxy.close();
    await drop();
  });

  const GOOD = {
    SECRET_KEY: 'q3T8vLx0ZpW5sNk2YbR7mUe1HcJ9aGdF',
    BETTER_AUTH_SECRET: '0f9e8d7c6b5a49382716f5e4d3c2b1a0',
  };

  async function refusedWith(line: RegExp): Promise<void> {
    await expect(migrate(connection)).rejects.toThrow(MigrationError);
    const before = await schemaSnapshot(connection);
    const env = { DATABASE_URL: proxy.url, ...GOOD };
    const [command, server] = await Promise.all([runScript({ env, script: MIGRATE }), runScript({ env })]);
    expect(command).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(line) });
    expect(server).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(line) });
    expect(await schemaSnapshot(connection)).toBe(before);
  }

  it('is refused in one line when a migration was altered', async () => {
    await query(connection, `update schema_migration set checksum = 'x' || checksum where number = 1`);
    await refusedWith(/^Migration 0001_initial\.sql differs from the one in the database\.\n$/);
    await query(connection, `update schema_migration set checksum = substr(checksum, 2) where number = 1`);
  });

  it('is refused in one line when it is of a newer version', async () => {
    await query(connection, `insert into schema_migration values (9999, '9999_future.sql', 'x')`);
    await refusedWith(
      /^The database was migrated by a newer version \(migration 9999\): start that version\.\n$/,
    );
    await query(connection, 'delete from schema_migration where number = 9999');
    expect(await migrate(connection)).toEqual([]);
  });
});

describe('npm run db:migrate', () => {
  it('brings the private database up to date and says what it applied', async () => {
    const place = dataDirectory();
    try {
      const env = { DATA_DIR: path.join(place.directory, 'data') };
      const first = await runScript({ env, script: MIGRATE });
      expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' });
      for (const name of NAMES) expect(first.stdout).toContain(`Applied ${name}\n`);
      const second = await runScript({ env, script: MIGRATE });
      expect([second.code, second.stdout]).toEqual([0, expect.not.stringContaining('Applied')]);
    } finally {
      place.remove();
    }
  });

  it('brings the database at DATABASE_URL up to date, without secrets', async () => {
    const proxy = await startProxy(await emptyDatabase());
    try {
      const { code, stdout } = await runScript({ env: { DATABASE_URL: proxy.url }, script: MIGRATE });
      expect([code, stdout]).toEqual([0, expect.stringContaining(`Applied ${NAMES[0]}`)]);
    } finally {
      await proxy.close();
    }
  });
});
