// Several people and several tabs on one machine: nothing of one is ever shown to the next, or sent in their name.
import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import { type Client, PASSWORD } from './support/client.ts';
import { NO_NETWORK, openStage, REFUSED, type SignedIn } from './support/stage.ts';
import { eventually, live, row, titles, write } from './support/web.ts';

const stage = openStage();

async function titlesOf(client: Client): Promise<string[]> {
  const { tasks } = (await client.get('/api/tasks')).body as { tasks: { title: string }[] };
  return tasks.map(({ title }) => title);
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
}

async function signIn(page: Page, email: string): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** The cookies become another person's behind the back of the page: no tab has said a word. */
async function swapCookies(context: BrowserContext, client: Client): Promise<void> {
  await context.clearCookies();
  const { hostname: domain } = new URL(client.url);
  await context.addCookies([...client.cookies].map(([name, value]) => ({ name, value, domain, path: '/' })));
}

async function secondTab(page: Page): Promise<Page> {
  const tab = await page.context().newPage();
  await tab.goto(page.url());
  await live(tab);
  return tab;
}

describe('the next person on a machine', () => {
  it('meets nothing of the one before, neither the queue nor a word or an offer to take it back', async () => {
    const { page, context, client } = await stage.person({ expected: NO_NETWORK });
    const ada = await stage.elsewhere(client);
    const grace = await seedClient(stage.server());
    await write(page, 'Ada’s plum', 'Ada’s other plum');
    await eventually(() => titlesOf(ada)).toHaveLength(2);
    await row(page, 'Ada’s other plum').hover();
    await page.getByLabel('Delete: Ada’s other plum').click();
    await eventually(() => titlesOf(ada)).toHaveLength(1);
    await page.locator('#quick-add').fill('Half a plum');
    // Every change is refused, as if the server were gone for writing alone.
    await page.route('**/api/tasks', (route) => route.abort());
    await write(page, 'Never sent');
    await page.locator('#quick-add').fill('Half a plum');
    await page.getByText('Offline · 1 change waiting').waitFor();
    const questions: string[] = [];
    page.on('dialog', (dialog) => {
      questions.push(dialog.message());
      void dialog.accept();
    });
    await signOut(page);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(questions).toEqual([expect.stringMatching(/^1 change has not been sent yet/)]);
    await page.unroute('**/api/tasks');
    await signIn(page, grace.account.email);
    await page.getByText('A blank page').waitFor();
    await live(page);
    expect(await page.content()).not.toMatch(/plum|Ada’s|Never sent/);
    expect(await page.locator('#quick-add').inputValue()).toBe('');
    await write(page, 'Grace’s own');
    await eventually(() => titlesOf(grace)).toEqual(['Grace’s own']);
    expect(await titlesOf(ada)).toEqual(['Ada’s plum']);
    expect(await context.pages()[0]?.evaluate('JSON.stringify(localStorage)')).not.toMatch(/plum|Never/);
  });

  it('who signs in over an ended session starts afresh, and what waits is kept for its owner', async () => {
    const { page, client: ada } = await stage.person({ expected: NO_NETWORK });
    const grace = await seedClient(stage.server());
    await page.route('**/api/tasks', (route) => route.abort());
    await write(page, 'Ada’s waiting plum');
    await page.locator('#quick-add').fill('A plum draft');
    await page.getByText('Offline · 1 change waiting').waitFor();
    await stage.server().sql('delete from session where user_id = $1', [ada.user.id]);
    await page.unroute('**/api/tasks');
    const dialog = page.getByRole('dialog', { name: 'Please sign in again' });
    await dialog.getByLabel('E-mail').fill(grace.account.email);
    await dialog.getByLabel('Password').fill(PASSWORD);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('A blank page').waitFor();
    await live(page);
    expect(await page.content()).not.toContain('plum');
    expect(await titlesOf(grace)).toEqual([]);
    await signOut(page);
    await signIn(page, ada.account.email);
    await row(page, 'Ada’s waiting plum').waitFor();
    const owners = () =>
      stage.server().sql('select user_id from task where title = $1', ['Ada’s waiting plum']);
    await eventually(owners).toEqual([{ user_id: ada.user.id }]);
  });
});

