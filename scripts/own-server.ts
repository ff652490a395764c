// A server for a script alone: a port and a data directory of its own, both gone afterwards.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildWeb } from './build-web.ts';
import { ROOT } from './web-bundle.ts';

const ATTEMPTS = 200;
const PAUSE = 150;

export interface OwnServer {
  url: string;
  /** Runs a script of the project against it, to its end. @throws when it fails */
  run: (script: string) => Promise<void>;
  close: () => Promise<void>;
}

function start(script: string, env: NodeJS.ProcessEnv) {
  return spawn(process.execPath, [path.join(ROOT, script)], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function ended(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve));
}

async function untilHealthy(url: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const isHealthy = await fetch(`${url}health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isHealthy) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  throw new Error('The server does not start.');
}

/** With the web app of the present sources. */
export async function startOwnServer(port: number, more: Record<string, string> = {}): Promise<OwnServer> {
  await buildWeb();
  const directory = mkdtempSync(path.join(tmpdir(), 'donewell-own-'));
  // PostgreSQL's own account must be able to pass through it.
  chmodSync(directory, 0o711);
  const env = { ...process.env, DATA_DIR: directory, PORT: String(port), LOG_LEVEL: 'warn', ...more };
  const server = start('src/start.js', env);
  const close = async () => {
    server.kill();
    await ended(server);
    rmSync(directory, { recursive: true, force: true });
  };
  const url = `http://localhost:${port}/`;
  try {
    await untilHealthy(url);
  } catch (error) {
    await close();
    throw error;
  }
  const run = async (script: string) => {
    if ((await ended(start(script, env))) !== 0) throw new Error(`${script} has failed.`);
  };
  return { url, run, close };
}
