// Who is measured: Donewell, and what others would have built for the same, each with its own dependencies.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { ClientConfig } from 'pg';
import { freePort, launch, output, type Running } from './processes.ts';
import { ROOT, SECRET, WORKPLACE } from './settings.ts';

export interface Contender {
  name: string;
  title: string;
  /** Whose tasks it knows. */
  tasks: 'donewell' | 'peer';
  start(connection: ClientConfig): Promise<Running>;
  /** What it consists of, for the report. */
  versions(): string;
}

const PEERS = path.join(import.meta.dirname, 'peers');
const VENV = path.join(WORKPLACE, 'fastapi');
const REQUIREMENTS = path.join(PEERS, 'fastapi/requirements.txt');

/** For drivers that take an address; the host is the directory of a unix socket. */
function addressOf({ user, password, host, port, database }: ClientConfig, scheme = 'postgres'): string {
  const secret = encodeURIComponent(String(password));
  return `${scheme}://${user}:${secret}@localhost:${port}/${database}?host=${encodeURIComponent(String(host))}`;
}

/** What `npm start` gives Node in that checkout, whichever commit it is of. */
export function startParameters(root: string): string[] {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return String(scripts.start)
    .split(' ')
    .slice(1)
    .map((part) => (part.startsWith('-') ? part : path.join(root, part)));
}

/** Donewell as `npm start` runs it, from any checkout. One process, unless `env` says otherwise. */
export async function startDonewell(
  connection: ClientConfig,
  options: { root?: string; name?: string; env?: Record<string, string> } = {},
): Promise<Running> {
  const { root = ROOT, name = 'donewell', env = {} } = options;
  const port = await freePort();
  return launch({
    name,
    command: process.execPath,
    parameters: startParameters(root),
    cwd: root,
    env: {
      DATABASE_URL: addressOf(connection),
      PORT: String(port),
      SECRET_KEY: SECRET,
      BETTER_AUTH_SECRET: SECRET,
      RATE_LIMIT_REQUESTS: '1000000000',
      // As many as the peers have.
      DATABASE_POOL_SIZE: '10',
      // As with its private PostgreSQL, which `npm start` would give it.
      RATE_LIMIT_COUNTERS: 'memory',
      DATA_DIR: path.join(WORKPLACE, `${name}-data`),
      ...env,
    },
    port,
    probe: '/health',
  });
}

/** Of the packages that a peer on Node names, those that are installed. */
function lockedVersions(directory: string): string {
  const read = (file: string) => JSON.parse(readFileSync(path.join(directory, file), 'utf8'));
  const { dependencies } = read('package.json') as { dependencies: Record<string, string> };
  const { packages } = read('package-lock.json') as { packages: Record<string, { version: string }> };
  return Object.keys(dependencies)
    .map((name) => `${name} ${packages[`node_modules/${name}`]?.version}`)
    .join(', ');
}

function requiredVersions(file: string): string {
  return readFileSync(file, 'utf8').trim().replaceAll('==', ' ').split('\n').join(', ');
}

function nodePeer(directory: string, title: string): Contender {
  const cwd = path.join(PEERS, directory);
  return {
    name: directory,
    title,
    tasks: 'peer',
    start: async (connection) => {
      if (!existsSync(path.join(cwd, 'node_modules')))
        output('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd });
      const port = await freePort();
      const env = { NODE_ENV: 'production', PORT: String(port), SECRET, DATABASE_URL: addressOf(connection) };
      const parameters = [path.join(cwd, 'server.mjs')];
      return launch({
        name: directory,
        command: process.execPath,
        parameters,
        cwd,
        env,
        port,
        probe: '/api/tasks',
      });
    },
    versions: () => lockedVersions(cwd),
  };
}

/** @throws where there is no Python with venv, or its packages cannot be had: then this one is left out. */
function installFastapi(): void {
  try {
    output('python3', ['-m', 'venv', VENV]);
    output(path.join(VENV, 'bin/pip'), ['install', '-q', '-r', REQUIREMENTS]);
  } catch (error) {
    rmSync(VENV, { recursive: true, force: true });
    throw new Error(`pip could not install it: ${(error as Error).message}`);
  }
}

const fastapi: Contender = {
  name: 'fastapi',
  title: 'FastAPI + SQLModel + asyncpg',
  tasks: 'peer',
  start: async (connection) => {
    const cwd = path.join(PEERS, 'fastapi');
    if (!existsSync(path.join(VENV, 'bin/uvicorn'))) installFastapi();
    const port = await freePort();
    const { host, ...address } = connection;
    return launch({
      name: 'fastapi',
      command: path.join(VENV, 'bin/uvicorn'),
      parameters: [
        'main:app',
        ...['--host', '127.0.0.1', '--port', String(port)],
        ...['--no-access-log', '--timeout-keep-alive', '75'],
      ],
      cwd,
      env: {
        DATABASE_URL: addressOf(address, 'postgresql+asyncpg').replace(/\?.*/, ''),
        DATABASE_HOST: String(host),
        PYTHONDONTWRITEBYTECODE: '1',
      },
      port,
      probe: '/api/tasks',
    });
  },
  versions: () => requiredVersions(REQUIREMENTS),
};

export const CONTENDERS: readonly Contender[] = [
  {
    name: 'donewell',
    title: 'Donewell',
    tasks: 'donewell',
    start: (connection) => startDonewell(connection),
    versions: () => `Node ${process.versions.node}, one process, requests counted in memory`,
  },
  nodePeer('bare', 'Bare Node + pg'),
  nodePeer('drizzle', 'Fastify + Drizzle + Better Auth'),
  nodePeer('express', 'Express + Sequelize'),
  fastapi,
];
