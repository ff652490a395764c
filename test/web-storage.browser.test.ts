// What the browser keeps, damaged, full or missing: the app goes on, says what it cannot keep, and shows no wrong list.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Client } from './support/client.ts';
import { NO_NETWORK, openStage } from './support/stage.ts';
import { eventually, live, row, titles, write } from './support/web.ts';

const stage = openStage();

async function titlesOf(client: Client): Promise<string[]> {
  const { tasks } = (await client.get('/api/tasks')).body as { tasks: { title: string }[] };
  return tasks.map(({ title }) => title);
}

/** Runs statements on the database of the page; `get` and `done` are promises of a request and of a transaction. */
function onDatabase(page: Page, userId: string, work: string): Promise<unknown> {
  return page.evaluate(`(async () => {
    const get = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const database = await get(indexedDB.open('donewell-${userId}'));
    const transaction = database.transaction(['tasks', 'operations', 'place'], 'readwrite');
    const [tasks, operations, place] = ['tasks', 'operations', 'place'].map((name) => transaction.objectStore(name));
    const result = await (async () => { ${work} })();
    await new Promise((resolve) => { transaction.oncomplete = resolve; });
    database.close();
    return result;
  })()`);
}

/** Three tasks, written down by the browser, too. */
async function personWithTasks() {
  const visitor = await stage.person({ expected: NO_NETWORK });
  const { page, client } = visitor;
  await write(page, 'One', 'Two', 'Three');
  await eventually(() => titlesOf(client)).toHaveLength(3);
  await eventually(() => onDatabase(page, client.user.id, 'return get(tasks.count());')).toBe(3);
  return visitor;
}

const ALL = ['Three', 'Two', 'One'];

describe('a damaged database', () => {
  it.each([
    ['lacks a task', 'const [first] = await get(tasks.getAllKeys()); tasks.delete(first);'],
    ['lacks all tasks', 'tasks.clear();'],
    ['has half a task', 'const [first] = await get(tasks.getAll()); delete first.title; tasks.put(first);'],
    [
      'has a task of another user',
      'const [first] = await get(tasks.getAll()); first.user_id = "other"; tasks.put(first);',
    ],
    ['does not know where it stands', 'place.put("nonsense", "place");'],
    [
      'has a cursor of nowhere',
      'const here = await get(place.get("place")); place.put({ ...here, cursor: "AAAA" }, "place");',
    ],
    [
      'is ahead of the server',
      'const here = await get(place.get("place")); place.put({ ...here, rev: 999 }, "place");',
    ],
    [
      'has changes that nobody can read',
      'operations.put({ seq: 1 }); operations.put({ seq: 2, kind: "create", fields: 7, key: "k", taskId: -1, ifMatch: null, before: null, at: 0 });',
    ],
  ])('that %s is mended from the server', async (_name, damage) => {
    const { page, client } = await personWithTasks();
    await onDatabase(page, client.user.id, damage);
    await page.reload();
    await live(page);
    await eventually(() => titles(page)).toEqual(ALL);
    await write(page, 'Four');
    await eventually(() => titlesOf(client)).toEqual(['Four', ...ALL]);
    await client.patch(`/api/tasks/${(await client.get('/api/tasks')).body.tasks[0].id}`, {
      title: 'Fourth',
    });
    await eventually(() => titles(page)).toEqual(['Fourth', ...ALL]);
  });

  it.each([
    ['without its stores', 1],
    ['of a later version of the app', 7],
  ])('%s is replaced', async (_name, version) => {
    const { page, client } = await personWithTasks();
    await page.goto(`${client.url}/docs`);
    await page.evaluate(`(async () => {
      const done = (request) => new Promise((resolve) => { request.onsuccess = resolve; });
      await done(indexedDB.deleteDatabase('donewell-${client.user.id}'));
      const opening = indexedDB.open('donewell-${client.user.id}', ${version});
      await done(opening);
      opening.result.close();
    })()`);
    await page.goto(client.url);
    await live(page);
    await eventually(() => titles(page)).toEqual(ALL);
    await eventually(() => onDatabase(page, client.user.id, 'return get(tasks.count());')).toBe(3);
  });

  it('is no worse than a local storage full of nonsense', async () => {
    const { page, client } = await personWithTasks();
    await page.evaluate(`
      localStorage.setItem('donewell-${client.user.id}-unsaved', '{"1":{"seq":1},"2":nonsense');
      for (const key of ['donewell.theme', 'donewell.shortcuts']) localStorage.setItem(key, '{{');
    `);
    await page.reload();
    await live(page);
    await write(page, 'Four');
    await eventually(() => titlesOf(client)).toEqual(['Four', ...ALL]);
    await page.route('**/api/auth/session', (route) => route.abort());
    await page.evaluate("localStorage.setItem('donewell.user', '{{')");
    await page.reload();
    await page.getByText('The server does not answer. Trying again…').waitFor();
    await page.unroute('**/api/auth/session');
    await row(page, 'Four').waitFor();
  });
});

describe('no room', () => {
  it('is said where it matters, stops nothing, and the page is not left without a question', async () => {
    const { page, context, client } = await stage.person({ expected: NO_NETWORK });
    const origin = new URL(client.url).origin;
    const devtools = await context.newCDPSession(page);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
    await page.evaluate(`
      for (let size = 2 ** 22; size >= 1; size = Math.floor(size / 2))
        try { for (let n = 0; ; n++) localStorage.setItem('junk' + size + '-' + n, 'x'.repeat(size)); } catch {}
    `);
    await write(page, 'Saved all the same');
    await eventually(() => titlesOf(client)).toEqual(['Saved all the same']);
    await page.route('**/api/tasks', (route) => route.abort());
    await write(page, 'Only in the page');
    await page.getByText('Offline · 1 change waiting, kept only while this page is open').waitFor();
    const asked = new Promise<string>((resolve) => {
      page.on('dialog', (dialog) => {
        resolve(dialog.type());
        void dialog.dismiss();
      });
    });
    await page.reload({ timeout: 2_000 }).catch(() => {});
    expect(await asked).toBe('beforeunload');
    await page.unroute('**/api/tasks');
    await eventually(() => titlesOf(client)).toEqual(['Only in the page', 'Saved all the same']);
    await live(page);
  });

  it('and no storage at all: the app works as long as the page is open', async () => {
    const { client, context } = await stage.person();
    const page = await context.newPage();
    await page.addInitScript(`
      const closed = () => { throw new DOMException('The storage is closed.', 'SecurityError'); };
      for (const name of ['indexedDB', 'localStorage', 'caches']) Object.defineProperty(window, name, { get: closed });
    `);
    await page.goto(client.url);
    await live(page);
    await write(page, 'Without a trace');
    await eventually(() => titlesOf(client)).toEqual(['Without a trace']);
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByRole('radio', { name: 'Dark' }).check();
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
  });
});
