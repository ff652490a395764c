// `npx node scripts/measure-web.ts`: the figures in docs/web-app.md, on 10,000 tasks and a server of its own, from the browser's trace.
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../test/support/browser.ts';
import { startOwnServer } from './own-server.ts';
import { WEB_OUTPUT } from './web-bundle.ts';

const PORT = 8_791;
const TASKS = 10_000;
const AT_ONCE = 20;
const ROUNDS = 5;
const VIEWPORT = { width: 1280, height: 860 };
const PLAIN_LINES = 3_000;
/** Milliseconds of scrolling, and a frame at 60 a second with a little patience. */
const SCROLLING = 4_000;
const LATE_FRAME = 25;
const CATEGORIES = ['disabled-by-default-devtools.timeline.frame', 'blink.user_timing'];

interface TraceEvent {
  name: string;
  /** Microseconds. */
  ts: number;
}

function measureSize(): void {
  const page = readFileSync(path.join(WEB_OUTPUT, 'index.html'), 'utf8');
  const compressed = (name: string) =>
    gzipSync(readFileSync(path.join(WEB_OUTPUT, name)), { level: 9 }).length;
  const first = [...page.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)].map(([, name]) => name ?? '');
  const all = readdirSync(path.join(WEB_OUTPUT, 'assets')).map((name) => `assets/${name}`);
  const code = all.filter((name) => /\.(js|css)$/.test(name));
  const kilobytes = (names: string[]) =>
    (names.reduce((sum, name) => sum + compressed(name), 0) / 1_024).toFixed(1);
  process.stdout.write(`first load: ${kilobytes(first)} KB of scripts and styles, gzipped\n`);
  process.stdout.write(`everything: ${kilobytes([...new Set([...first, ...code])])} KB\n`);
}

/** An account with that many tasks, made through the API. */
async function fill(url: string, email: string, password: string): Promise<void> {
  const post = (address: string, json: unknown, token = '') =>
    fetch(new URL(address, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(json),
    });
  const answer = await post('api/auth/signup', { name: 'Measure', email, password });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  for (let made = 0; made < TASKS; made += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const task = { title: `Task number ${made + index + 1}`, category: `area ${index % 12}` };
        const { status } = await post('api/tasks', task, token);
        if (status !== 201) throw new Error(`A task was answered with ${status}.`);
      }),
    );
}

const SCROLL = `new Promise((resolve) => {
  const start = performance.now();
  performance.mark('scroll-start');
  const frame = (now) => {
    scrollBy(0, innerHeight / 20);
    if (now - start < ${SCROLLING}) requestAnimationFrame(frame);
    else { performance.mark('scroll-end'); resolve(); }
  };
  requestAnimationFrame(frame);
})`;

/** The first frame with the list in it. */
const NOTE_OPENING = `
  const look = () => {
    if (document.querySelectorAll('.task').length > 5) requestAnimationFrame(() => {
      window.openedAt = performance.mark('list-shown').startTime;
    });
    else requestAnimationFrame(look);
  };
  look();
`;

async function traced(browser: Browser, page: Page, work: () => Promise<unknown>): Promise<TraceEvent[]> {
  await browser.startTracing(page, { categories: CATEGORIES });
  await work();
  const trace = await browser.stopTracing();
  return (JSON.parse(trace.toString('utf8')) as { traceEvents: TraceEvent[] }).traceEvents;
}

/** Frames that the compositor has drawn between the two marks. */
function framesIn(events: TraceEvent[]): string {
  const at = (name: string) => events.find((event) => event.name === name)?.ts ?? Number.NaN;
  const [from, to] = [at('scroll-start'), at('scroll-end')];
  const drawn = events
    .filter(({ name, ts }) => name === 'DrawFrame' && ts >= from && ts <= to)
    .map(({ ts }) => ts / 1_000)
    .sort((a, b) => a - b);
  const gaps = drawn.slice(1).map((ts, index) => ts - (drawn[index] ?? ts));
  const perSecond = (drawn.length * 1_000_000) / (to - from);
  const late = gaps.filter((gap) => gap > LATE_FRAME).length;
  return `${perSecond.toFixed(1)} frames a second drawn, ${late} of ${drawn.length} later than ${LATE_FRAME} ms, the worst ${Math.max(...gaps).toFixed(0)} ms`;
}

async function scrolled(browser: Browser, page: Page): Promise<string> {
  await page.evaluate('scrollTo(0, 0)');
  return framesIn(await traced(browser, page, () => page.evaluate(SCROLL)));
}

/** What this machine and browser draw of a page that does nothing: plain lines, scrolled in the same way. */
async function measurePlainPage(browser: Browser): Promise<void> {
  const page = await browser.newPage({ viewport: VIEWPORT });
  await page.setContent(Array.from({ length: PLAIN_LINES }, (_, line) => `<p>Line ${line + 1}</p>`).join(''));
  for (let round = 0; round < ROUNDS; round++)
    process.stdout.write(`a plain page: ${await scrolled(browser, page)}\n`);
  await page.close();
}

async function measureList(url: string, email: string, password: string): Promise<void> {
  const browser = await launchBrowser();
  try {
    await measurePlainPage(browser);
    const page = await browser.newPage({ viewport: VIEWPORT });
    await page.goto(url);
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText(`${TASKS.toLocaleString('en-GB')} open`).waitFor();
    await page.locator('.status-text', { hasText: /^Live$/ }).waitFor();
    // The tasks are written down a moment later.
    await page.waitForTimeout(2_000);
    await page.addInitScript(NOTE_OPENING);
    for (let round = 0; round < ROUNDS; round++) {
      await page.reload();
      await page.locator('.task').first().waitFor();
      await page.locator('.status-text', { hasText: /^Live$/ }).waitFor();
      await page.waitForFunction('window.openedAt !== undefined');
      const opened = Number(await page.evaluate('window.openedAt'));
      process.stdout.write(`opened in ${Math.round(opened)} ms; ${await scrolled(browser, page)}\n`);
    }
  } finally {
    await browser.close();
  }
}

const server = await startOwnServer(PORT, { RATE_LIMIT_REQUESTS: '1000000' });
try {
  measureSize();
  const password = randomBytes(12).toString('base64url');
  await fill(server.url, 'measure@example.com', password);
  await measureList(server.url, 'measure@example.com', password);
} finally {
  await server.close();
}
