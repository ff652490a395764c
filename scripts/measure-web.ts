// `npx node scripts/measure-web.ts`: the figures in docs/web-app.md, measured in the packaged Chromium on 10,000 tasks.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { launchBrowser } from '../test/support/browser.ts';
import { WEB_OUTPUT } from './web-bundle.ts';

/** Milliseconds of scrolling, and a frame at 60 a second with a little patience. */
const SCROLLING = 4_000;
const LATE_FRAME = 25;

function measureSize(): void {
  const page = readFileSync(path.join(WEB_OUTPUT, 'index.html'), 'utf8');
  const compressed = (name: string) =>
    gzipSync(readFileSync(path.join(WEB_OUTPUT, name)), { level: 9 }).length;
  const first = [...page.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)].map(([, name]) => name ?? '');
  const all = readdirSync(path.join(WEB_OUTPUT, 'assets')).map((name) => `assets/${name}`);
  const kilobytes = (names: string[]) =>
    (names.reduce((sum, name) => sum + compressed(name), 0) / 1_024).toFixed(1);
  process.stdout.write(`first load: ${kilobytes(first)} KB of scripts and styles, gzipped\n`);
  process.stdout.write(`everything: ${kilobytes([...new Set([...first, ...all])])} KB\n`);
}

async function signedIn(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('E-mail').fill(process.env.EMAIL ?? '');
  await page.getByLabel('Password').fill(process.env.PASSWORD ?? '');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.task').first().waitFor();
  await page.locator('.status-text', { hasText: /^Live$/ }).waitFor();
}

/** Frames while the page scrolls by three screens a second, and how many of them came late. */
const SCROLL = `new Promise((resolve) => {
  const gaps = [];
  const start = performance.now();
  let last = start;
  const frame = (now) => {
    gaps.push(now - last);
    last = now;
    scrollBy(0, innerHeight / 20);
    if (now - start < ${SCROLLING}) requestAnimationFrame(frame);
    else resolve({ frames: gaps.length / ((now - start) / 1000), late: gaps.filter((gap) => gap > ${LATE_FRAME}).length, worst: Math.max(...gaps) });
  };
  requestAnimationFrame(frame);
})`;

/** The first frame with the list in it. */
const NOTE_OPENING = `
  const look = () => {
    if (document.querySelectorAll('.task').length > 5) requestAnimationFrame((now) => { window.openedAt = performance.now(); });
    else requestAnimationFrame(look);
  };
  look();
`;

async function measureList(url: string): Promise<void> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
    await signedIn(page, url);
    // The tasks are written down a moment later.
    await page.waitForTimeout(2_000);
    await page.addInitScript(NOTE_OPENING);
    await page.reload();
    await page.locator('.task').first().waitFor();
    const opened = await page.evaluate('window.openedAt');
    await page.locator('.status-text', { hasText: /^Live$/ }).waitFor();
    const { frames, late, worst } = (await page.evaluate(SCROLL)) as Record<string, number>;
    process.stdout.write(`${await page.locator('.summary').innerText()}\n`);
    process.stdout.write(`opened: ${Math.round(Number(opened))} ms from navigation to the list on screen\n`);
    process.stdout.write(
      `scrolling: ${frames?.toFixed(1)} frames a second, ${late} later than ${LATE_FRAME} ms, the worst ${worst?.toFixed(0)} ms\n`,
    );
  } finally {
    await browser.close();
  }
}

measureSize();
if (process.env.EMAIL) await measureList(process.argv[2] ?? 'http://localhost:8000/');
