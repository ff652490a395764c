// Processes that are measured: started with a log of their own, found ready by their answer, and ended by their id.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
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
/** A server may take ten seconds to stop. */
const STOP_PATIENCE = 12_000;

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

type Signal = (name: 'SIGTERM' | 'SIGKILL') => void;

/** They end with the bench, however that ends; what is left of its PostgreSQL the next start clears away. */
const children = new Map<ChildProcess, Signal>();
process.once('exit', () => {
  for (const signal of children.values()) signal('SIGTERM');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

async function isOpen(port: number): Promise<boolean> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  const answer = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return answer;
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
  /** What is undefined is taken away from our own. */
  env: Record<string, string | undefined>;
  port: number;
  /** Answers anything but a refused connection once the server is up. */
  probe: string;
  /** Whether it leads a group of processes, which ends as a whole: npm passes signals on to nobody. */
  isGroup?: boolean;
}

function signalOf(child: ChildProcess, isGroup: boolean): Signal {
  return (name) => {
    if (!isGroup || child.pid === undefined) return void child.kill(name);
    try {
      process.kill(-child.pid, name);
    } catch {
      // All of it has ended.
    }
  };
}

/** Returns when it has ended and nobody listens any more: the first of a group may end before its server does. */
async function end(child: ChildProcess, signal: Signal, port: number): Promise<void> {
  signal('SIGTERM');
  const late = setTimeout(() => signal('SIGKILL'), STOP_PATIENCE);
  await ended(child);
  for (const deadline = performance.now() + 2 * STOP_PATIENCE; await isOpen(port); ) {
    if (performance.now() > deadline) throw new Error(`Port ${port} stays open`);
    await pause(POLL);
  }
  clearTimeout(late);
}

/** Until it answers. @returns whether it does: it may have ended, or take too long. */
async function isUp(child: ChildProcess, address: string): Promise<boolean> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const answered = await fetch(address).then(
      ({ status }) => status < 500,
      () => false,
    );
    if (answered) return true;
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) return false;
    await pause(POLL);
  }
}

export async function launch(options: Launch): Promise<Running> {
  const { name, command, parameters, cwd, env, port, probe, isGroup = false } = options;
  mkdirSync(WORKPLACE, { recursive: true });
  const logFile = path.join(WORKPLACE, `${name}.log`);
  const log = openSync(logFile, 'w');
  const start = performance.now();
  const child = spawn(command, parameters, {
    cwd,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
    detached: isGroup,
  });
  const signal = signalOf(child, isGroup);
  children.set(child, signal);
  const stop = async () => {
    await end(child, signal, port);
    children.delete(child);
  };
  closeSync(log);
  if (!(await isUp(child, `http://127.0.0.1:${port}${probe}`))) {
    await stop();
    throw new Error(`${name} did not start:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
  }
  return { pid: child.pid ?? 0, port, startedIn: performance.now() - start, stop };
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
