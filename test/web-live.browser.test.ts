// The web app among others and on bad days: live changes, conflicts, no network, refusals, ended sessions.
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import { launchBrowser } from './support/browser.ts';
import { PASSWORD } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import {
  eventually,
  live,
  row,
  titles,
  type Visitor,
  type VisitorOptions,
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

async function person(options?: VisitorOptions) {
  const visitor = await visitAsNew(browser, server, options);
  visitors.push(visitor);
  return visitor;
}

async function another(client: Awaited<ReturnType<typeof seedClient>>, options?: VisitorOptions) {
  const visitor = await visit(browser, server, client, options);
  visitors.push(visitor);
  await live(visitor.page);
  return visitor;
}

const NO_NETWORK = /ERR_INTERNET_DISCONNECTED|ERR_FAILED|Failed to load resource/;
const REFUSED = /Failed to load resource: the server responded with a status of 4\d\d/;

describe('two browsers', () => {
  it('see each other’s changes without a reload', async () => {
    const { page: here, client } = await person();
    const { page: there } = await another(client);
    await write(here, 'Seen by both');
    await row(there, 'Seen by both').waitFor();
    await there.getByLabel('Done: Seen by both').check();
    await row(here, 'Seen by both').waitFor({ state: 'detached' });
    await here.getByRole('radio', { name: 'All' }).check();
    await row(here, 'Seen by both').hover();
    await here.getByLabel('Delete: Seen by both').click();
    await there.getByRole('radio', { name: 'All' }).check();
    await there.getByText('A blank page').waitFor();
    await here.getByRole('button', { name: 'Undo' }).click();
    await row(there, 'Seen by both').waitFor();
  });

  it('never show a task twice while it is being made', async () => {
    const { page, client } = await person();
    await page.evaluate(`
      window.most = 0;
      new MutationObserver(() => {
        window.most = Math.max(window.most, document.querySelectorAll('.task').length);
      }).observe(document.body, { subtree: true, childList: true });
    `);
    await write(page, 'a', 'b', 'c', 'd', 'e');
    await eventually(async () => (await client.get('/api/tasks')).body.tasks.length).toBe(5);
    expect(await page.evaluate('window.most')).toBe(5);
    await eventually(() => titles(page)).toEqual(['e', 'd', 'c', 'b', 'a']);
  });

  it('that change different fields of one task both win', async () => {
    const { page, client } = await person({ expected: REFUSED });
    const task = (await client.post('/api/tasks', { title: 'Shared' })).body;
    await row(page, 'Shared').locator('.task-open').click();
    await page.getByLabel('Notes').fill('from here');
    await client.patch(`/api/tasks/${task.id}`, { category: 'from there' });
    await page.getByText(/Changed elsewhere/).waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await eventually(async () => (await client.get(`/api/tasks/${task.id}`)).body).toMatchObject({
      description: 'from here',
      category: 'from there',
    });
  });

  it.each([
    ['mine', 'Save mine', 'Mine'],
    ['theirs', 'Keep theirs', 'Theirs'],
  ])('that change the same field are shown both versions: %s', async (_name, choice, outcome) => {
    const { page, client } = await person({ expected: REFUSED });
    const task = (await client.post('/api/tasks', { title: 'Shared' })).body;
    await row(page, 'Shared').locator('.task-open').click();
    await page.locator('#edit-title').fill('Mine');
    await client.patch(`/api/tasks/${task.id}`, { title: 'Theirs' });
    await page.getByText(/Changed elsewhere/).waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'This task was changed elsewhere' });
    await dialog.getByText('Mine', { exact: true }).waitFor();
    await dialog.getByText('Theirs', { exact: true }).last().waitFor();
    await page.getByRole('button', { name: choice }).click();
    await row(page, outcome).waitFor();
    await eventually(async () => (await client.get(`/api/tasks/${task.id}`)).body.title).toBe(outcome);
  });
});

