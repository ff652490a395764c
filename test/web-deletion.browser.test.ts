// The end of an account as its owner goes through it: warned, asked, and then gone from the server and from the browser.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { PASSWORD } from './support/client.ts';
import { LOOKS, NO_NETWORK, openStage, REFUSED, violations } from './support/stage.ts';
import { protect } from './support/two-factor.ts';
import { eventually, live, row, write } from './support/web.ts';

const stage = openStage();
const expected = REFUSED;

async function open(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByRole('navigation', { name: 'Account' }).getByRole('link', { name: 'Data' }).click();
  await page.getByRole('button', { name: 'Delete my account…' }).click();
  await page.getByText('It happens at once, and cannot be undone.').waitFor();
}

async function confirm(page: Page, password = PASSWORD): Promise<void> {
  await page.getByLabel('Password').fill(password);
  await page.getByLabel('Type “delete” to confirm').fill('delete');
  await page.getByRole('button', { name: 'Delete it for good' }).click();
}

async function atTheDoor(page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
}

const exists = async (id: string) =>
  (await stage.server().sql('select 1 from "user" where id = $1', [id])).length === 1;

/** All that a browser can keep, but for the files of the app itself. */
function kept(page: Page): Promise<unknown> {
  return page.evaluate(`(async () => {
    const cached = [];
    for (const name of await caches.keys())
      for (const { url } of await (await caches.open(name)).keys())
        if (url.includes('/api/')) cached.push(url);
    return {
      databases: (await indexedDB.databases()).map(({ name }) => name),
      local: Object.keys(localStorage),
      session: Object.keys(sessionStorage),
      cached,
    };
  })()`);
}
const NOTHING = { databases: [], local: [], session: [], cached: [] };

describe.each(LOOKS)('on %s', (_name, look) => {
  it('says what goes, offers a copy, wants password and word, and then all is gone', async () => {
    const { page, context, client } = await stage.person({ ...look, expected });
    await write(page, 'One', 'Two');
    await eventually(async () => (await client.get('/api/tasks')).body.tasks.length).toBe(2);
    await open(page);
    await page.getByText('your 2 tasks, and what lies in the trash').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Delete it for good' }).click();
    await page.getByText('Please type your password.').waitFor();
    await page.getByText('Please type “delete”.').waitFor();
    expect(await violations(page)).toEqual([]);
    await confirm(page, 'not the one');
    await page.getByText('Password is wrong.').waitFor();
    expect(await exists(client.user.id)).toBe(true);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download a copy first' }).click();
    await download;
    await page.getByText(/is yours: 2 tasks\.$/).waitFor();
    await confirm(page);
    await atTheDoor(page);
    await page.getByText('Your account and everything in it were deleted.').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await exists(client.user.id)).toBe(false);
    await eventually(() => kept(page)).toEqual(NOTHING);
    expect((await context.cookies()).filter(({ name }) => name.includes('session'))).toEqual([]);
    expect(page.url()).toBe(`${stage.server().url}/`);
  });
});

