// The server as people run it: a process of its own, with its own data directory and port.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MAIN = path.join(ROOT, 'src/start.js');
const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
/** What `npm start` gives Node. */
export const START_FLAGS: string[] = scripts.start.split(' ').filter((part: string) => part.startsWith('--'));
/** Variables of this machine that a server needs; nothing else of ours reaches it. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'NODE_EXTRA_CA_CERTS'];
/** Before anything hangs for good. */
const PATIENCE = 60_000;

export interface ProcessOptions {
  /** As an operator would set them. Without PORT a free one is taken. */
  env?: Record<string, string>;
  /** Where it runs, and so where a `.env` is looked for; by default an empty directory. */
  cwd?: string;
  script?: string;
  args?: string[];
}

export interface ServerProcess {
  readonly pid: number;
  /** All that was written so far. */
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  hasExited(): boolean;
}

export interface RunningServer extends ServerProcess {
  /** The address of the ready line. */
  readonly url: string;
  /** Asks it to end as a platform would, by SIGTERM, and answers how it did. */
  stop(): Promise<number | NodeJS.Signals>;
}

const started = new Set<ChildProcess>();
const directories = new Set<string>();
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL');
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** Polls until a condition holds. */
export async function until<Value>(
  condition: () => Value | Promise<Value>,
  what = 'the condition',
): Promise<NonNullable<Value>> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

/** Whether a process still runs; one that has ended and only waits for its parent to notice does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return process.platform !== 'linux';
  }
}

/** A port that nobody listens on, for a moment at least. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A directory that PostgreSQL's account may pass through. */
export function dataDirectory(): { directory: string; remove: () => void } {
  const directory = mkdtempSync(path.join(realpathSync(tmpdir()), 'donewell-process-'));
  directories.add(directory);
  chmodSync(directory, 0o711);
  const remove = () => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    directories.delete(directory);
  };
  return { directory, remove };
}

/** Starts a script of the project and does not wait for anything. */
export function spawnScript({
  env = {},
  cwd = tmpdir(),
  script = MAIN,
  args = [],
}: ProcessOptions): ServerProcess {
  const inherited = INHERITED.flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  );
  const flags = script === MAIN ? START_FLAGS : [];
  const child = spawn(process.execPath, [...flags, script, ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  started.add(child);
  let ended = false;
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => {
      ended = true;
      started.delete(child);
      resolve(signal ?? code ?? -1);
    });
  });
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
    exited,
    hasExited: () => ended,
  };
}

/** Runs a script to its end. */
export async function runScript(
  options: ProcessOptions,
): Promise<{ code: number | NodeJS.Signals; stdout: string; stderr: string }> {
  const child = spawnScript(options);
  const code = await child.exited;
  return { code, stdout: child.stdout(), stderr: child.stderr() };
}

/** Starts a server and waits for its ready line. */
export async function startProcess(options: ProcessOptions = {}): Promise<RunningServer> {
  const place = dataDirectory();
  const server = spawnScript({ ...options, env: { PORT: '0', DATA_DIR: place.directory, ...options.env } });
  void server.exited.then(place.remove);
  const url = await until(() => {
    if (server.hasExited()) throw new Error(`The server ended: ${server.stderr()}\n${server.stdout()}`);
    return /^ {2}web {3}(http\S+)$/m.exec(server.stdout())?.[1];
  }, 'the ready line');
  const stop = () => {
    server.kill('SIGTERM');
    return server.exited;
  };
  return { ...server, url: url.replace('localhost', '127.0.0.1'), stop };
}
