// `npm run dev`, on a copy of the sources: one command, both halves follow every change, and one Ctrl-C ends everything.
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchBrowser } from './support/browser.ts';
import { Client, signUp } from './support/client.ts';
import { dataDirectory, type ServerProcess, spawnScript, until } from './support/process.ts';
import { eventually, visit } from './support/web.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const place = dataDirectory();
const copy = path.join(place.directory, 'copy');
const POSTMASTER = path.join(place.directory, 'data/postgres/postmaster.pid');
let browser: Browser;
let dev: ServerProcess;
let port: number;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** As an editor saves it. */
function rewrite(file: string, change: (text: string) => string): void {
  const target = path.join(copy, file);
  const before = readFileSync(target, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(target, after);
}

beforeAll(async () => {
  mkdirSync(copy);
  for (const name of ['web', 'client', 'contract', 'scripts', 'src', 'package.json', 'tsconfig.json'])
    cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
  [browser, port] = await Promise.all([launchBrowser(), freePort()]);
  const env = { DATA_DIR: path.join(place.directory, 'data'), PORT: String(port), DEV_PORT: '0' };
  dev = spawnScript({ script: path.join(copy, 'scripts/dev.ts'), env });
});
afterAll(async () => {
  await browser?.close();
  dev?.kill('SIGINT');
  await dev?.exited;
  place.remove();
});

it('says both addresses, shows every change, and ends with everything it started', async () => {
  await until(() => dev.stdout().includes('is ready'), 'the server');
  const url = /^ {2}web {3}(http\S+)\/$/m.exec(dev.stdout())?.[1] ?? '';
  expect(dev.stdout()).toContain(`in front of http://localhost:${port}`);
  expect(dev.stdout()).toContain(`  web   http://localhost:${port}\n`);
  const { page, context, problems } = await visit(browser, { url }, await signUp(url));
  await page.getByText('Nothing open.').waitFor();
  await page.locator('.status-text', { hasText: /^Live$/ }).waitFor();

  await page.evaluate('window.kept = true');
  rewrite('web/tasks-page.tsx', (text) => text.replace('Nothing open.', 'Not a thing open.'));
  await page.getByText('Not a thing open.').waitFor();
  rewrite('web/styles/tokens.css', (text) => `${text}\n.summary { text-indent: 3px; }\n`);
  await eventually(() =>
    page.evaluate("getComputedStyle(document.querySelector('.summary')).textIndent"),
  ).toBe('3px');
  expect(await page.evaluate('window.kept')).toBe(true);

  rewrite('src/http/welcome.ts', (text) => text.replace('Welcome.', 'Come in.'));
  const welcome = () => new Client(url).get('/api').catch(() => undefined);
  await until(async () => (await welcome())?.body.message?.startsWith('Come in.'), 'the new server');
  expect(problems.filter((problem) => !/Failed to load resource|WebSocket/.test(problem))).toEqual([]);
  await context.close();

  dev.kill('SIGINT');
  expect(await dev.exited).toBe(0);
  await expect(fetch(url)).rejects.toThrow();
  await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow();
  expect(existsSync(POSTMASTER)).toBe(false);
});
