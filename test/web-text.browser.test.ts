// Whatever people write is shown as they wrote it, and breaks no page: long words, other directions, signs and pictures.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openStage, REFUSED, violations } from './support/stage.ts';
import { DESKTOP, eventually, PHONE, row, write } from './support/web.ts';

const stage = openStage();

const TEXTS = [
  'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.padEnd(200, 'xy'),
  'https://example.com/a/very/long/address?with=many&parameters=and-no-space-at-all-'.padEnd(
    200,
    '0123456789',
  ),
  'اكتب التقرير الأسبوعي وأرسله قبل الساعة 17:00 (مهم!)',
  'לקנות חלב ולחם, 2 יחידות',
  '👩‍👩‍👧‍👦🏳️‍🌈👍🏽 🇳🇴'.repeat(8),
  'Z̷̢͔̈́a̴̛̰͝l̸̬̑g̵͎̀o̶̟͋ '.repeat(6).trim(),
  '買牛奶和麵包然後去郵局寄包裹給在台北的朋友'.repeat(6),
  'if a < b && c > d then "x" & \'y\' <b>',
];
const LONG_CATEGORY = 'Rechtsschutzversicherungsgesellschaften'.padEnd(100, 'ab');

/** What is wider than the window, or hangs out of it. A phone makes its window wider, and all letters smaller. */
function overflow(page: Page): Promise<unknown> {
  const width = page.viewportSize()?.width ?? 0;
  return page.evaluate(`(() => {
    const innerWidth = ${width};
    const wide = document.documentElement.scrollWidth > innerWidth;
    const out = [...document.querySelectorAll('h1, h2, button, input, select, dd, dt, .toast, .task-title, .dialog')]
      .filter((element) => element.checkVisibility() && !element.closest('.visually-hidden') && !element.matches('.visually-hidden'))
      .filter((element) => { const box = element.getBoundingClientRect(); return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1); })
      .map((element) => element.outerHTML.slice(0, 120));
    if (wide) for (const element of document.querySelectorAll('body *')) if (element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('.visually-hidden')) out.push(element.outerHTML.slice(0, 100));
    return { wide, out };
  })()`);
}

const FITS = { wide: false, out: [] };

describe.each([
  ['phone', PHONE],
  ['desktop', DESKTOP],
])('on a %s', (_name, size) => {
  it('every text is shown as it is, and no page is wider than the window', async () => {
    const { page, client } = await stage.person({ size });
    for (const title of TEXTS) {
      const { status } = await client.post('/api/tasks', {
        title,
        category: LONG_CATEGORY,
        description: title.repeat(4).slice(0, 900),
        due_date: '2020-02-29',
        priority: 'high',
      });
      expect([title, status]).toEqual([title, 201]);
    }
    await eventually(() => page.locator('.task').count()).toBe(TEXTS.length);
    const stored = (await client.get('/api/tasks')).body.tasks.map((task: { title: string }) => task.title);
    expect(await page.locator('.task-words').allTextContents()).toEqual(stored);
    expect(await overflow(page)).toEqual(FITS);
    expect(
      await row(page, 'لتقرير')
        .locator('.task-words')
        .evaluate((words) => words.matches(':dir(rtl)')),
    ).toBe(true);
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('combobox', { name: 'Category', exact: true }).selectOption(LONG_CATEGORY);
    await page.getByText(`8 tasks · ${LONG_CATEGORY}`).waitFor();
    expect(await overflow(page)).toEqual(FITS);
    await row(page, 'Donaudampf').locator('.task-open').click();
    await page.locator('#edit-title').waitFor();
    expect(await overflow(page)).toEqual(FITS);
    await page.locator('#edit-title').press('Escape');
    if (size === PHONE) {
      await page.getByLabel(/^Actions: https/).tap();
      await page.getByRole('dialog').waitFor();
      expect(await overflow(page)).toEqual(FITS);
      await page.getByRole('button', { name: 'Move to the trash' }).tap();
    } else {
      await row(page, 'https://').hover();
      await page.getByLabel(/^Delete: https/).click();
    }
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    expect(await overflow(page)).toEqual(FITS);
    await page.getByRole('link', { name: 'Trash' }).click();
    await page.getByLabel(/^Delete for good/).click();
    await page.getByRole('dialog').waitFor();
    expect(await overflow(page)).toEqual(FITS);
    await page.getByRole('button', { name: 'Keep it' }).click();
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await page.getByRole('table', { name: 'By category' }).waitFor();
    expect(await overflow(page)).toEqual(FITS);
    expect(await violations(page)).toEqual([]);
  });

  it('two versions of a long text fit beside each other', async () => {
    const { page, client } = await stage.person({ size, expected: REFUSED });
    const [mine = '', theirs = '', arabic = ''] = TEXTS;
    const { id } = (await client.post('/api/tasks', { title: 'Short' })).body;
    await row(page, 'Short').locator('.task-open').click();
    await page.locator('#edit-title').fill(mine);
    await page.getByLabel('Notes').fill(arabic);
    await client.patch(`/api/tasks/${id}`, { title: theirs, description: mine });
    await page.getByText(/Changed elsewhere/).waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('dialog', { name: 'This task was changed elsewhere' }).waitFor();
    expect(await overflow(page)).toEqual(FITS);
  });

  it('a title of exactly 200 signs is taken, and one more is not', async () => {
    const { page, client } = await stage.person({ size, expected: REFUSED });
    const pictures = '👍'.repeat(200);
    await write(page, pictures);
    await eventually(async () => (await client.get('/api/tasks')).body.tasks[0]?.title).toBe(pictures);
    await write(page, `${pictures}👍`);
    await page.getByText('A title has at most 200 characters.').waitFor();
    expect(await overflow(page)).toEqual(FITS);
    expect((await client.get('/api/tasks')).body.tasks).toHaveLength(1);
  });
});