describe('two tabs', () => {
  it('leave together, and meet the next person together', async () => {
    const { page, client: ada } = await stage.person({ expected: REFUSED });
    const grace = await seedClient(stage.server());
    await grace.post('/api/tasks', { title: 'Grace’s own' });
    await write(page, 'Ada’s plum');
    const other = await secondTab(page);
    await row(other, 'Ada’s plum').waitFor();
    await signOut(page);
    await other.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await other.content()).not.toContain('plum');
    await eventually(() => page.evaluate('indexedDB.databases().then((all) => all.length)')).toBe(0);
    await signIn(page, grace.account.email);
    await row(page, 'Grace’s own').waitFor();
    await other.reload();
    await row(other, 'Grace’s own').waitFor();
    await signOut(other);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await signIn(other, ada.account.email);
    await row(other, 'Ada’s plum').waitFor();
  });

  it('share a queue: what one leaves behind is sent by the other, once', async () => {
    const { page, context, client } = await stage.person({ expected: NO_NETWORK });
    const other = await secondTab(page);
    await context.setOffline(true);
    await other.getByText('Offline', { exact: true }).waitFor();
    await write(other, 'From the other tab', 'And one more');
    await other.getByText('Offline · 2 changes waiting').waitFor();
    await write(page, 'From this tab');
    await other.close();
    await context.setOffline(false);
    await eventually(() => titlesOf(client)).toHaveLength(3);
    await eventually(() => titles(page)).toHaveLength(3);
    expect((await titlesOf(client)).sort()).toEqual(['And one more', 'From the other tab', 'From this tab']);
  });

  it('of which one has signed in again let the other go on', async () => {
    const { page, client } = await stage.person({ expected: NO_NETWORK });
    const other = await secondTab(page);
    await page.context().route('**/api/tasks', (route) => route.abort());
    await write(page, 'Waits');
    await write(other, 'Waits, too');
    for (const tab of [page, other]) await tab.getByText(/^Offline · . changes? waiting/).waitFor();
    await stage.server().sql('delete from session where user_id = $1', [client.user.id]);
    await page.context().unroute('**/api/tasks');
    for (const tab of [page, other])
      await tab.getByRole('dialog', { name: 'Please sign in again' }).waitFor();
    await page.bringToFront();
    await page.getByRole('dialog').getByLabel('Password').fill(PASSWORD);
    await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await other.bringToFront();
    await other.evaluate("dispatchEvent(new Event('focus'))");
    await other.getByRole('dialog').waitFor({ state: 'detached' });
    const made = () =>
      stage.server().sql('select title from task where user_id = $1 order by title', [client.user.id]);
    await eventually(made).toEqual([{ title: 'Waits' }, { title: 'Waits, too' }]);
    for (const tab of [page, other]) await live(tab);
  });
});

describe('a page whose cookie has become somebody else’s', () => {
  async function swapped(): Promise<{ page: Page; ada: SignedIn; grace: SignedIn }> {
    const { page, context, client: ada } = await stage.person({ expected: REFUSED });
    const grace = await seedClient(stage.server());
    await grace.post('/api/tasks', { title: 'Grace’s plum' });
    await write(page, 'Ada’s own');
    await eventually(() => titlesOf(ada)).toHaveLength(1);
    await swapCookies(context, grace);
    return { page, ada, grace };
  }

  it('sends nothing in that person’s name, and asks who is there', async () => {
    const { page, grace } = await swapped();
    await write(page, 'Ada’s plum');
    await page.getByRole('dialog', { name: 'Please sign in again' }).waitFor();
    expect(await titlesOf(grace)).toEqual(['Grace’s plum']);
    expect(await page.content()).not.toContain('Grace’s plum');
    page.once('dialog', (question) => {
      expect(question.message()).toContain('1 change has not been sent yet and would be lost.');
      void question.accept();
    });
    await page.getByRole('button', { name: /^Remove this account’s data/ }).click();
    await page.getByRole('button', { name: 'Create an account' }).waitFor();
    // Somebody else's session is not ours to end.
    expect((await grace.get('/api/tasks')).status).toBe(200);
  });

  it('is told nothing of that person by the socket or the dashboard', async () => {
    const { page, ada, grace } = await swapped();
    await page.context().setOffline(true);
    await page.getByText('Offline', { exact: true }).waitFor();
    await page.context().setOffline(false);
    await page.getByRole('dialog', { name: 'Please sign in again' }).waitFor();
    await grace.post('/api/tasks', { title: 'Grace’s other plum' });
    expect(await page.content()).not.toContain('Grace’s');
    expect(await titlesOf(ada)).toEqual(['Ada’s own']);
  });
});
