// Brings a database to this version's schema: frozen, numbered SQL files, applied in one transaction under a lock.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { codeOf, isDatabaseAway, isRetryable } from './failure.ts';

/** The database cannot be used by this version of the server. The message is one line for a person. */
export class MigrationError extends Error {}

interface Migration {
  number: number;
  name: string;
  sql: string;
  /** SHA-256 of the file: a migration that has landed somewhere never changes again. */
  checksum: string;
}

const DIRECTORY = path.join(import.meta.dirname, 'migrations');
const MINIMUM_SERVER_VERSION = 150_000;
// What Node's TLS says of a certificate that it does not trust.
const TLS_CODE =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_|HOSTNAME_MISMATCH)/;
// Any number, as long as no other program that shares the database takes the same.
const ADVISORY_LOCK = 7_236_401_917;
// Milliseconds between attempts to reach a database that is still starting.
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 5_000;

export function loadMigrations(): Migration[] {
  const files = readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.sql'))
    .sort();
  return files.map((name, index) => {
    const number = Number(name.slice(0, 4));
    if (number !== index + 1) throw new Error(`Migration ${name} should be number ${index + 1}`);
    const sql = readFileSync(path.join(DIRECTORY, name), 'utf8');
    return { number, name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

async function appliedMigrations(client: pg.Client): Promise<Map<number, string>> {
  await client.query(`create table if not exists schema_migration (
    number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`);
  const { rows } = await client.query<{ number: number; checksum: string }>(
    'select number, checksum from schema_migration',
  );
  return new Map(rows.map((row) => [row.number, row.checksum]));
}

function assertHistory(applied: Map<number, string>, migrations: Migration[]): void {
  for (const [number, checksum] of applied) {
    const migration = migrations[number - 1];
    if (!migration)
      throw new MigrationError(
        `The database was migrated by a newer version (migration ${number}): start that version.`,
      );
    if (migration.checksum !== checksum)
      throw new MigrationError(`Migration ${migration.name} differs from the one in the database.`);
  }
}

async function assertServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: number; encoding: string }>(
    `select current_setting('server_version_num')::integer as version, current_setting('server_encoding') as encoding`,
  );
  const [{ version, encoding } = { version: 0, encoding: '' }] = rows;
  if (version < MINIMUM_SERVER_VERSION) {
    throw new MigrationError(
      `PostgreSQL 15 or later is needed; the server is version ${Math.floor(version / 10_000)}.`,
    );
  }
  if (encoding !== 'UTF8') throw new MigrationError(`The database must be in UTF8; it is in ${encoding}.`);
}

/** Done with the migrated database, in the transaction and under the lock of the migration. */
export type AfterMigration = (client: pg.Client) => Promise<unknown>;

async function applyPending(client: pg.Client, then: AfterMigration): Promise<string[]> {
  const migrations = loadMigrations();
  await client.query('begin');
  // A lock of the transaction, not of the session: it also holds behind a transaction-mode pooler.
  await client.query(`select pg_advisory_xact_lock(${ADVISORY_LOCK})`);
  const applied = await appliedMigrations(client);
  assertHistory(applied, migrations);
  const pending = migrations.filter((migration) => !applied.has(migration.number));
  for (const { number, name, sql, checksum } of pending) {
    await client.query('insert into schema_migration (number, name, checksum) values ($1, $2, $3)', [
      number,
      name,
      checksum,
    ]);
    await client.query(sql);
  }
  await then(client);
  await client.query('commit');
  return pending.map((migration) => migration.name);
}

/** What PostgreSQL says against a migration (no privilege, a table of that name) is for a person to mend. */
function explained(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  return new MigrationError(`The database cannot be migrated: ${error.message} (${error.code}).`, {
    cause: error,
  });
}

/**
 * Applies the migrations that the database lacks. Any number of servers may start at once: one applies, the others wait.
 * @returns the names of those applied now.
 * @throws MigrationError for a database of a newer version, an altered migration or a PostgreSQL before 15.
 */
export async function migrate(
  connection: pg.ClientConfig,
  then: AfterMigration = async () => {},
): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client({
      ...connection,
      connectionTimeoutMillis: 30_000,
      application_name: 'donewell-migrate',
    });
    client.on('error', () => {}); // the query in progress fails with it
    try {
      await client.connect();
      await assertServer(client);
      return await applyPending(client, then);
    } catch (error) {
      // Two first starts can meet while each creates the ledger itself.
      const lostRace = isRetryable(error) || /^(23505|42P07|42710)$/.test(codeOf(error));
      if (!lostRace || attempt >= 5) throw isDatabaseAway(error) ? error : explained(error);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

/**
 * As `migrate`, but waits as long as it takes for a database that cannot be reached yet (a hosted one may sleep), or
 * until `stopping` is aborted: then it throws.
 */
export async function migrateWhenReachable(
  connection: pg.ClientConfig,
  log: (message: string) => void,
  stopping: AbortSignal = new AbortController().signal,
  then?: AfterMigration,
): Promise<string[]> {
  const aborted = new Promise<never>((_resolve, reject) => {
    stopping.addEventListener('abort', () => reject(new Error('told to stop')), { once: true });
  });
  aborted.catch(() => {});
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await Promise.race([migrate(connection, then), aborted]);
    } catch (error) {
      if (stopping.aborted) throw error;
      const refusal = refusalOf(error);
      if (refusal !== undefined) throw new MigrationError(refusal);
      if (!isDatabaseAway(error)) throw error;
      const reason = codeOf(error) || 'no answer';
      log(
        `The database at ${addressOf(connection)} cannot be reached (${reason}); trying again in ${pause / 1000} s.`,
      );
      await wait(pause, undefined, { signal: stopping });
    }
  }
}

/** Where the connection leads, without what is secret in it. */
function addressOf(connection: pg.ClientConfig): string {
  const { host, port } = new pg.Client(connection);
  return host.startsWith('/') ? host : `${host}:${port}`;
}

/** Wrong password, no such database or role, no TLS: waiting does not cure these. */
function refusalOf(error: unknown): string | undefined {
  const code = codeOf(error);
  const { message } = error as Error;
  if (/^(28...|3D000)$/.test(code) || /SASL|password must be a string/i.test(message))
    return `DATABASE_URL is refused by the server (${code || 'no password'}): see user, password and database name.`;
  if (TLS_CODE.test(code) || /does not support SSL/.test(message))
    return `DATABASE_URL cannot be used with TLS (${code || 'the server has none'}): see sslmode and the certificate.`;
  return undefined;
}
