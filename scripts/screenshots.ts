// `npm run screenshots`: makes docs/images/*.png of the web app with a year of demo tasks, on a server of its own.

import { randomBytes } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../test/support/browser.ts';
import { startOwnServer } from './own-server.ts';
import { ROOT } from './web-bundle.ts';

const PORT = 8_790;
const URL_OF_APP = `http://localhost:${PORT}/`;
const IMAGES = path.join(ROOT, 'docs/images');
const MOST_BYTES = 300 * 1_024;
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 800 };

interface Shot {
  name: string;
  size: { width: number; height: number };
  light: 'light' | 'dark';
  prepare: (page: Page) => Promise<void>;
}

async function writing(page: Page): Promise<void> {
  await page.locator('#quick-add').fill('Plan the winter holiday !high #family 24 dec');
  await page.locator('.chip').first().waitFor();
}

async function dashboard(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await page.locator('.calendar').first().waitFor();
}

async function editing(page: Page): Promise<void> {
  await page.locator('.task-open').nth(1).click();
  await page.locator('#edit-title').waitFor();
}

const SHOTS: readonly Shot[] = [
  { name: 'tasks', size: DESKTOP, light: 'light', prepare: writing },
  { name: 'tasks-dark', size: DESKTOP, light: 'dark', prepare: editing },
  { name: 'dashboard', size: { ...DESKTOP, height: 1_240 }, light: 'light', prepare: dashboard },
  { name: 'phone', size: PHONE, light: 'light', prepare: writing },
  { name: 'phone-dashboard-dark', size: PHONE, light: 'dark', prepare: dashboard },
];

async function take(browser: Browser, shot: Shot, password: string): Promise<void> {
  const { name, size, light, prepare } = shot;
  const context = await browser.newContext({ viewport: size, colorScheme: light, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(URL_OF_APP);
  await page.getByLabel('E-mail').fill('demo@example.com');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.task').first().waitFor();
  await page.locator('.status-text', { hasText: /^Live$/ }).waitFor();
  await prepare(page);
  await page.mouse.move(0, 0);
  await page.evaluate('scrollTo(0, 0)');
  const file = path.join(IMAGES, `${name}.png`);
  await page.screenshot({ path: file });
  await context.close();
  if (statSync(file).size > MOST_BYTES) throw new Error(`${file} is larger than ${MOST_BYTES} bytes.`);
}

const password = randomBytes(12).toString('base64url');
mkdirSync(IMAGES, { recursive: true });
const server = await startOwnServer(PORT, { DEMO_PASSWORD: password });
try {
  await server.run('scripts/demo.ts');
  const browser = await launchBrowser();
  try {
    for (const shot of SHOTS) await take(browser, shot, password);
  } finally {
    await browser.close();
  }
} finally {
  await server.close();
}
