// The one PostgreSQL that all contenders use: the private one of this package, with fsync on.
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import pg, { type ClientConfig } from 'pg';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import type { migrate } from '../src/database/migrate.ts';
import { WORKPLACE } from './settings.ts';

export interface BenchPostgres {
  connection: ClientConfig;
  /** The server's first process; its children do the work. */
  pid: number;
  version: string;
  stop(): Promise<void>;
}

export async function withClient<Result>(
  connection: ClientConfig,
  run: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

function parentOf(pid: number): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '';
  return Number(afterName.split(' ')[1]);
}

export async function startPostgres(): Promise<BenchPostgres> {
  mkdirSync(WORKPLACE, { recursive: true });
  chmodSync(WORKPLACE, 0o711);
  const postgres = await startEmbeddedPostgres({
    dataDir: path.join(WORKPLACE, 'data'),
    log: (level, message) => (level === 'info' ? undefined : console.error(message)),
  });
  const { pid, version } = await withClient(postgres.connection, async (client) => {
    const { rows } = await client.query(
      "select pg_backend_pid() as backend, current_setting('server_version') as version",
    );
    // Asked while the backend lives.
    return { pid: parentOf(Number(rows[0].backend)), version: String(rows[0].version) };
  });
  return { connection: postgres.connection, pid, version, stop: () => postgres.stop() };
}

export type Migrate = typeof migrate;

/** @returns whether `statement`, which asks for one, finds a row. */
async function finds(connection: ClientConfig, statement: string, values: string[]): Promise<boolean> {
  return withClient(connection, async (client) => (await client.query(statement, values)).rows.length > 0);
}

/**
 * A migrated database of that name that has the table `complete`, which filling it makes last; otherwise a new one.
 * @returns whether it must be filled.
 */
export async function openNamedDatabase(
  postgres: BenchPostgres,
  name: string,
  complete: string,
  layOut: Migrate,
): Promise<{ connection: ClientConfig; isEmpty: boolean }> {
  const connection = { ...postgres.connection, database: name };
  const exists = await finds(postgres.connection, 'select from pg_database where datname = $1', [name]);
  const isEmpty =
    !exists || !(await finds(connection, 'select from pg_tables where tablename = $1', [complete]));
  if (isEmpty) {
    await withClient(postgres.connection, async (client) => {
      await client.query(`drop database if exists ${name}`);
      await client.query(`create database ${name}`);
    });
  }
  await layOut(connection);
  return { connection, isEmpty };
}
