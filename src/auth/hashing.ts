// bcrypt in a process of its own, which gives way to everything else: a hash is a quarter of a second of nothing but work.
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { overloaded } from '../database/failure.ts';

/** To be hashed anew, or compared with a hash. */
export type HashJob = { password: string; cost: number } | { password: string; hash: string };

interface Outcome {
  id: number;
  result: unknown;
  failure?: string;
}

/** Of cores that are ours by quota others take nothing by their priority: what is used up is gone for all of us. */
const HAS_ALL_CORES = availableParallelism() === cpus().length;
/** Where giving way is not enough, one core stays free for everything else. */
export const HASHES_AT_ONCE = HAS_ALL_CORES
  ? availableParallelism()
  : Math.max(1, availableParallelism() - 1);

/** Milliseconds after which a process that has nothing to do ends: it holds some fifty megabytes. */
const IDLE = 60_000;
/** Milliseconds after which one that has not answered is taken for hung: on a machine that is busy a hash takes seconds. */
const PATIENCE = 30_000;
const PROGRAM = fileURLToPath(new URL('./hashing-process.js', import.meta.url));

/** None of our secrets; what Windows needs to start a process. */
function environment(): NodeJS.ProcessEnv {
  const { SystemRoot } = process.env;
  return { UV_THREADPOOL_SIZE: String(HASHES_AT_ONCE), ...(SystemRoot === undefined ? {} : { SystemRoot }) };
}

class HashProcess {
  readonly #child: ChildProcess;
  readonly #jobs = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #rest: NodeJS.Timeout | undefined;

  constructor() {
    // It ends when the channel to it does, however this process ends.
    this.#child = fork(PROGRAM, {
      detached: true,
      windowsHide: true,
      env: environment(),
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child.on('message', (outcome: Outcome) => this.#settle(outcome));
    this.#child.on('error', (error) => this.#end(error));
    this.#child.on('exit', () => this.#end(new Error('The process that hashes passwords has ended')));
  }

  run(job: HashJob, patience: number): Promise<unknown> {
    clearTimeout(this.#rest);
    this.#keepAlive(true);
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<unknown>();
    this.#jobs.set(id, waiting);
    // Stopped, or starved: what kills it fails those who wait, and whoever comes next gets a new one.
    const late = setTimeout(() => this.#child.kill('SIGKILL'), patience);
    const done = () => clearTimeout(late);
    waiting.promise.then(done, done);
    // Where no process could be started, for want of files, there is nothing to send by: its `error` follows.
    this.#child.send?.({ id, ...job }, (error) => {
      if (error) this.#end(error);
    });
    return waiting.promise;
  }

  #settle({ id, result, failure }: Outcome): void {
    const waiting = this.#jobs.get(id);
    this.#jobs.delete(id);
    if (failure === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(failure));
    if (this.#jobs.size > 0) return;
    this.#keepAlive(false);
    this.#rest = setTimeout(() => this.#retire(), IDLE).unref();
  }

  /** Nothing keeps this process alive but work. */
  #keepAlive(busy: boolean): void {
    if (busy) {
      this.#child.ref();
      this.#child.channel?.ref();
    } else {
      this.#child.unref();
      this.#child.channel?.unref();
    }
  }

  #retire(): void {
    if (current === this) current = undefined;
    if (this.#child.connected) this.#child.disconnect();
  }

  /** Whoever comes next gets a new one. It is no defect: what kills it, or forbids it, is want of memory, files or processes. */
  #end(reason: Error): void {
    clearTimeout(this.#rest);
    this.#retire();
    for (const waiting of this.#jobs.values()) waiting.reject(overloaded(reason));
    this.#jobs.clear();
  }
}

let current: HashProcess | undefined;

function started(): HashProcess {
  try {
    return new HashProcess();
  } catch (error) {
    throw overloaded(error); // for want of memory
  }
}

/**
 * Runs one job. How many there are at once is for the caller to bound.
 * @param patience milliseconds after which the process is given up.
 * @throws AppError `overloaded` (503) when the process for it cannot be started, dies or hangs.
 */
export async function hashApart(job: HashJob, patience: number = PATIENCE): Promise<unknown> {
  current ??= started();
  return current.run(job, patience);
}
