// Several processes that serve one address: the first starts, watches and stops the others and writes their log.
import cluster, { type Worker } from 'node:cluster';
import { availableParallelism } from 'node:os';
import type { ClientConfig } from 'pg';

const CONNECTION_VARIABLE = 'DONEWELL_WORKER_CONNECTION';
/** A worker that dies younger than this is not replaced at once, so that a broken start does not spin. */
const YOUNG_MILLISECONDS = 2_000;

export interface Workers {
  /** Asks each to finish and waits for all. */
  stop(): Promise<void>;
}

/** The database that the first process prepared, when this is one of its workers. */
export function workerConnection(): ClientConfig | undefined {
  const passed = cluster.isWorker ? process.env[CONNECTION_VARIABLE] : undefined;
  return passed === undefined ? undefined : (JSON.parse(passed) as ClientConfig);
}

export interface WorkerOptions {
  count: number;
  connection: ClientConfig;
  write: (line: Buffer) => void;
  warn: (message: string) => void;
}

/** @returns once every worker listens. @throws when one cannot start. */
export async function startWorkers({ count, connection, write, warn }: WorkerOptions): Promise<Workers> {
  let stopping = false;
  const living = new Set<Worker>();
  cluster.setupPrimary({ silent: true });
  if (count > availableParallelism() * 2) warn(`WORKERS is ${count} on ${availableParallelism()} cores.`);

  const fork = () => {
    const born = Date.now();
    const worker = cluster.fork({ [CONNECTION_VARIABLE]: JSON.stringify(connection) });
    living.add(worker);
    worker.process.stdout?.on('data', write);
    worker.process.stderr?.on('data', (chunk: Buffer) => process.stderr.write(chunk));
    worker.once('exit', (code, signal) => {
      living.delete(worker);
      if (stopping) return;
      warn(`Worker ${worker.process.pid} ended (${signal ?? code}); starting another.`);
      setTimeout(() => !stopping && fork(), Date.now() - born < YOUNG_MILLISECONDS ? YOUNG_MILLISECONDS : 0);
    });
    return worker;
  };

  const listening = Array.from({ length: count }, () => {
    const worker = fork();
    return new Promise<void>((resolve, reject) => {
      worker.once('listening', () => resolve());
      worker.once('exit', (code) => reject(new Error(`A worker ended with ${code} before it listened.`)));
    });
  });
  const stop = async () => {
    stopping = true;
    const ended = [...living].map(
      (worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())),
    );
    for (const worker of living) worker.process.kill('SIGTERM');
    await Promise.all(ended);
  };
  await Promise.all(listening).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { stop };
}
