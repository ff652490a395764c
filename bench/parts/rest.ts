// Before the first request: how long a start takes and how much memory a server holds that nobody asks anything.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { residentKilobytes } from '../cpu.ts';
import { freePort, launch } from '../processes.ts';
import { isMeasured, keepResult, keptResult, progress } from '../results.ts';
import { ROOT, WORKPLACE } from '../settings.ts';

export interface Rest {
  firstStart: number;
  /** Milliseconds. */
  warmStarts: number[];
  /** Megabytes of the server without PostgreSQL, a while after its start. */
  megabytes: number[];
  /** Of these without the pages of files, which the kernel could take back. */
  ownMegabytes: number[];
}

const PART = 'rest';
const WARM_STARTS = 5;
const SETTLING = 5_000;

interface Started {
  startedIn: number;
  megabytes: number;
  ownMegabytes: number;
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
  await new Promise((resolve) => setTimeout(resolve, SETTLING));
  const megabytes = residentKilobytes(running.pid) / 1024;
  const ownMegabytes = residentKilobytes(running.pid, 'RssAnon') / 1024;
  await running.stop();
  return { startedIn: running.startedIn, megabytes, ownMegabytes };
}

export async function measureRest(): Promise<void> {
  if (isMeasured(PART)) return;
  progress('starts, and memory at rest');
  mkdirSync(WORKPLACE, { recursive: true });
  const dataDir = mkdtempSync(path.join(WORKPLACE, 'rest-'));
  try {
    const first = await startOn(dataDir);
    const found: Rest = { firstStart: first.startedIn, warmStarts: [], megabytes: [], ownMegabytes: [] };
    for (let start = 0; start < WARM_STARTS; start++) {
      const { startedIn, megabytes, ownMegabytes } = await startOn(dataDir);
      found.warmStarts.push(startedIn);
      found.megabytes.push(megabytes);
      found.ownMegabytes.push(ownMegabytes);
    }
    keepResult(PART, found);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export function restResults(): Rest | undefined {
  return keptResult<Rest>(PART);
}