describe('without a network', () => {
  it('changes wait, in order, and go out on return', async () => {
    const { page, context, client } = await person({ expected: NO_NETWORK });
    await write(page, 'Before');
    await eventually(async () => (await client.get('/api/tasks')).body.tasks.length).toBe(1);
    await context.setOffline(true);
    await page.getByText('Offline', { exact: true }).waitFor();
    await write(page, 'While away');
    await row(page, 'While away').locator('.task-open').click();
    await page.locator('#edit-title').fill('Renamed while away');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByLabel('Done: Before').check();
    await page.getByText('Offline · 3 changes waiting').waitFor();
    await context.setOffline(false);
    await live(page);
    await eventually(async () => {
      const { tasks } = (await client.get('/api/tasks')).body;
      return tasks.map((task: { title: string; status: boolean }) => [task.title, task.status]);
    }).toEqual([
      ['Renamed while away', false],
      ['Before', true],
    ]);
    expect(await titles(page)).toEqual(['Renamed while away']);
  });

  it('the app opens, shows what it had, and keeps what is written over a reload', async () => {
    const { page, context, client } = await person({ expected: NO_NETWORK });
    await write(page, 'Known before');
    await eventually(async () => (await client.get('/api/tasks')).body.tasks.length).toBe(1);
    // The worker has the files, and the tasks are written down.
    await eventually(() => page.evaluate('navigator.serviceWorker.controller?.state')).toBe('activated');
    await eventually(() => page.evaluate(keptTasks(client.user.id))).toBe(1);
    await context.setOffline(true);
    await page.reload();
    await row(page, 'Known before').waitFor();
    await write(page, 'Written in a tunnel');
    await page.reload();
    await row(page, 'Written in a tunnel').waitFor();
    await context.setOffline(false);
    await eventually(async () => (await client.get('/api/tasks')).body.tasks.length).toBe(2);
    await live(page);
    await eventually(() => titles(page)).toEqual(['Written in a tunnel', 'Known before']);
  });
});

/** How many tasks the browser has written down. */
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

describe('a refusal', () => {
  it('takes the change back with a word', async () => {
    const { page, client } = await person({ expected: REFUSED });
    const task = (await client.post('/api/tasks', { title: 'Going' })).body;
    await row(page, 'Going').waitFor();
    await page.route('**/api/tasks/*', (route) => route.abort());
    await page.getByLabel('Done: Going').check();
    await row(page, 'Going').waitFor({ state: 'detached' });
    visitors[0]?.problems.splice(0);
    await client.delete(`/api/tasks/${task.id}?permanent=true`);
    await page.unroute('**/api/tasks/*');
    await page.getByText(/“Going” is not there any more/).waitFor();
    visitors[0]?.problems.splice(0);
  });

  it('of a new task offers its words again', async () => {
    const { page } = await person({ expected: REFUSED });
    await write(page, '<script>nothing is left of this</script>');
    await page.getByText(/was not saved/).waitFor();
    await page.getByRole('button', { name: 'Edit again' }).click();
    await eventually(() => page.locator('#quick-add').inputValue()).toContain('<script>');
  });

  it('for too many requests is waited out, with a word', async () => {
    const tight = await startServer({ env: { RATE_LIMIT_REQUESTS: '8', RATE_LIMIT_WINDOW: '6' } });
    try {
      const client = await seedClient(tight);
      const visitor = await visit(browser, tight, client, { expected: REFUSED });
      visitors.push(visitor);
      await live(visitor.page);
      await write(visitor.page, ...Array.from({ length: 12 }, (_, n) => `Task ${n}`));
      await visitor.page.getByText(/^Many requests/).waitFor();
      await eventually(async () => (await tight.sql('select 1 from task')).length).toBe(12);
    } finally {
      await visitors.at(-1)?.context.close();
      await tight.close();
    }
  });
});

describe('an ended session', () => {
  it('asks to sign in again, and nothing that was typed is lost', async () => {
    const { page, context, client } = await person({ expected: NO_NETWORK });
    await context.setOffline(true);
    await write(page, 'Half a thought');
    await page.locator('#quick-add').fill('Another half');
    await server.sql('delete from session where user_id = $1', [client.user.id]);
    await context.setOffline(false);
    const dialog = page.getByRole('dialog', { name: 'Please sign in again' });
    await dialog.waitFor();
    expect(await dialog.getByLabel('E-mail').inputValue()).toBe(client.account.email);
    await dialog.getByLabel('Password').fill(PASSWORD);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await page.locator('#quick-add').inputValue()).toBe('Another half');
    await row(page, 'Half a thought').waitFor();
    await eventually(
      async () => (await server.sql('select 1 from task where user_id = $1', [client.user.id])).length,
    ).toBe(1);
  });
});
