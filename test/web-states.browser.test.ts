// The web app on its worse days, and before there is anything: each state is designed, said in words, and open to everybody.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { LOOKS, NO_NETWORK, openStage, REFUSED, violations } from './support/stage.ts';
import { eventually, row, write } from './support/web.ts';

const stage = openStage();

async function expectOpen(page: Page): Promise<void> {
  expect(await violations(page)).toEqual([]);
}

/** A page that is read again, whose requests to an address wait until they are let go. */
async function reloadHolding(page: Page, address: string): Promise<() => void> {
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route(address, async (route) => {
    await held;
    await route.continue();
  });
  await page.reload();
  return letGo;
}

describe.each(LOOKS)('on %s', (_name, look) => {
  it('two versions of a task can be compared and chosen', async () => {
    const { page, client } = await stage.person({ ...look, expected: REFUSED });
    const task = (await client.post('/api/tasks', { title: 'Shared', priority: 'low' })).body;
    await row(page, 'Shared').locator('.task-open').click();
    await page.locator('#edit-title').fill('Mine');
    await page.getByLabel('Notes').fill('My notes');
    await client.patch(`/api/tasks/${task.id}`, {
      title: 'Theirs',
      description: 'Their notes',
      due_date: '2030-01-01',
    });
    await page.getByText(/Changed elsewhere/).waitFor();
    await expectOpen(page);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'This task was changed elsewhere' });
    await dialog.waitFor();
    await expectOpen(page);
    await dialog.getByRole('button', { name: 'Save mine' }).click();
    await eventually(async () => (await client.get(`/api/tasks/${task.id}`)).body).toMatchObject({
      title: 'Mine',
      description: 'My notes',
      due_date: '2030-01-01',
    });
  });

  it('an ended session is said, and a wrong password there, too', async () => {
    const { page, client } = await stage.person({ ...look, expected: REFUSED });
    await stage.server().sql('delete from session where user_id = $1', [client.user.id]);
    await write(page, 'Waits for me');
    const dialog = page.getByRole('dialog', { name: 'Please sign in again' });
    await dialog.getByLabel('Password').fill('not this one');
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.getByText('E-mail or password is wrong.').waitFor();
    await expectOpen(page);
  });

  it('without a network every page says so', async () => {
    const { page, context, client } = await stage.person({ ...look, expected: NO_NETWORK });
    await client.post('/api/tasks', { title: 'Kept here' });
    await row(page, 'Kept here').waitFor();
    await eventually(() => page.evaluate('navigator.serviceWorker.controller?.state')).toBe('activated');
    await context.setOffline(true);
    await write(page, 'Written in a tunnel');
    await page.getByText('Offline · 1 change waiting').waitFor();
    await expectOpen(page);
    await page.getByRole('link', { name: 'Trash' }).click();
    await page.getByRole('heading', { name: 'The trash is kept on the server' }).waitFor();
    await expectOpen(page);
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await page.getByRole('heading', { name: 'No figures just now' }).waitFor();
    expect(await page.locator('.summary').innerText()).toBe('Counted anew when the server can be reached.');
    await expectOpen(page);
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByText('There is no network. This page needs the server.').first().waitFor();
    await expectOpen(page);
    await context.setOffline(false);
    await page.getByText('Not confirmed').waitFor();
  });

  it('what is on its way is seen to be', async () => {
    const { page, client } = await stage.person({ ...look, expected: NO_NETWORK });
    await page.evaluate(`indexedDB.deleteDatabase('donewell-${client.user.id}')`);
    const letTasks = await reloadHolding(page, '**/api/sync*');
    await page.getByText('Loading your tasks').waitFor();
    await expectOpen(page);
    letTasks();
    await page.getByText('A blank page').waitFor();
    await expectOpen(page);
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await page.getByRole('heading', { name: 'Nothing to draw yet' }).waitFor();
    await expectOpen(page);
    const letFigures = await reloadHolding(page, '**/api/dashboard/overview*');
    await page.getByText('Counting').waitFor();
    await expectOpen(page);
    letFigures();
    await page.getByRole('link', { name: 'Trash' }).click();
    await page.getByRole('heading', { name: 'Empty' }).waitFor();
    await expectOpen(page);
  });

  it('a refusal, a question and a search without a find are said', async () => {
    const { page, client } = await stage.person({ ...look, expected: REFUSED });
    const { id } = (await client.post('/api/tasks', { title: 'Deleted' })).body;
    await client.delete(`/api/tasks/${id}`);
    await client.post('/api/tasks', { title: 'Finished', status: true });
    await write(page, '<script>nothing is left of this</script>');
    await page.getByText(/was not saved/).waitFor();
    await expectOpen(page);
    await page.locator('#search').fill('finish');
    await page.getByText('1 task like that is done already.').waitFor();
    await expectOpen(page);
    await page.getByRole('button', { name: 'Show it' }).click();
    await row(page, 'Finished').waitFor();
    await page.locator('#search').fill('no such thing');
    await page.getByText('No task is like that, open or done.').waitFor();
    await expectOpen(page);
    await page.getByRole('link', { name: 'Trash' }).click();
    await page.getByLabel('Delete for good: Deleted').click();
    await page.getByRole('dialog', { name: 'Delete for good?' }).waitFor();
    await expectOpen(page);
  });

  it('a server that does not answer is waited for', async () => {
    const { page } = await stage.stranger({ ...look, expected: NO_NETWORK });
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.route('**/api/auth/session', (route) => route.abort());
    await page.reload();
    await page.getByText('The server does not answer. Trying again…').waitFor();
    await expectOpen(page);
    await page.unroute('**/api/auth/session');
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.route('**/api/auth/login', (route) => route.abort());
    await page.getByLabel('E-mail').fill('ada@example.com');
    await page.getByLabel('Password').fill('whatever it is');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The server cannot be reached. What you typed is still here.').waitFor();
    await expectOpen(page);
  });
});
