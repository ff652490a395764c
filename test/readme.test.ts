// The README's walk, run as it stands there: only the port differs, since another server may have it.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningServer, START_FLAGS, startProcess } from './support/process.ts';

const README = readFileSync(path.resolve(import.meta.dirname, '../README.md'), 'utf8');
const run = promisify(execFile);
let directory: string;
let server: RunningServer | undefined;

/** The shell lines after a marker. */
function linesAfter(marker: string): string {
  const block = README.split(`<!-- ${marker} -->`)[1]?.match(/```sh\n([\s\S]*?)```/)?.[1];
  if (block === undefined) throw new Error(`The README has no block after "${marker}"`);
  return block;
}

async function walk(marker: string, url: string): Promise<string> {
  const script = linesAfter(marker).replaceAll('http://localhost:8000', url);
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: directory });
  return stdout;
}

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'donewell-readme-'));
});
afterAll(async () => {
  await server?.stop();
  await rm(directory, { recursive: true, force: true });
});

it('signs up, makes five tasks, completes one, and finds everything again after a restart', async () => {
  const dataDir = path.join(directory, 'data');
  server = await startProcess({ env: { DATA_DIR: dataDir } });
  const first = await walk('walk', server.url);
  expect(first).toContain('"total":5');
  expect(first).toContain('"title":"Check if a < b"');
  expect(first).toMatch(/"total_tasks":5,"completed_tasks":1,"pending_tasks":4,"completion_rate":20,/);
  expect(await server.stop()).toBe(0);

  server = await startProcess({ env: { DATA_DIR: dataDir } });
  expect(await walk('walk again', server.url)).toMatch(
    /"total_tasks":5,"completed_tasks":1,"pending_tasks":4,/,
  );
});

it('tells to start it otherwise, by a unit or in a container, with the flags that `npm start` has', () => {
  const dockerfile = readFileSync(path.resolve(import.meta.dirname, '../Dockerfile'), 'utf8');
  expect(START_FLAGS.length).toBeGreaterThan(0);
  expect(README).toContain(`bin/node ${START_FLAGS.join(' ')} src/start.js`);
  expect(dockerfile).toContain(
    JSON.stringify(['node', ...START_FLAGS, 'src/start.js']).replaceAll(',', ', '),
  );
});
