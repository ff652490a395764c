// Processes that are measured: started with a log of their own, found ready by their answer, and ended by their id.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { WORKPLACE } from './settings.ts';

export interface Running {
  pid: number;
  port: number;
  /** Milliseconds from the command to the first good answer. */
  startedIn: number;
  stop(): Promise<void>;
}

const PATIENCE = 120_000;
const COMMAND_TIMEOUT = 300_000;
const POLL = 20;

/** They end with the bench, however that ends; what is left of its PostgreSQL the next start clears away. */
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGTERM');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

export interface Launch {
  name: string;
  command: string;
  parameters: string[];
  cwd: string;
  env: Record<string, string>;
  port: number;
  /** Answers anything but a refused connection once the server is up. */
  probe: string;
}

export async function launch({ name, command, parameters, cwd, env, port, probe }: Launch): Promise<Running> {
  mkdirSync(WORKPLACE, { recursive: true });
  const logFile = path.join(WORKPLACE, `${name}.log`);
  const log = openSync(logFile, 'w');
  const start = performance.now();
  const child = spawn(command, parameters, {
    cwd,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  const deadline = start + PATIENCE;
  for (;;) {
    const answered = await fetch(`http://127.0.0.1:${port}${probe}`).then(
      ({ status }) => status < 500,
      () => false,
    );
    if (answered) break;
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${name} did not start:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
  const startedIn = performance.now() - start;
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 12_000);
    await ended(child);
    clearTimeout(late);
  };
  return { pid: child.pid ?? 0, port, startedIn, stop };
}

/** Runs a command to its end and returns what it wrote. */
export function output(
  command: string,
  parameters: string[],
  { cwd, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): string {
  const options = { cwd, env: { ...process.env, ...env }, timeout: COMMAND_TIMEOUT, maxBuffer: 2 ** 28 };
  return execFileSync(command, parameters, {
    ...options,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
