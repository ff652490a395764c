// The documentation page in a real browser: it works offline, under our policy, and its forms reach the API.
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchBrowser } from './support/browser.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What went wrong in the page, and what it asked of others. */
let complaints: string[];

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

beforeEach(async () => {
  complaints = [];
  context = await browser.newContext();
  page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== 'data:' && origin !== server.url) complaints.push(`asked ${request.url()}`);
  });
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
});
afterEach(() => context.close());

describe('the documentation at /docs', () => {
  it.each(['/docs', '/docs/'])('shows every tag and route with nothing from elsewhere: %s', async (path) => {
    await page.goto(`${server.url}${path}`);
    await page.locator('#operations-Tasks-createTask').waitFor();
    for (const tag of ['Authentication', 'Account', 'Tasks', 'Dashboard', 'Sync', 'Health'])
      expect(await page.locator(`#operations-tag-${tag}`).count()).toBe(1);
    expect(await page.title()).toMatch(/Donewell/);
    expect(complaints).toEqual([]);
  });

  it('signs up by its form, then lists tasks with the cookie', async () => {
    await page.goto(`${server.url}/docs`);
    const execute = async (operation: string, body?: string) => {
      const block = page.locator(`#operations-${operation}`);
      await block.locator('.opblock-summary-control').click();
      if (body !== undefined) await block.locator('textarea').fill(body);
      await block.locator('button.execute').click();
      const status = block.locator('.live-responses-table tbody .response-col_status').first();
      await block.locator('.live-responses-table .highlight-code').first().waitFor();
      return {
        status: await status.innerText(),
        text: await block.locator('.live-responses-table').first().innerText(),
      };
    };
    const account = { name: 'Doc', email: 'doc@example.com', password: 'correct horse battery' };
    const signedUp = await execute('Authentication-signUp', JSON.stringify(account));
    expect(signedUp.status).toContain('201');
    expect(signedUp.text).toContain('doc@example.com');
    const listed = await execute('Tasks-listTasks');
    expect(listed.status).toContain('200');
    expect(listed.text).toContain('next_cursor');
    const created = await execute('Tasks-createTask', JSON.stringify({ title: 'From the page' }));
    expect(created.status).toContain('201');
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/docs.png` });
    expect(await server.sql('select title from task')).toEqual([{ title: 'From the page' }]);
    expect(complaints).toEqual([]);
  });

  it.each(['/docs', '/docs/'])('fits a phone, and leads back to the app: %s', async (path) => {
    const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, isMobile: true });
    try {
      const page = await phone.newPage();
      await page.goto(`${server.url}${path}`);
      await page.locator('#operations-Tasks-createTask').waitFor();
      expect(await page.evaluate('innerWidth')).toBe(390);
      await page.getByRole('link', { name: 'Back to Donewell' }).click();
      await page.waitForURL(`${server.url}/`);
    } finally {
      await phone.close();
    }
  });

  it('may run no script of its own making', async () => {
    const answer = await fetch(`${server.url}/docs`);
    const policy = answer.headers.get('content-security-policy') ?? '';
    const scripts = /script-src ([^;]*)/.exec(policy)?.[1];
    expect(scripts).toBe("'self'");
    expect(policy).not.toMatch(/unsafe-eval|https?:|\*/);
    await page.goto(`${server.url}/docs`);
    await page.evaluate(
      "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }))",
    );
    expect(await page.evaluate('window.ran')).toBeUndefined();
  });
});

describe('the page of errors at /docs/errors', () => {
  it.each([
    ['light', 390],
    ['dark', 1280],
  ] as const)('is readable for everyone: %s, %i wide', async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await page.goto(`${server.url}/docs/errors#task_not_found`);
    expect(await page.locator('#task_not_found').isVisible()).toBe(true);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect(overflow).toBeLessThanOrEqual(0);
    if (process.env.SCREENSHOTS)
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/errors-${colorScheme}-${width}.png` });
    expect(complaints).toEqual([]);
  });
});
