// Several processes that serve one address: the first starts, watches and stops the others and writes their log.
import cluster, { type Address, type Worker } from 'node:cluster';
import { mkdtempSync, rmSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { ClientConfig } from 'pg';
import { isAnswered } from './database/embedded/leftovers.ts';
import { isRunning } from './database/embedded/processes.ts';
import type { WorkerPlace } from './realtime/worker-relay.ts';

const CONNECTION_VARIABLE = 'DONEWELL_WORKER_CONNECTION';
const DIRECTORY_VARIABLE = 'DONEWELL_WORKER_DIRECTORY';
/** How the directory with the workers' sockets is called; the first process's id and a random part follow. */
const DIRECTORY = 'donewell-workers-';
/** A worker that dies younger than this is not replaced at once, so that a broken start does not spin. */
const YOUNG_MILLISECONDS = 2_000;

/** A worker could not start. The message is the one line that it ended with. */
export class WorkerError extends Error {}

export interface Workers {
  port: number;
  /** Asks each to finish and waits for all. */
  stop(): Promise<void>;
}

/** The database that the first process prepared, when this is one of its workers. */
export function workerConnection(): ClientConfig | undefined {
  const passed = cluster.isWorker ? process.env[CONNECTION_VARIABLE] : undefined;
  return passed === undefined ? undefined : (JSON.parse(passed) as ClientConfig);
}

/** Where the workers hand requests of sockets on to each other, when this is one of them. */
export function workerPlace(): WorkerPlace | undefined {
  const directory = process.env[DIRECTORY_VARIABLE];
  return cluster.worker && directory !== undefined ? { id: cluster.worker.id, directory } : undefined;
}

export interface WorkerOptions {
  count: number;
  connection: ClientConfig;
  /** Takes whole lines of a worker's log. */
  write: (lines: string) => void;
  warn: (message: string) => void;
}

/** Hands on whole lines only: those of several workers must not run into each other. */
function byLines(write: (lines: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return (chunk) => {
    const text = rest + decoder.write(chunk);
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    if (end > 0) write(text.slice(0, end));
  };
}

type Handle = { close(): void };
type Handed = { cmd?: string; act?: string; seq?: number; ack?: number };

/**
 * Node hands connections round to the workers. One that is on its way to a worker that dies would be answered by nobody
 * and closed by nobody: its client would wait for ever. So what a worker has not claimed is closed when it ends.
 */
function closeUnclaimed({ process: child }: Worker): void {
  const unclaimed = new Map<number, Handle>();
  const send = child.send.bind(child) as (message: Handed, handle?: Handle, ...rest: unknown[]) => boolean;
  child.send = ((message: Handed, handle?: Handle, ...rest: unknown[]) => {
    if (message.act === 'newconn' && message.seq !== undefined && handle) unclaimed.set(message.seq, handle);
    return send(message, handle, ...rest);
  }) as typeof child.send;
  child.on('internalMessage', ({ ack }: Handed) => ack !== undefined && unclaimed.delete(ack));
  child.once('exit', () => {
    for (const handle of unclaimed.values()) handle.close();
  });
}

/**
 * Whether a directory was left by a server that is no more: one of ours, with sockets of which nobody answers any, and the
 * process that it is named after has ended. In a container its id may be ours, and where several share a directory for what
 * is temporary, their processes do not see each other: hence the sockets.
 */
async function isLeft(directory: string, pid: number): Promise<boolean> {
  if (pid !== process.pid && isRunning(pid)) return false;
  const stats = await lstat(directory);
  if (!stats.isDirectory() || stats.uid !== process.getuid?.()) return false;
  const sockets = await readdir(directory);
  if (sockets.length === 0) return false;
  const answered = await Promise.all(sockets.map((name) => isAnswered(path.join(directory, name))));
  return !answered.includes(true);
}

/** Removes what killed servers did not live to remove. What cannot be told or removed stays: it is in nobody's way. */
async function removeLeftDirectories(): Promise<void> {
  const named = new RegExp(`^${DIRECTORY}([1-9]\\d{0,9})-[^-]+$`);
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const pid = named.exec(name)?.[1];
    const directory = path.join(tmpdir(), name);
    if (pid !== undefined && (await isLeft(directory, Number(pid)).catch(() => false)))
      await rm(directory, { recursive: true, force: true }).catch(() => {});
  }
}

class Team {
  readonly #options: WorkerOptions;
  readonly #living = new Set<Worker>();
  readonly #directory = mkdtempSync(path.join(tmpdir(), `${DIRECTORY}${process.pid}-`));
  #stopping = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** One more, which is replaced whenever it ends. @returns its address once it listens. */
  fork(): Promise<Address> {
    const { connection, write, warn } = this.#options;
    const born = Date.now();
    const worker = cluster.fork({
      [CONNECTION_VARIABLE]: JSON.stringify(connection),
      [DIRECTORY_VARIABLE]: this.#directory,
    });
    closeUnclaimed(worker);
    let complaint = '';
    let listens = false;
    this.#living.add(worker);
    worker.process.stdout?.on('data', byLines(write));
    worker.process.stderr?.on('data', (chunk: Buffer) => {
      if (listens) process.stderr.write(chunk);
      else complaint += chunk;
    });
    const listening = new Promise<Address>((resolve, reject) => {
      worker.once('listening', (address) => {
        listens = true;
        resolve(address);
      });
      worker.once('exit', (code, signal) =>
        reject(new WorkerError(complaint.trim() || `A worker ended (${signal ?? code}) before it listened.`)),
      );
    });
    worker.once('exit', (code, signal) => {
      this.#living.delete(worker);
      if (this.#stopping) return;
      warn(`Worker ${worker.process.pid} ended (${signal ?? code}); starting another.`);
      setTimeout(() => this.#replace(), Date.now() - born < YOUNG_MILLISECONDS ? YOUNG_MILLISECONDS : 0);
    });
    return listening;
  }

  #replace(): void {
    if (this.#stopping) return;
    this.fork().catch((error: unknown) => {
      if (!this.#stopping) process.stderr.write(`${(error as Error).message}\n`);
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const ended = [...this.#living].map(
      (worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())),
    );
    for (const worker of this.#living) worker.process.kill('SIGTERM');
    await Promise.all(ended);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** @returns once every worker listens. @throws WorkerError when one cannot start. */
export async function startWorkers(options: WorkerOptions): Promise<Workers> {
  const { count, warn } = options;
  cluster.setupPrimary({ silent: true });
  await removeLeftDirectories();
  if (count > availableParallelism() * 2) warn(`WORKERS is ${count} on ${availableParallelism()} cores.`);
  const team = new Team(options);
  try {
    const [first] = await Promise.all(Array.from({ length: count }, () => team.fork()));
    return { port: first?.port ?? 0, stop: () => team.stop() };
  } catch (error) {
    await team.stop();
    throw error;
  }
}
