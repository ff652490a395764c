// How the pages hold together: a bar to scroll by moves nothing and dims with the rest, and no figure stands alone in its row.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import { launchBrowser } from './support/browser.ts';
import { openStage } from './support/stage.ts';
import { live, row, seedTasks, visit } from './support/web.ts';

const stage = openStage();

/** How much of the window the page has: all of it where there is no bar, and no room kept for one. */
const BESIDE = 'innerWidth - document.documentElement.clientWidth';
/** Asked in one go: a heading found first and measured then may have given way to the loaded page's own. */
const leftOf = (page: Page) =>
  page.evaluate<number>("document.querySelector('h1').getBoundingClientRect().left");

describe('a bar to scroll by', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser({ hasScrollbars: true });
  });
  afterAll(() => browser?.close());

  it('moves no page, and goes while a dialog is open, which dims up to the edges', async () => {
    const client = await seedClient(stage.server());
    await seedTasks(stage.server(), client.user.id, 200);
    const { page, problems } = await visit(browser, stage.server(), client);
    await live(page);
    await row(page, /^Task number 1$/).waitFor();
    expect(await page.evaluate<number>(BESIDE)).toBeGreaterThan(0);
    const left = await leftOf(page);
    await page.evaluate('scrollTo(0, 600)');
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    expect([await page.evaluate(BESIDE), await leftOf(page), await page.evaluate('scrollY')]).toEqual([
      0,
      left,
      600,
    ]);
    await page.keyboard.press('Escape');
    expect([await leftOf(page), await page.evaluate('scrollY')]).toEqual([left, 600]);
    await page.getByRole('link', { name: 'Trash' }).click();
    await page.getByRole('heading', { level: 1, name: 'Trash' }).waitFor();
    expect([await page.evaluate(BESIDE), await page.evaluate('document.documentElement.scrollLeft')]).toEqual(
      [0, 0],
    );
    const trash = await leftOf(page);
    expect(trash).toBe(left);
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
    expect(await leftOf(page)).toBe(left);
    expect(problems).toEqual([]);
  });
});

describe('the dashboard', () => {
  /** Boxes that stand on one line, by their upper edges. */
  const rowsOf = (page: Page, selector: string) =>
    page.evaluate<number[]>(`(() => {
      const rows = new Map();
      for (const box of document.querySelectorAll('${selector}')) {
        const top = Math.round(box.getBoundingClientRect().top);
        rows.set(top, (rows.get(top) ?? 0) + 1);
      }
      return [...rows.values()];
    })()`);

  it.each([360, 390, 480, 736, 768, 1024, 1280, 1440])(
    'leaves no figure alone in its row: %i wide',
    async (width) => {
      const { page } = await stage.person({ size: { width, height: 900 } });
      await page.locator('#quick-add').fill('Something');
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'Dashboard' }).click();
      await page.locator('.calendar').first().waitFor();
      const rows = await rowsOf(page, '.numbers > div');
      expect(rows.reduce((sum, count) => sum + count, 0)).toBe(6);
      expect(new Set(rows).size).toBe(1);
      expect(rows[0]).toBeGreaterThan(1);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    },
  );

  it('says below the last of the thirty days that it is today, and names no day over another', async () => {
    const { page } = await stage.person();
    await page.locator('#quick-add').fill('Something');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await page.locator('.trend').waitFor();
    const labels = await page.evaluate<{ text: string; left: number; right: number }[]>(`(() => {
      const below = document.querySelector('.trend rect').getBoundingClientRect().bottom;
      return [...document.querySelectorAll('.trend .axis')]
        .map((label) => ({ text: label.textContent, box: label.getBoundingClientRect() }))
        .filter(({ box }) => box.top > below)
        .map(({ text, box }) => ({ text, left: box.left, right: box.right }));
    })()`);
    expect(labels.at(-1)?.text).toBe('Today');
    expect(labels.length).toBe(4);
    for (const [index, { left }] of labels.entries())
      expect(left).toBeGreaterThan(labels[index - 1]?.right ?? Number.NEGATIVE_INFINITY);
  });
});

describe.each([
  { name: 'on a desktop', width: 1280, height: 800 },
  { name: 'on a tablet', width: 768, height: 1024 },
  { name: 'on a phone', width: 390, height: 844 },
])('the list $name', ({ width, height }) => {
  const open = async () => {
    const { page, client } = await stage.person();
    await page.setViewportSize({ width, height });
    await seedTasks(stage.server(), client.user.id, 14);
    await page.reload();
    await live(page);
    return page;
  };
  const boxOf = async (page: Page, selector: string) => {
    const box = await page.locator(selector).boundingBox();
    if (!box) throw new Error(`There is no ${selector}`);
    return box;
  };

  it('shows all of the form of a task that is opened at its end', async () => {
    const page = await open();
    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    await row(page, /^Task number 14$/)
      .getByRole('button', { name: /^Task number 14/ })
      .click();
    const bottom = async () => {
      const { y, height: tall } = await boxOf(page, '.editor');
      return y + tall;
    };
    await expect.poll(bottom).toBeLessThanOrEqual(height);
    expect((await boxOf(page, '#edit-title')).y).toBeGreaterThanOrEqual(0);
  });

  it('keeps what can be done with the chosen tasks clear of what it has to say', async () => {
    const page = await open();
    await page.evaluate('scrollTo(0, 200)');
    await page.getByLabel('Done: Task number 6', { exact: true }).click();
    const toast = page.getByText(/is done/);
    await toast.waitFor();
    const actions = page.getByRole('button', { name: 'Actions: Task number 7', exact: true });
    if (await actions.isVisible()) {
      await actions.click();
      await page.getByRole('button', { name: 'Select' }).click();
    } else await page.getByLabel('Select: Task number 7', { exact: true }).check();
    const bar = await boxOf(page, '.bulk');
    const said = await boxOf(page, '.toast');
    expect(await toast.isVisible()).toBe(true);
    expect(said.y + said.height <= bar.y || said.y >= bar.y + bar.height).toBe(true);
  });
});
