// Databases of somebody else's (.ci/foreign-servers.sh starts them): where there are none, tests say why they are skipped.
import { randomBytes } from 'node:crypto';
import { query } from './sql.ts';

export const FOREIGN_URL = process.env.TEST_FOREIGN_DATABASE_URL;
export const PGBOUNCER_URL = process.env.TEST_PGBOUNCER_URL;

/** The name of a group of tests, with the reason when they are skipped. */
export function unlessSkipped(name: string, variable: string): string {
  return process.env[variable] === undefined ? `${name} (skipped: ${variable} is not set)` : name;
}

export interface ForeignDatabase {
  url: string;
  name: string;
  drop: () => Promise<void>;
}

/** The same address, another database. */
export function onDatabase(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

export async function createForeignDatabase(server: string): Promise<ForeignDatabase> {
  const name = `donewell_test_${randomBytes(6).toString('hex')}`;
  await query({ connectionString: server }, `create database ${name}`);
  return {
    url: onDatabase(server, name),
    name,
    drop: async () =>
      void (await query({ connectionString: server }, `drop database if exists ${name} with (force)`)),
  };
}

/** Secrets that a server with DATABASE_URL accepts. */
export const SECRETS = {
  SECRET_KEY: 'q3T8vLx0ZpW5sNk2YbR7mUe1HcJ9aGdF',
  BETTER_AUTH_SECRET: '0f9e8d7c6b5a49382716f5e4d3c2b1a0',
};
