// One run of the PostgreSQL server process: started in a session of its own, found ready, and stopped.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { type Binaries, CHILD_ENVIRONMENT, program } from './binaries.ts';
import { EmbeddedPostgresError, errorCode, inWords } from './error.ts';
import { createServerLog, LOG_LINE_PREFIX, type Log } from './server-log.ts';
import { type RunAs, spawnAs } from './unprivileged-user.ts';

export interface Connection {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}

export interface Launch {
  readonly binaries: Binaries;
  readonly cluster: string;
  readonly account: RunAs;
  readonly connection: Connection;
  readonly log: Log;
}

export interface Postmaster {
  /** Settles when the process has ended, with how it did. */
  readonly exited: Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** Fast shutdown, then harder; returns when the process is gone. */
  stop(): Promise<void>;
}

/** All processes of the server share them (`WORKERS`). */
export const MAX_CONNECTIONS = 250;
const POLL_MS = 20;
const LAST_LINES_MS = 100;
const SILENCE_LIMIT_MS = 60_000;
const FAST_MS = 6_000;
const IMMEDIATE_MS = 3_000;

function settings({ connection }: Launch): Record<string, string | number> {
  return {
    listen_addresses: '',
    unix_socket_directories: connection.host,
    unix_socket_permissions: '0700',
    port: connection.port,
    max_connections: MAX_CONNECTIONS,
    shared_buffers: '128MB',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    jit: 'off',
    // Small queries gain nothing from it, and containers often have too little /dev/shm for it.
    max_parallel_workers_per_gather: 0,
    timezone: 'UTC',
    log_timezone: 'UTC',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_line_prefix: LOG_LINE_PREFIX,
    // Statements and their values are people's private text: they must not get into a log.
    log_statement: 'none',
    log_min_error_statement: 'panic',
    log_min_duration_statement: -1,
    log_error_verbosity: 'terse',
    log_parameter_max_length: 0,
    log_parameter_max_length_on_error: 0,
    log_checkpoints: 'off',
  };
}

export function launchPostmaster(launch: Launch): Postmaster {
  const flags = Object.entries(settings(launch)).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const serverLog = createServerLog(launch.log);
  const child = spawn(program(launch.binaries, 'postgres'), ['-D', launch.cluster, ...flags], {
    // A session of its own: Ctrl-C in the terminal is for us, who then end PostgreSQL when the last answer is out.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: CHILD_ENVIRONMENT,
    // Where it goes anyway; from its first moment on this tells the next start whose it is.
    cwd: launch.cluster,
    ...spawnAs(launch.account),
  });
  if (child.stderr) createInterface({ input: child.stderr }).on('line', (line) => serverLog.write(line));
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`it could not be started: ${inWords(error)}`));
    child.once('exit', (code, signal) => {
      const tell = () => resolve(ending(code, signal, serverLog.lastWords()));
      // At "close" its last lines have been read; but sessions that outlive a killed postmaster keep the pipe open.
      child.once('close', tell);
      setTimeout(tell, LAST_LINES_MS);
    });
  });
  return {
    exited,
    signal: (signal) => void child.kill(signal),
    stop: () => stopChild(child, exited),
  };
}

function ending(code: number | null, signal: string | null, words: string | undefined): string {
  const how = signal ? `killed by ${signal}` : `exit code ${code}`;
  return words === undefined ? how : `${how}; ${words}`;
}

async function stopChild(child: ChildProcess, exited: Promise<string>): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGINT', FAST_MS],
    ['SIGQUIT', IMMEDIATE_MS],
    ['SIGKILL', IMMEDIATE_MS],
  ] as const) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
    child.kill(signal);
    await within(patienceMs, exited);
  }
  await exited;
}

async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([promise, delay(ms, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}

/**
 * Returns when PostgreSQL answers, which after a crash includes its recovery, however long that takes. Makes the
 * database if it is not there, so a start that was killed before it got to that is made good by the next one.
 */
export async function waitUntilReady(
  postmaster: Postmaster,
  connection: Connection,
  log: Log,
): Promise<void> {
  let ended: string | undefined;
  void postmaster.exited.then((how) => {
    ended = how;
  });
  let lastSign = performance.now();
  let lastSaid = lastSign;
  for (;;) {
    if (ended !== undefined)
      throw new EmbeddedPostgresError(`The built-in PostgreSQL did not start: ${ended}.`);
    const answer = await tryOnce(connection, 'SELECT 1');
    if (answer === 'ok') return;
    const now = performance.now();
    if (answer === '3D000') {
      const made = await tryOnce(
        { ...connection, database: 'postgres' },
        `CREATE DATABASE ${connection.database}`,
      );
      if (made !== 'ok' && made !== '42P04')
        throw new EmbeddedPostgresError(`The database could not be created: ${made}.`);
      continue;
    }
    if (answer === '28P01') {
      throw new EmbeddedPostgresError(
        'The built-in PostgreSQL refuses the password that is stored in its data directory.',
      );
    }
    // 57P03: "the database system is starting up", or is recovering.
    if (answer === '57P03') lastSign = now;
    if (now - lastSign > SILENCE_LIMIT_MS) {
      throw new EmbeddedPostgresError(
        `The built-in PostgreSQL started but cannot be reached at ${connection.host}: ${answer}.`,
      );
    }
    if (now - lastSaid > 10_000) {
      lastSaid = now;
      log('info', 'Still waiting for PostgreSQL: it is recovering its data.');
    }
    await delay(POLL_MS);
  }
}

/** 'ok', or the code of the error: SQLSTATE, or of the system. */
async function tryOnce(connection: Connection, sql: string): Promise<string> {
  const client = new Client({ ...connection, connectionTimeoutMillis: 5_000 });
  // Without a listener a connection that breaks between two steps would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(sql);
    return 'ok';
  } catch (error) {
    return errorCode(error) ?? inWords(error);
  } finally {
    client.end().catch(() => {});
  }
}
