// The first lines that run: where the rest could not, they say what to do, in one line.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');

it('a Node that reads no TypeScript names the one that does', () => {
  // As of one that is too old.
  const flags = ['--no-experimental-strip-types'];
  const start = path.join(ROOT, 'src/start.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, start], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^This Node \(v[\d.]+\) cannot read TypeScript\. .*node_modules\/\.bin\/node\n$/);
});

it('npm start before npm ci asks for that', () => {
  const checkout = mkdtempSync(path.join(tmpdir(), 'donewell-checkout-'));
  onTestFinished(() => rmSync(checkout, { recursive: true }));
  for (const part of ['package.json', 'scripts', 'src'])
    cpSync(path.join(ROOT, part), path.join(checkout, part), { recursive: true });
  const { status, stderr } = spawnSync('npm', ['start'], { cwd: checkout, encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^Run npm ci first: .+$/m);
  expect(stderr).not.toContain('Error:');
});
