// The web app for everybody: no violation of WCAG 2.2 AA on any page, 10,000 tasks at ease, any path of a proxy.
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import { launchBrowser } from './support/browser.ts';
import { type PathProxy, startPathProxy } from './support/path-proxy.ts';
import { startServer, type TestServer } from './support/server.ts';
import { LOOKS, violations } from './support/stage.ts';
import { eventually, live, PHONE, row, seedTasks, type Visitor, visit } from './support/web.ts';

let server: TestServer;
let browser: Browser;
let client: Awaited<ReturnType<typeof seedClient>>;
const visitors: Visitor[] = [];

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  client = await seedClient(server);
  const seeds = [
    {
      title: 'Overdue',
      priority: 'high',
      due_date: '2020-01-01',
      category: 'work',
      description: 'With a note',
    },
    { title: 'Done', status: true, priority: 'low' },
    { title: 'Far away', due_date: '2040-01-01' },
  ];
  for (const seed of seeds) await client.post('/api/tasks', seed);
  const { id } = (await client.post('/api/tasks', { title: 'Deleted' })).body;
  await client.delete(`/api/tasks/${id}`);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});
afterEach(async () => {
  const problems = visitors.flatMap((visitor) => visitor.problems);
  await Promise.all(visitors.splice(0).map(({ context }) => context.close()));
  expect(problems).toEqual([]);
});

describe.each(LOOKS)('on %s', (_name, { size, light }) => {
  async function open(signedIn = true) {
    const visitor = await visit(browser, server, signedIn ? client : undefined, { size, light });
    visitors.push(visitor);
    return visitor.page;
  }

  it('the door has no barrier', async () => {
    const page = await open(false);
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByText('Please tell us your name.').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('the tasks have no barrier, whatever is open', async () => {
    const page = await open();
    await page.getByRole('radio', { name: 'All' }).check();
    await row(page, 'Done').waitFor();
    await page.locator('#quick-add').fill('Preview !high #work 2030-01-01');
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    if (size === PHONE) {
      await page.getByLabel('Actions: Overdue').tap();
      await page.getByRole('dialog', { name: 'Overdue' }).waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Select' }).tap();
    } else await page.getByLabel('Select: Overdue').check();
    await row(page, 'Far away').locator('.task-open').click();
    await page.locator('#edit-title').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('the other pages and the help have no barrier', async () => {
    const page = await open();
    await row(page, 'Overdue').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await page.getByRole('table', { name: 'By category' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'Trash' }).click();
    await page.getByLabel('Restore: Deleted').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByText('Not confirmed').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('no page is wider than the window', async () => {
    const page = await open();
    await row(page, 'Overdue').waitFor();
    for (const name of ['Dashboard', 'Trash', 'Account', 'Tasks']) {
      await page.getByRole('link', { name }).click();
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect([name, await page.evaluate('document.documentElement.scrollWidth <= innerWidth')]).toEqual([
        name,
        true,
      ]);
    }
  });
});

describe('ten thousand tasks', () => {
  it('open, scroll to the end and are searched, with few rows in the page', async () => {
    const rich = await seedClient(server);
    await seedTasks(server, rich.user.id, 10_000);
    const visitor = await visit(browser, server, rich);
    visitors.push(visitor);
    const { page } = visitor;
    await page.getByText('10,000 open').waitFor();
    await row(page, /^Task number 1$/).waitFor();
    await page.keyboard.press('j');
    await page.locator('.task-open:focus').waitFor();
    await page.keyboard.press('End');
    await row(page, /^Task number 10000$/).waitFor();
    expect(await page.locator('.task').count()).toBeLessThan(60);
    await page.locator('#search').fill('number 4321');
    await eventually(() => page.locator('.task-words').allInnerTexts()).toEqual(['Task number 4321']);
    // What was read once is not asked for again.
    const asked: string[] = [];
    await eventually(() => page.evaluate(keptTasks(rich.user.id))).toBe(10_000);
    page.on('request', (sent) => asked.push(sent.url()));
    await page.reload();
    await page.getByText('10,000 open').waitFor();
    await live(page);
    expect(asked.filter((url) => url.includes('/api/sync')).length).toBeLessThanOrEqual(2);
  });
});

function keptTasks(userId: string): string {
  return `new Promise((resolve) => {
    const opening = indexedDB.open('donewell-${userId}');
    opening.onsuccess = () => {
      const database = opening.result;
      const counting = database.transaction('tasks').objectStore('tasks').count();
      counting.onsuccess = () => { database.close(); resolve(counting.result); };
    };
  })`;
}

describe('below a path of a proxy', () => {
  let proxy: PathProxy;

  beforeAll(async () => {
    proxy = await startPathProxy(server.url, '/todo');
  });
  afterAll(() => proxy?.close());

  it.each(['', 'trash', 'trash/', 'dashboard/'])('the app opens at its pages: %s', async (name) => {
    const visitor = await visit(browser, { url: `${proxy.url}${name}` }, client);
    visitors.push(visitor);
    const { page } = visitor;
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.getByRole('link', { name: 'Tasks' }).click();
    await row(page, 'Overdue').waitFor();
    await live(page);
    expect(page.url()).toBe(proxy.url);
  });
});

describe('the first load', () => {
  it('is at most 60 KB of scripts and styles, compressed', async () => {
    const page = await (await fetch(server.url)).text();
    const names = [...page.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)].map(([, name]) => name);
    const sizes = await Promise.all(
      names.map(
        async (name) => gzipSync(await (await fetch(`${server.url}/${name}`)).text(), { level: 9 }).length,
      ),
    );
    expect(names.length).toBeGreaterThan(2);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(60 * 1_024);
  });

  it('has no schema library, nor has any page that is loaded later: the server checks', async () => {
    const worker = await (await fetch(`${server.url}/sw.js`)).text();
    const names = [...worker.matchAll(/\.\/(assets\/[\w.-]+\.js)/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(4);
    for (const name of names)
      expect(await (await fetch(`${server.url}/${name}`)).text(), name).not.toContain('~kind');
  });
});
