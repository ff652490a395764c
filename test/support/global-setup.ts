// One PostgreSQL for the whole run: a private one in a temporary directory, or the one at TEST_DATABASE_URL.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ClientConfig } from 'pg';
import type { TestProject } from 'vitest/node';
import { buildWeb } from '../../scripts/build-web.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { query } from './sql.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A server on which tests may create databases. */
    postgres: ClientConfig;
    /** A migrated, empty database to copy. */
    template: string;
  }
}

/** The name carries the process id, so that two runs on one server stay apart. */
const TEMPLATE = `donewell_test_template_${process.pid}`;

async function openServer(): Promise<{ connection: ClientConfig; close: () => Promise<void> }> {
  const foreign = process.env.TEST_DATABASE_URL;
  if (foreign !== undefined) return { connection: { connectionString: foreign }, close: async () => {} };
  const dataDir = await mkdtemp(path.join(tmpdir(), 'donewell-suite-'));
  // Started by root, PostgreSQL runs as another user, who must be able to enter.
  await chmod(dataDir, 0o711);
  const postgres = await startEmbeddedPostgres({ dataDir, log: () => {} });
  const close = async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { connection: postgres.connection, close };
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildWeb();
  const { connection, close } = await openServer();
  await query(connection, `drop database if exists ${TEMPLATE}`);
  await query(connection, `create database ${TEMPLATE}`);
  await migrate(databaseOn(connection, TEMPLATE));
  project.provide('postgres', connection);
  project.provide('template', TEMPLATE);
  return async () => {
    await query(connection, `drop database if exists ${TEMPLATE} with (force)`);
    await close();
  };
}

export function databaseOn(server: ClientConfig, database: string): ClientConfig {
  if (server.connectionString === undefined) return { ...server, database };
  const url = new URL(server.connectionString);
  url.pathname = `/${database}`;
  return { connectionString: url.href };
}