describe('a deleted account', () => {
  it('is left by other tabs, too, one of them in the middle of something', async () => {
    const { page, context, client } = await stage.person({ expected });
    await write(page, 'Ada’s plum');
    const other = await context.newPage();
    await other.goto(page.url());
    await live(other);
    await row(other, 'Ada’s plum').waitFor();
    await other.locator('#quick-add').fill('Half a plum');
    await open(page);
    await confirm(page);
    await atTheDoor(page);
    await atTheDoor(other);
    expect(await other.content()).not.toContain('plum');
    expect(await exists(client.user.id)).toBe(false);
    await eventually(() => kept(page)).toEqual(NOTHING);
    await other.reload();
    await atTheDoor(other);
    expect(await kept(other)).toEqual(NOTHING);
  });

  it('takes what waited to be sent with it, and its e-mail begins anew with nothing', async () => {
    const { page, client } = await stage.person({ expected: NO_NETWORK });
    await page.route('**/api/tasks', (route) => route.abort());
    await write(page, 'Never sent');
    await page.getByText('Offline · 1 change waiting').waitFor();
    await open(page);
    await page.getByText('1 change of yours waits to be sent').waitFor();
    await page.unroute('**/api/tasks');
    await page.route('**/api/tasks', (route) => route.abort());
    await confirm(page);
    await atTheDoor(page);
    await page.unroute('**/api/tasks');
    await eventually(() => kept(page)).toEqual(NOTHING);
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByLabel('Name').fill('Ada');
    await page.getByLabel('E-mail').fill(client.account.email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByText('A blank page').waitFor();
    await live(page);
    expect(await page.content()).not.toContain('Never sent');
  });

  it('is gone from the browser when the answer was lost, too', async () => {
    const { page, client } = await stage.person({ expected: NO_NETWORK });
    await open(page);
    await page.route('**/api/account', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await confirm(page);
    await atTheDoor(page);
    await page.getByText(/^The answer was lost/).waitFor();
    expect(await exists(client.user.id)).toBe(false);
    await eventually(() => kept(page)).toEqual(NOTHING);
  });
});

describe.each(LOOKS)('a session that has ended, with the account or without it: on %s', (_name, look) => {
  it('leaves what the device keeps, until it is signed in again or removed by a press', async () => {
    const { page, client } = await stage.person({ ...look, expected: NO_NETWORK });
    await write(page, 'One');
    await eventually(async () => (await client.get('/api/tasks')).body.tasks.length).toBe(1);
    const elsewhere = await stage.elsewhere(client);
    expect((await elsewhere.delete('/api/account', { json: { password: PASSWORD } })).status).toBe(200);
    await page.getByRole('dialog', { name: 'Please sign in again' }).waitFor();
    await page.reload();
    await atTheDoor(page);
    await page.getByText(/is kept on this device/).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await kept(page)).not.toEqual(NOTHING);
    await page.getByRole('button', { name: 'Remove this account’s data from this device' }).click();
    await page.getByText('Removed from this device.').waitFor();
    await eventually(() => kept(page)).toEqual(NOTHING);
    await page.reload();
    await atTheDoor(page);
    expect(await page.getByText(/is kept on this device/).count()).toBe(0);
  });
});

describe('what was never sent before a session ended', () => {
  it('is removed from the device only by somebody who knows of it', async () => {
    const { page, client } = await stage.person({ expected: NO_NETWORK });
    await page.route('**/api/tasks', (route) => route.abort());
    await write(page, 'Never sent');
    await page.getByText('Offline · 1 change waiting').waitFor();
    await client.post('/api/auth/logout');
    await page.reload();
    await atTheDoor(page);
    const remove = page.getByRole('button', { name: 'Remove this account’s data from this device' });
    const questions: string[] = [];
    page.once('dialog', (question) => {
      questions.push(question.message());
      void question.dismiss();
    });
    await remove.click();
    await eventually(() => questions).toEqual([
      '1 change has not been sent yet and would be lost. Remove it all the same?',
    ]);
    expect(await kept(page)).not.toEqual(NOTHING);
    page.once('dialog', (question) => void question.accept());
    await remove.click();
    await eventually(() => kept(page)).toEqual(NOTHING);
  });
});

describe('an account', () => {
  it('stays while an import of it is running, which goes on whatever is typed meanwhile', async () => {
    const { page, client } = await stage.person({ expected });
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    await page.route('**/api/account/import', async (route) => {
      await released;
      await route.continue();
    });
    const deletions: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'DELETE') deletions.push(request.url());
    });
    await open(page);
    const file = { name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from('title\nOne\nTwo\n') };
    await page.getByLabel('A file with tasks').setInputFiles(file);
    await page.getByRole('button', { name: 'Import 2 tasks' }).click();
    await page.getByText(/^An import is running\./).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Password').fill('not the one');
    await page.getByLabel('Type “delete” to confirm').fill('delete');
    await page.getByLabel('Type “delete” to confirm').press('Enter');
    expect(await page.getByRole('button', { name: 'Delete it for good' }).isDisabled()).toBe(true);
    release();
    await page.getByText('2 tasks imported.').waitFor();
    expect(deletions).toEqual([]);
    expect((await client.get('/api/tasks')).body.tasks).toHaveLength(2);
    await confirm(page);
    await atTheDoor(page);
    expect(await exists(client.user.id)).toBe(false);
  });

  it('stays when the request is lost, and what was typed is still there', async () => {
    const { page, client } = await stage.person({ expected: NO_NETWORK });
    await open(page);
    await page.route('**/api/account', (route) => route.abort());
    await confirm(page);
    await page.getByText('The server cannot be reached. What you typed is still here.').waitFor();
    expect(await exists(client.user.id)).toBe(true);
    await page.unroute('**/api/account');
    await page.getByRole('button', { name: 'Delete it for good' }).click();
    await atTheDoor(page);
    expect(await exists(client.user.id)).toBe(false);
  });

  it('stays when its owner thinks better of it', async () => {
    const { page, client } = await stage.person({ expected });
    await open(page);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await eventually(() => page.evaluate('document.activeElement.textContent')).toBe('Delete my account…');
    expect(await exists(client.user.id)).toBe(true);
  });

  it('with a second factor asks for a code of it', async () => {
    const { page, client } = await stage.person({ expected });
    const { authenticator, recoveryCodes } = await protect(client, PASSWORD);
    await open(page);
    await page.getByLabel('Code').fill(authenticator.wrong());
    await confirm(page);
    await page.getByText(/^The code is wrong/).waitFor();
    expect(await exists(client.user.id)).toBe(true);
    await page.getByLabel('Code').fill(recoveryCodes[0] ?? '');
    await page.getByRole('button', { name: 'Delete it for good' }).click();
    await atTheDoor(page);
    expect(await exists(client.user.id)).toBe(false);
  });

  it('without a password wants a sign-in that is fresh, and says so', async () => {
    const { page, client } = await stage.person({ expected });
    const { id } = client.user;
    await stage.server().sql('update account set password_hash = null where user_id = $1', [id]);
    await stage
      .server()
      .sql(`update session set created_at = now() - interval '1 hour' where user_id = $1`, [id]);
    await open(page);
    expect(await page.getByLabel('Password').count()).toBe(0);
    await page.getByLabel('Type “delete” to confirm').fill('Delete ');
    await page.getByRole('button', { name: 'Delete it for good' }).click();
    await page.getByText(/sign in again, and delete it within 10 minutes/).waitFor();
    expect(await exists(id)).toBe(true);
    await stage.server().sql('update session set created_at = now() where user_id = $1', [id]);
    await page.getByRole('button', { name: 'Delete it for good' }).click();
    await atTheDoor(page);
    expect(await exists(id)).toBe(false);
  });
});
