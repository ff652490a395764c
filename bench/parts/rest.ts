// Before the first request: how long `npm start` takes, and how much memory a server holds that nobody asks anything.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { lockDirectory } from '../../src/database/embedded/lock.ts';
import { startParameters } from '../contenders.ts';
import { residentKilobytes } from '../cpu.ts';
import { freePort, launch, output, type Running } from '../processes.ts';
import { isMeasured, keepResult, keptResult, progress } from '../results.ts';
import { PASSWORD, ROOT, WORKPLACE } from '../settings.ts';
import { summary } from '../statistics.ts';

export interface Rest {
  /** Milliseconds from `npm start` to the first good answer, in checkouts just made. The median of them. */
  firstStart: number;
  firstStarts: number[];
  /** The same where it has been started before. */
  warmStarts: number[];
  /** Of these the server's process by itself, without npm and the look at the web app. */
  bareStarts: number[];
  /** Megabytes of the server without PostgreSQL, a while after its start. */
  megabytes: number[];
  /** Of these without the pages of files, which the kernel could take back. */
  ownMegabytes: number[];
  /** Of the server, a while after somebody has signed up. */
  megabytesInUse: number[];
}

interface Memory {
  megabytes: number;
  ownMegabytes: number;
  megabytesInUse: number;
}

const PART = 'rest';
const CHECKOUT = path.join(WORKPLACE, 'start');
const DATA_DIR = path.join(CHECKOUT, 'data');
const FIRST_STARTS = 3;
const WARM_STARTS = 5;
/** Milliseconds. */
const SETTLING = 5_000;
const LOCKED_AT_MOST = 20_000;
const POLL = 50;

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What is here, as it is after `npm ci` where nothing was ever started: no web app, no data, no compiled code. */
function makeCheckout(): void {
  rmSync(CHECKOUT, { recursive: true, force: true });
  const packages = path.join(CHECKOUT, 'node_modules');
  mkdirSync(packages, { recursive: true });
  const tracked = output('git', ['ls-files', '-z'], { cwd: ROOT }).split('\0');
  for (const file of tracked.filter((file) => file !== '' && existsSync(path.join(ROOT, file))))
    cpSync(path.join(ROOT, file), path.join(CHECKOUT, file), { verbatimSymlinks: true });
  const installed = path.join(ROOT, 'node_modules');
  const entries = readdirSync(installed)
    // The caches have such names, too.
    .filter((entry) => !entry.startsWith('.') || entry === '.bin' || entry === '.package-lock.json')
    .map((entry) => path.join(installed, entry));
  try {
    // Links: nothing writes to what is installed.
    output('cp', ['-al', ...entries, packages]);
  } catch {
    output('cp', ['-a', ...entries, packages]);
  }
}

/** As in a shell where somebody types `npm start`: `npm run bench` would pass on its own settings and its path. */
function environment(port: number): Record<string, string | undefined> {
  const inherited = Object.keys(process.env).filter((name) => /^(npm_|INIT_CWD$|DATABASE_)/i.test(name));
  const directories = (process.env.PATH ?? '').split(path.delimiter);
  return {
    ...Object.fromEntries(inherited.map((name) => [name, undefined])),
    PATH: directories.filter((directory) => !directory.includes('node_modules')).join(path.delimiter),
    DATA_DIR,
    PORT: String(port),
  };
}

/** The next start would be refused until then. */
async function freed(): Promise<void> {
  for (const deadline = performance.now() + LOCKED_AT_MOST; ; await pause(POLL)) {
    try {
      return (await lockDirectory(DATA_DIR)).release();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

/** With a private PostgreSQL, as somebody tries it first. @returns the milliseconds it took. */
async function timeStart(
  how: { command: string; parameters: string[]; isGroup?: boolean },
  whenUp: (running: Running) => Promise<void> = async () => {},
): Promise<number> {
  const port = await freePort();
  const env = environment(port);
  const running = await launch({ ...how, name: 'rest', cwd: CHECKOUT, env, port, probe: '/health' });
  try {
    await whenUp(running);
  } finally {
    await running.stop();
    await freed();
  }
  return running.startedIn;
}

const npmStart = (whenUp?: (running: Running) => Promise<void>) =>
  timeStart({ command: 'npm', parameters: ['start'], isGroup: true }, whenUp);

/** What signing in needs is loaded by the first who does. */
async function signUp(port: number): Promise<void> {
  const body = JSON.stringify({ name: 'Ada', email: `ada${Date.now()}@example.com`, password: PASSWORD });
  const headers = { 'content-type': 'application/json' };
  const { status } = await fetch(`http://localhost:${port}/api/auth/signup`, {
    method: 'POST',
    headers,
    body,
  });
  if (status !== 201) throw new Error(`Sign-up answered ${status}`);
}

async function memoryOf({ pid, port }: Running): Promise<Memory> {
  await pause(SETTLING);
  const megabytes = residentKilobytes(pid) / 1024;
  const ownMegabytes = residentKilobytes(pid, 'RssAnon') / 1024;
  await signUp(port);
  await pause(SETTLING);
  return { megabytes, ownMegabytes, megabytesInUse: residentKilobytes(pid) / 1024 };
}

/** The process that `npm start` comes down to, which can be looked at by its id. */
async function bareStart(): Promise<Memory & { startedIn: number }> {
  const found: Memory[] = [];
  const parameters = startParameters(CHECKOUT);
  const startedIn = await timeStart({ command: process.execPath, parameters }, async (running) => {
    found.push(await memoryOf(running));
  });
  return { startedIn, ...(found[0] as Memory) };
}

async function measure(): Promise<Rest> {
  const firstStarts: number[] = [];
  for (let start = 0; start < FIRST_STARTS; start++) {
    makeCheckout();
    // So that the code which signing up needs is compiled, too, when memory is looked at.
    firstStarts.push(await npmStart(({ port }) => signUp(port)));
  }
  const warmStarts: number[] = [];
  const bare: Awaited<ReturnType<typeof bareStart>>[] = [];
  for (let start = 0; start < WARM_STARTS; start++) {
    warmStarts.push(await npmStart());
    bare.push(await bareStart());
  }
  return {
    firstStart: summary(firstStarts).median,
    firstStarts,
    warmStarts,
    bareStarts: bare.map(({ startedIn }) => startedIn),
    megabytes: bare.map(({ megabytes }) => megabytes),
    ownMegabytes: bare.map(({ ownMegabytes }) => ownMegabytes),
    megabytesInUse: bare.map(({ megabytesInUse }) => megabytesInUse),
  };
}

export async function measureRest(): Promise<void> {
  if (isMeasured(PART)) return;
  progress('starts, and memory at rest');
  try {
    keepResult(PART, await measure());
  } finally {
    rmSync(CHECKOUT, { recursive: true, force: true });
  }
}

export function restResults(): Rest | undefined {
  return keptResult<Rest>(PART);
}
