// Before the first request: how long a start takes and how much memory a server holds that nobody asks anything.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { residentKilobytes } from '../cpu.ts';
import { freePort, launch } from '../processes.ts';
import { isMeasured, keepResult, keptResult, progress } from '../results.ts';
import { PASSWORD, ROOT, WORKPLACE } from '../settings.ts';

export interface Rest {
  firstStart: number;
  /** Milliseconds. */
  warmStarts: number[];
  /** Megabytes of the server without PostgreSQL, a while after its start. */
  megabytes: number[];
  /** Of these without the pages of files, which the kernel could take back. */
  ownMegabytes: number[];
  /** Of the server, a while after somebody has signed up. */
  megabytesInUse: number[];
}

const PART = 'rest';
const WARM_STARTS = 5;
const SETTLING = 5_000;

interface Started {
  startedIn: number;
  megabytes: number;
  ownMegabytes: number;
  megabytesInUse: number;
}

const pause = () => new Promise((resolve) => setTimeout(resolve, SETTLING));

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

/** With a private PostgreSQL, as somebody tries it first. */
async function startOn(dataDir: string): Promise<Started> {
  const port = await freePort();
  const running = await launch({
    name: 'rest',
    command: process.execPath,
    parameters: ['--max-semi-space-size=8', path.join(ROOT, 'src/start.js')],
    cwd: ROOT,
    env: { DATA_DIR: dataDir, PORT: String(port) },
    port,
    probe: '/health',
  });
  await pause();
  const megabytes = residentKilobytes(running.pid) / 1024;
  const ownMegabytes = residentKilobytes(running.pid, 'RssAnon') / 1024;
  await signUp(port);
  await pause();
  const megabytesInUse = residentKilobytes(running.pid) / 1024;
  await running.stop();
  return { startedIn: running.startedIn, megabytes, ownMegabytes, megabytesInUse };
}

export async function measureRest(): Promise<void> {
  if (isMeasured(PART)) return;
  progress('starts, and memory at rest');
  mkdirSync(WORKPLACE, { recursive: true });
  const dataDir = mkdtempSync(path.join(WORKPLACE, 'rest-'));
  try {
    const first = await startOn(dataDir);
    const warm: Started[] = [];
    for (let start = 0; start < WARM_STARTS; start++) warm.push(await startOn(dataDir));
    const found: Rest = {
      firstStart: first.startedIn,
      warmStarts: warm.map(({ startedIn }) => startedIn),
      megabytes: warm.map(({ megabytes }) => megabytes),
      ownMegabytes: warm.map(({ ownMegabytes }) => ownMegabytes),
      megabytesInUse: warm.map(({ megabytesInUse }) => megabytesInUse),
    };
    keepResult(PART, found);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export function restResults(): Rest | undefined {
  return keptResult<Rest>(PART);
}
