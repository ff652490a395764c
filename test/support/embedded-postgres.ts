// What the tests of the private PostgreSQL share: directories, processes that start it, and single queries.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { expect } from 'vitest';
import {
  type EmbeddedPostgres,
  EmbeddedPostgresError,
  startEmbeddedPostgres,
} from '../../src/database/embedded.ts';

type Connection = EmbeddedPostgres['connection'];

const cleanups: (() => unknown)[] = [];

/** Undoes everything below, the last first. */
export async function cleanUp(): Promise<void> {
  while (cleanups.length > 0) await cleanups.pop()?.();
}

export function atCleanUp(step: () => unknown): void {
  cleanups.push(step);
}

/** Others may pass through it, or not: as root that decides whether PostgreSQL's account can. */
export function temporaryDirectory(mode: 0o700 | 0o711 = 0o711): string {
  const directory = mkdtempSync(path.join(realpathSync(tmpdir()), 'donewell-test-'));
  chmodSync(directory, mode);
  cleanups.push(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

export const newDataDir = () => path.join(temporaryDirectory(), 'data');

/** The one line with which a start is refused. */
export async function refusalOf(dataDir: string): Promise<string> {
  const error = await startEmbeddedPostgres({ dataDir, log: () => {} }).then(
    (postgres) => postgres.stop(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EmbeddedPostgresError);
  const { message } = error as Error;
  expect(message).not.toContain('\n');
  return message;
}

export async function start(dataDir: string, lines: string[] = []): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({
    dataDir,
    log: (level, message) => lines.push(`${level}: ${message}`),
  });
  cleanups.push(() => postgres.stop());
  return postgres;
}

export async function query(connection: Connection, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client(connection);
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

export interface Starter {
  readonly pid: number;
  readonly lines: string[];
  /** How to connect, or the line with which it was refused. */
  readonly outcome: Promise<Connection | string>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Starts it in a process of its own, as another user or from another checkout if so wanted. */
export function startInChild(
  dataDir: string,
  { uid, checkout = path.resolve(import.meta.dirname, '../..') }: { uid?: number; checkout?: string } = {},
): Starter {
  const script = path.join(checkout, 'test/support/embedded-child.ts');
  const child = spawn(process.execPath, [script, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const lines: string[] = [];
  const outcome = new Promise<Connection | string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as { log?: string; refused?: string; connection?: Connection };
      if (said.log !== undefined) lines.push(said.log);
      const end = said.connection ?? said.refused;
      if (end !== undefined) resolve(end);
    });
    child.once('exit', () => resolve('ended without a word'));
  });
  const kill = (signal: NodeJS.Signals) => endChild(child, signal);
  cleanups.push(() => kill('SIGTERM'));
  return { pid: child.pid ?? 0, lines, outcome, kill };
}

async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

/** The connection of a starter that must have succeeded. */
export async function connectionOf(starter: Starter): Promise<Connection> {
  const outcome = await starter.outcome;
  if (typeof outcome === 'string') throw new Error(`The child did not start PostgreSQL: ${outcome}`);
  return outcome;
}

export function postmasterPid(dataDir: string): number {
  return Number(readFileSync(path.join(dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
}
