// The web app as a person uses it: signing in and out, and everything that can be done with tasks.
import { randomUUID } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount } from './support/accounts.ts';
import { launchBrowser } from './support/browser.ts';
import { PASSWORD } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import {
  DESKTOP,
  eventually,
  PHONE,
  row,
  titles,
  type Visitor,
  visit,
  visitAsNew,
  write,
} from './support/web.ts';

let server: TestServer;
let browser: Browser;
const visitors: Visitor[] = [];

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
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

async function stranger(options?: Parameters<typeof visit>[3]) {
  const visitor = await visit(browser, server, undefined, options);
  visitors.push(visitor);
  return visitor.page;
}

async function person(options?: Parameters<typeof visit>[3]) {
  const visitor = await visitAsNew(browser, server, options);
  visitors.push(visitor);
  return visitor;
}

const REFUSED = /Failed to load resource: the server responded with a status of 4\d\d/;

describe('the door', () => {
  it.each([
    ['a phone in the dark', { size: PHONE, light: 'dark' as const }],
    ['a desktop by day', { size: DESKTOP, light: 'light' as const }],
  ])('lets a new person in, says what is wrong at the field, and out again: %s', async (_name, options) => {
    const page = await stranger({ ...options, expected: REFUSED });
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByLabel('E-mail').fill('not an address');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByText('Please tell us your name.').waitFor();
    expect(await page.getByLabel('Name').evaluate((field) => field.matches(':focus'))).toBe(true);
    expect(await page.getByLabel('E-mail').getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel('Name').fill('Grace');
    await page.getByLabel('E-mail').fill(`${randomUUID()}@example.com`);
    await page.getByLabel('Password').fill('password1');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByText(/most common passwords/).waitFor();
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByText('A blank page').waitFor();
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
    await page.getByRole('button', { name: 'Create an account' }).waitFor();
  });

  it('says so when the password is wrong, and keeps the e-mail', async () => {
    const account = await seedAccount(server);
    const page = await stranger({ expected: REFUSED });
    await page.getByLabel('E-mail').fill(account.email);
    await page.getByLabel('Password').fill('a wrong password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('E-mail or password is wrong.').waitFor();
    expect(await page.getByLabel('E-mail').inputValue()).toBe(account.email);
    await page.getByLabel('Password').fill(account.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('A blank page').waitFor();
  });
});

describe('signing out', () => {
  it('leaves nothing behind on the device', async () => {
    const { page } = await person();
    await write(page, 'Secret');
    await row(page, 'Secret').waitFor();
    await page.locator('#quick-add').fill('Half a secret');
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await eventually(() => page.evaluate('indexedDB.databases().then((all) => all.length)')).toBe(0);
    expect(await page.evaluate('JSON.stringify(localStorage)')).toBe('{}');
  });
});

describe.each([
  ['phone', PHONE],
  ['desktop', DESKTOP],
])('tasks on a %s', (_name, size) => {
  it('are written in one line, with a preview of what was understood', async () => {
    const { page, client } = await person({ size });
    await page.locator('#quick-add').fill('Call mum !high #family 2030-12-24');
    await page.locator('.chip', { hasText: 'High priority' }).waitFor();
    await page.locator('.chip', { hasText: 'family' }).waitFor();
    await page.locator('.chip', { hasText: '24 December 2030' }).waitFor();
    await page.locator('#quick-add').press('Enter');
    await row(page, 'Call mum').waitFor();
    expect(await page.locator('#quick-add').inputValue()).toBe('');
    await eventually(async () => (await client.get('/api/tasks')).body.tasks).toMatchObject([
      { title: 'Call mum', priority: 3, category: 'family', due_date: '2030-12-24' },
    ]);
  });

  it('keep as text what was understood against the writer’s will', async () => {
    const { page, client } = await person({ size });
    await page.locator('#quick-add').fill('Sing song #one');
    await page.getByRole('button', { name: /Keep “#one” as text/ }).click();
    await page.locator('#quick-add').press('Enter');
    await eventually(async () => (await client.get('/api/tasks')).body.tasks[0]?.title).toBe(
      'Sing song #one',
    );
  });

  it('are edited in place, every field of them', async () => {
    const { page, client } = await person({ size });
    await write(page, 'Old words');
    await row(page, 'Old words').locator('.task-open').click();
    await page.locator('#edit-title').fill('New words');
    await page.getByLabel('Notes').fill('Two lines,\nif a < b');
    await page.locator('#edit-category').fill('words');
    await page.locator('.editor').getByRole('radio', { name: 'High' }).check();
    await page.locator('#edit-due').fill('2031-01-02');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await row(page, 'New words').waitFor();
    await eventually(async () => (await client.get('/api/tasks')).body.tasks[0]).toMatchObject({
      title: 'New words',
      description: 'Two lines,\nif a < b',
      category: 'words',
      priority: 3,
      due_date: '2031-01-02',
    });
  });

  it('are not saved without a title, and Escape leaves them as they were', async () => {
    const { page } = await person({ size });
    await write(page, 'Stays');
    await row(page, 'Stays').locator('.task-open').click();
    await page.locator('#edit-title').fill('  ');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('A task needs a title.').waitFor();
    await page.locator('#edit-title').press('Escape');
    await row(page, 'Stays').waitFor();
  });

  it('that were ticked off by a slip are open again from the toast, which speaks of the last one', async () => {
    const { page, client } = await person({ size });
    await write(page, 'Meant', 'Slipped');
    const done = async () => {
      const { tasks } = (await client.get('/api/tasks?status=true')).body as { tasks: { title: string }[] };
      return tasks.map(({ title }) => title);
    };
    await page.getByLabel('Done: Meant').check();
    await page.getByText('“Meant” is done.').waitFor();
    await page.getByLabel('Done: Slipped').check();
    await page.getByText('“Slipped” is done.').waitFor();
    expect(await page.getByText('“Meant” is done.').count()).toBe(0);
    await eventually(async () => (await done()).toSorted()).toEqual(['Meant', 'Slipped']);
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(page, 'Slipped').waitFor();
    await eventually(done).toEqual(['Meant']);
    expect(await page.locator('.toast').count()).toBe(0);
  });

  it('are completed at once, and found among those that are done', async () => {
    const { page, client } = await person({ size });
    await write(page, 'Do this', 'Not this');
    await page.getByLabel('Done: Do this').check();
    await row(page, 'Do this').waitFor({ state: 'detached' });
    await page.getByRole('radio', { name: 'Done' }).check();
    await row(page, 'Do this').waitFor();
    expect(await row(page, 'Not this').count()).toBe(0);
    await eventually(async () => (await client.get('/api/dashboard/stats')).body.completed_tasks).toBe(1);
  });
});

describe('deleting', () => {
  it('can be undone from the toast', async () => {
    const { page, client } = await person();
    await write(page, 'Precious');
    await row(page, 'Precious').hover();
    await page.getByLabel('Delete: Precious').click();
    await row(page, 'Precious').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(page, 'Precious').waitFor();
    await eventually(async () => (await client.get('/api/tasks')).body.tasks.length).toBe(1);
  });

  it('fills the trash, from which a task comes back or goes for good', async () => {
    const { page, client } = await person();
    await write(page, 'Returns', 'Leaves');
    for (const title of ['Returns', 'Leaves']) {
      await row(page, title).hover();
      await page.getByLabel(`Delete: ${title}`).click();
    }
    await page.getByRole('link', { name: 'Trash' }).click();
    await page.getByLabel('Restore: Returns').click();
    await page.getByLabel('Delete for good: Leaves').click();
    await page.getByRole('button', { name: 'Delete for good', exact: true }).click();
    await page.getByRole('heading', { name: 'Empty' }).waitFor();
    await page.getByRole('link', { name: 'Tasks' }).click();
    await row(page, 'Returns').waitFor();
    await eventually(async () => [
      (await client.get('/api/tasks')).body.tasks.length,
      (await client.get('/api/tasks?trashed=true')).body.tasks.length,
    ]).toEqual([1, 0]);
  });
});

describe('the list', () => {
  it('is filtered, searched as one types, and sorted', async () => {
    const { page } = await person();
    await write(page, 'Beta !low #work 2031-01-01', 'Alpha !high #home 2030-01-01', 'Gamma #work');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('combobox', { name: 'Order', exact: true }).selectOption('title');
    await eventually(() => titles(page)).toEqual(['Alpha', 'Beta', 'Gamma']);
    await page.getByRole('combobox', { name: 'Order', exact: true }).selectOption('due');
    await eventually(() => titles(page)).toEqual(['Alpha', 'Beta', 'Gamma']);
    await page.getByRole('combobox', { name: 'Order', exact: true }).selectOption('priority');
    await eventually(() => titles(page)).toEqual(['Alpha', 'Gamma', 'Beta']);
    await page.getByRole('combobox', { name: 'Category', exact: true }).selectOption('work');
    await eventually(() => titles(page)).toEqual(['Gamma', 'Beta']);
    await page.getByRole('combobox', { name: 'Due', exact: true }).selectOption('none');
    await eventually(() => titles(page)).toEqual(['Gamma']);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByLabel('Search').fill('ALP ha');
    await eventually(() => titles(page)).toEqual(['Alpha']);
    await page.getByLabel('Search').fill('nothing is like this');
    await page.getByText('Nothing matches').waitFor();
  });

  it('changes many tasks at once', async () => {
    const { page, client } = await person();
    await write(page, 'One', 'Two', 'Three');
    for (const title of ['One', 'Two']) await page.getByLabel(`Select: ${title}`).check();
    await page.getByText('2 tasks selected').waitFor();
    await page.getByLabel('Priority for the selected tasks').selectOption('3');
    await page.getByLabel('Category for the selected tasks').fill('both');
    await page.getByRole('button', { name: 'Set' }).click();
    const found = async (query: string) => (await client.get(`/api/tasks?${query}`)).body.tasks.length;
    await eventually(() => found('category=both&priority=high')).toBe(2);
    await page.getByRole('button', { name: 'Complete' }).click();
    await eventually(() => found('status=true')).toBe(2);
    await page.getByRole('button', { name: /^Select all/ }).click();
    await page.locator('.bulk').getByRole('button', { name: 'Delete' }).click();
    await eventually(() => found('')).toBe(0);
    await page.getByRole('button', { name: 'Undo' }).click();
    await eventually(() => found('')).toBe(3);
  });

  it('is worked by the keyboard alone', async () => {
    const { page, client } = await person();
    await page.keyboard.press('n');
    await page.keyboard.type('First !low');
    await page.keyboard.press('Enter');
    await page.keyboard.type('Second');
    await page.keyboard.press('Enter');
    await row(page, 'Second').waitFor();
    await eventually(async () => (await client.get('/api/tasks')).body.tasks.length).toBe(2);
    await page.locator('#quick-add').blur();
    const isAt = (title: string) =>
      eventually(() => page.evaluate('document.activeElement.innerText')).toContain(title);
    await page.keyboard.press('j');
    await isAt('Second');
    await page.keyboard.press('j');
    await isAt('First');
    await page.keyboard.press('3');
    await eventually(async () => (await client.get('/api/tasks?priority=high')).body.tasks[0]?.title).toBe(
      'First',
    );
    await page.keyboard.press('e');
    await page.locator('#edit-title:focus').fill('First of all');
    await page.keyboard.press('Control+Enter');
    await isAt('First of all');
    await page.keyboard.press('k');
    await isAt('Second');
    await page.keyboard.press('Delete');
    await row(page, 'Second').waitFor({ state: 'detached' });
    await page.keyboard.press('u');
    await row(page, 'Second').waitFor();
    await page.keyboard.press('/');
    await page.locator('#search:focus').waitFor();
    await page.locator('#search').blur();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await page.keyboard.press('d');
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
  });
});

describe('the dashboard and the account', () => {
  it('draw what was done, with tables for those who cannot see it', async () => {
    const { page, client } = await person();
    for (const title of ['a', 'b', 'c'])
      await client.post('/api/tasks', { title, category: 'work', status: title !== 'c' });
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await eventually(() => page.getByRole('table', { name: 'Done', exact: true }).innerText()).toContain(
      '66.7%',
    );
    const categories = await page.getByRole('table', { name: 'By category' }).innerText();
    expect(categories.replace(/\s+/g, ' ')).toContain('work 1 2 3');
    await client.post('/api/tasks', { title: 'd', status: true });
    await eventually(() => page.getByRole('table', { name: 'Done', exact: true }).innerText()).toContain(
      '75%',
    );
  });

  it('remember the look that was chosen', async () => {
    const { page } = await person({ light: 'light' });
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByRole('radio', { name: 'Dark' }).check();
    await page.reload();
    await page.getByRole('radio', { name: 'Dark' }).waitFor();
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
  });
});
