// Somebody in front of the web app: a real Chromium at one size and in one light, whose every complaint is noted.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { seedClient } from './accounts.ts';
import type { TestServer } from './server.ts';

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 860 };

export interface VisitorOptions {
  size?: { width: number; height: number };
  light?: 'light' | 'dark';
  timezone?: string;
  /** Console errors that belong to the story: the browser itself reports each refused or lost request. */
  expected?: RegExp;
}

export interface Visitor {
  context: BrowserContext;
  page: Page;
  /** Console errors, warnings of preloads, CSP reports and exceptions. */
  problems: string[];
}

const PATIENCE = 15_000;
/** Of its warnings: others tell of lost connections, which belong to many stories. */
const PRELOADED = /preload/i;

/** Asserts on what will be true in a while. */
export function eventually<Value>(read: () => Value | Promise<Value>) {
  return expect.poll(read, { timeout: PATIENCE });
}

type Cookies = Pick<Awaited<ReturnType<typeof seedClient>>, 'cookies'>;

/** Opens the app, signed in with the cookies of a client if one is given. */
export async function visit(
  browser: Browser,
  server: Pick<TestServer, 'url'>,
  who?: Cookies,
  { size = DESKTOP, light = 'light', timezone, expected }: VisitorOptions = {},
): Promise<Visitor> {
  const isPhone = size.width === PHONE.width;
  const context = await browser.newContext({
    viewport: size,
    colorScheme: light,
    reducedMotion: 'reduce',
    hasTouch: isPhone,
    isMobile: isPhone,
    ...(timezone ? { timezoneId: timezone } : {}),
  });
  if (who) {
    const domain = new URL(server.url).hostname;
    const cookies = [...who.cookies].map(([name, value]) => ({ name, value, domain, path: '/' }));
    await context.addCookies(cookies);
  }
  const problems: string[] = [];
  const note = (text: string) => {
    if (!expected?.test(text)) problems.push(text);
  };
  context.on('console', (message) => {
    const isComplaint = message.type() === 'error' || PRELOADED.test(message.text());
    if (isComplaint) note(`${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => note(`${error.error().stack}`));
  const page = await context.newPage();
  await page.goto(server.url);
  return { context, page, problems };
}

/** A new account, and somebody who sees its tasks. */
export async function visitAsNew(browser: Browser, server: TestServer, options?: VisitorOptions) {
  const client = await seedClient(server);
  const visitor = await visit(browser, server, client, options);
  await visitor.page.locator('#quick-add').waitFor();
  await live(visitor.page);
  return { client, ...visitor };
}

export async function live(page: Page): Promise<void> {
  await page.locator('.status-text', { hasText: /^Live$/ }).waitFor();
}

export async function write(page: Page, ...lines: string[]): Promise<void> {
  for (const line of lines) {
    await page.locator('#quick-add').fill(line);
    await page.locator('#quick-add').press('Enter');
  }
}

/** The row of a task, by its words. */
export function row(page: Page, title: string | RegExp) {
  return page.locator('.task', { has: page.locator('.task-words', { hasText: title }) });
}

export async function titles(page: Page): Promise<string[]> {
  return page.locator('.task:not(.is-done) .task-words').allInnerTexts();
}

export async function seedTasks(server: TestServer, userId: string, count: number): Promise<void> {
  await server.sql(
    `insert into task (user_id, title, description, status, category, priority, due_date, created_at, updated_at, rev, created_rev)
     select $1, 'Task number ' || n, case when n % 3 = 0 then 'With a note' end, false, 'area ' || n % 12, n % 3 + 1, current_date + n % 40,
       now() - n * interval '1 minute', now() - n * interval '1 minute', n, n from generate_series(1, $2::int) as n`,
    [userId, count],
  );
  await server.sql(
    `update user_sync set rev = $2::int,
       low_total = (select count(*) from task where user_id = $1 and priority = 1),
       medium_total = (select count(*) from task where user_id = $1 and priority = 2),
       high_total = (select count(*) from task where user_id = $1 and priority = 3)
     where user_id = $1`,
    [userId, count],
  );
}
