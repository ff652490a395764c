// The web app under a thumb: everything that a mouse or a keyboard can do with a task, on targets that a finger can hit.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openStage } from './support/stage.ts';
import { DESKTOP, eventually, PHONE, row, write } from './support/web.ts';

const stage = openStage();

/** What can be pressed and is smaller than that, in CSS pixels. A link within a sentence is as high as its line. */
function smallerThan(page: Page, size: number): Promise<string[]> {
  return page.evaluate(`(() => {
    const found = [];
    for (const element of document.querySelectorAll('a[href], button, input, select, textarea, [role=button]')) {
      if (element.disabled || element.closest('.skip') || !element.checkVisibility()) continue;
      const boxes = [element, element.closest('label')].filter(Boolean).map((one) => one.getBoundingClientRect());
      const width = Math.max(...boxes.map((box) => box.width));
      const height = Math.max(...boxes.map((box) => box.height));
      const isInText = getComputedStyle(element).display === 'inline' || (element.matches('.link') && element.parentElement.matches('p:not(.found)'));
      const least = isInText ? Math.min(${size}, 24) : ${size};
      if (Math.round(width) < least || Math.round(height) < least)
        found.push((element.getAttribute('aria-label') ?? (element.innerText || element.id || element.name)) + ' ' + width + '×' + height);
    }
    return found;
  })()`);
}

describe('a thumb on a phone', () => {
  it('opens what can be done with a task, and does it', async () => {
    const { page, client } = await stage.person({ size: PHONE });
    await write(page, 'Water the plants');
    await eventually(async () => (await client.get('/api/tasks')).body.tasks.length).toBe(1);
    const task = async () => (await client.get('/api/tasks')).body.tasks[0];
    const actions = page.getByRole('dialog', { name: 'Water the plants' });
    await page.getByLabel('Actions: Water the plants').tap();
    await actions.getByRole('radio', { name: 'High' }).tap();
    await actions.getByRole('radio', { name: 'Tomorrow' }).tap();
    await eventually(task).toMatchObject({ priority: 3, due_date: expect.any(String) });
    await actions.getByRole('radio', { name: 'None' }).tap();
    await eventually(task).toMatchObject({ due_date: null });
    await actions.getByRole('button', { name: 'Edit' }).tap();
    await page.locator('#edit-title:focus').fill('Water all plants');
    await page.getByRole('button', { name: 'Save', exact: true }).tap();
    await row(page, 'Water all plants').waitFor();
    await page.getByLabel('Actions: Water all plants').tap();
    await page.getByRole('button', { name: 'Move to the trash' }).tap();
    await row(page, 'Water all plants').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).tap();
    await row(page, 'Water all plants').waitFor();
    await page.getByLabel('Actions: Water all plants').tap();
    await page.getByRole('button', { name: 'Complete' }).tap();
    await eventually(task).toMatchObject({ status: true });
  });

  it('selects several, once it has selected one', async () => {
    const { page, client } = await stage.person({ size: PHONE });
    await write(page, 'One', 'Two', 'Three');
    expect(await page.getByLabel(/^Select:/).count()).toBe(0);
    await page.getByLabel('Actions: One').tap();
    await page.getByRole('button', { name: 'Select' }).tap();
    await page.getByText('1 task selected').waitFor();
    await page.getByLabel('Select: Two').tap();
    await page.locator('.bulk').getByRole('button', { name: 'Delete' }).tap();
    await eventually(async () => (await client.get('/api/tasks')).body.tasks.length).toBe(1);
    await page.getByLabel('Actions: Three').waitFor();
  });
});

describe.each([
  ['a phone, for a finger', PHONE, 44],
  ['a desktop, for a mouse', DESKTOP, 24],
])('on %s', (_name, size, least) => {
  it(`nothing to press is smaller than ${least} pixels`, async () => {
    const { page, client } = await stage.person({ size });
    const { id } = (await client.post('/api/tasks', { title: 'Deleted' })).body;
    await client.delete(`/api/tasks/${id}`);
    await write(page, 'One !high #work tomorrow', 'Two', 'Three');
    await row(page, 'Three').waitFor();
    expect(await smallerThan(page, least)).toEqual([]);
    await page.locator('#quick-add').fill('Preview !high #work 2030-01-01');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('combobox', { name: 'Priority', exact: true }).selectOption('3');
    await page.getByRole('button', { name: 'Clear filters' }).waitFor();
    expect(await smallerThan(page, least)).toEqual([]);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    if (size === PHONE) {
      await page.getByLabel('Actions: Two').tap();
      await page.getByRole('dialog', { name: 'Two' }).waitFor();
      expect(await smallerThan(page, least)).toEqual([]);
      await page.getByRole('button', { name: 'Select' }).tap();
    } else await page.getByLabel('Select: Two').check();
    await row(page, 'Three').locator('.task-open').click();
    await page.locator('#edit-title').waitFor();
    expect(await smallerThan(page, least)).toEqual([]);
    await page.locator('.editor').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    expect(await smallerThan(page, least)).toEqual([]);
    for (const name of ['Dashboard', 'Trash', 'Account', 'Security', 'Tokens']) {
      await page.getByRole('link', { name }).click();
      await page
        .getByText(/This one|Not confirmed|There is none yet|Restore|days in a row/)
        .first()
        .waitFor();
      expect(await smallerThan(page, least)).toEqual([]);
    }
    const help = page.getByRole('button', { name: 'Keyboard shortcuts' });
    if (size === PHONE) {
      expect(await help.count()).toBe(0);
      await page.keyboard.press('?');
    } else await help.click();
    await page.getByRole('dialog').waitFor();
    expect(await smallerThan(page, least)).toEqual([]);
  });

  it('nor at the door', async () => {
    const { page } = await stage.stranger({ size });
    await page.getByRole('button', { name: 'Create an account' }).click();
    expect(await smallerThan(page, least)).toEqual([]);
  });
});
