// The first line that runs: a Node that cannot read the rest says what to do, in one line.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';

const START = path.resolve(import.meta.dirname, '../src/start.js');

it('a Node that reads no TypeScript names the one that does', () => {
  // As of one that is too old.
  const flags = ['--no-experimental-strip-types'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, START], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^This Node \(v[\d.]+\) cannot read TypeScript\. .*node_modules\/\.bin\/node\n$/);
});
