// The real service for a test: its own database, a free port, real HTTP.
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { ClientConfig } from 'pg';
import pino from 'pino';
import { inject } from 'vitest';
import { createApp } from '../../src/app.ts';
import { type Environment, loadSettings } from '../../src/config.ts';
import type { Deadlines } from '../../src/http/server.ts';
import { databaseOn } from './global-setup.ts';
import { dataDirectory } from './process.ts';
import { query } from './sql.ts';

export interface TestServer {
  /** `http://127.0.0.1:<port>` */
  url: string;
  connection: ClientConfig;
  /** Each line that was logged. */
  logs: string[];
  app: FastifyInstance;
  /** Runs a statement on the service's database. */
  sql: <Row extends object>(text: string, values?: unknown[]) => Promise<Row[]>;
  close: () => Promise<void>;
}

/** A database of its own, copied from the migrated template. */
export async function createDatabase(): Promise<{ connection: ClientConfig; drop: () => Promise<void> }> {
  const server = inject('postgres');
  const name = `donewell_test_${randomBytes(6).toString('hex')}`;
  await query(server, `create database ${name} template ${inject('template')}`);
  return {
    connection: databaseOn(server, name),
    drop: async () => void (await query(server, `drop database if exists ${name} with (force)`)),
  };
}

export interface TestServerOptions {
  /** Environment variables as an operator would set them. The rate limit is out of the way unless given. */
  env?: Environment;
  /** An existing database: for a second node on the same data. */
  connection?: ClientConfig;
  shared?: boolean;
  deadlines?: Deadlines;
}

/** Starts a node of the service. Close it in `afterAll`. */
export async function startServer({
  env = {},
  connection: given,
  shared = false,
  deadlines,
}: TestServerOptions = {}): Promise<TestServer> {
  const own = given ? undefined : await createDatabase();
  const connection = given ?? own?.connection ?? {};
  const logs: string[] = [];
  // Several nodes of several files share the suite's one PostgreSQL: each with the usual pool would exhaust it.
  const usual = { PORT: '0', RATE_LIMIT_REQUESTS: '1000000', LOG_LEVEL: 'debug', DATABASE_POOL_SIZE: '10' };
  const place = dataDirectory();
  const settings = loadSettings({ ...usual, DATA_DIR: place.directory, ...env });
  const secrets = {
    secretKey: settings.SECRET_KEY ?? 'k'.repeat(48),
    betterAuthSecret: settings.BETTER_AUTH_SECRET ?? 'b'.repeat(48),
  };
  const logger = pino({ level: settings.LOG_LEVEL }, { write: (line: string) => logs.push(line) });
  const app = await createApp({ settings, secrets, connection, shared, logger, deadlines });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const close = async () => {
    await app.close();
    await own?.drop();
    place.remove();
  };
  return {
    url,
    connection,
    logs,
    app,
    sql: (text, values) => query(connection, text, values) as never,
    close,
  };
}

export interface TwoNodes {
  here: TestServer;
  there: TestServer;
  close: () => Promise<void>;
}

/** Two nodes of the service on one database, which share it as nodes on two machines would. */
export async function startTwoNodes(): Promise<TwoNodes> {
  const here = await startServer({ shared: true });
  const there = await startServer({ shared: true, connection: here.connection });
  const close = async () => {
    await there.close();
    await here.close();
  };
  return { here, there, close };
}
