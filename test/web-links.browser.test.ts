// The links of mails, opened by a person: a lost password, a confirmed address, a new one. Opening one changes nothing.
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, signIn } from './support/accounts.ts';
import { launchBrowser } from './support/browser.ts';
import { Client, PASSWORD } from './support/client.ts';
import { linkIn, type MailedServer, newEmail, startMailedServer } from './support/mailed.ts';
import { LOOKS, REFUSED, violations } from './support/stage.ts';
import { eventually, type Visitor, type VisitorOptions, visit } from './support/web.ts';

/** Below a path, and on plain HTTP: cookies that want TLS would not be kept here. */
const ADDRESS = 'http://todo.example.com/app';

let server: MailedServer;
let strict: MailedServer;
let browser: Browser;
const visitors: Visitor[] = [];

beforeAll(async () => {
  [server, strict, browser] = await Promise.all([
    startMailedServer({ PUBLIC_URL: ADDRESS }),
    startMailedServer({ PUBLIC_URL: ADDRESS, REQUIRE_EMAIL_VERIFICATION: 'true' }),
    launchBrowser(),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([server?.close(), strict?.close()]);
});
afterEach(async () => {
  const problems = visitors.flatMap((visitor) => visitor.problems);
  await Promise.all(visitors.splice(0).map(({ context }) => context.close()));
  expect(problems).toEqual([]);
});

async function open(who?: Pick<Client, 'cookies'>, options?: VisitorOptions, at: MailedServer = server) {
  const visitor = await visit(browser, at, who, { expected: REFUSED, ...options });
  visitors.push(visitor);
  return visitor.page;
}

/** The page of a mailed link, on the server as the browser reaches it. */
async function mailedPage(at: MailedServer, email: string): Promise<string> {
  const link = new URL(linkIn(await at.mailbox.next(email)));
  return `${at.url}${link.pathname.replace(/^\/app/, '')}${link.hash}`;
}

async function signInStatus(email: string, password: string): Promise<number> {
  return (await new Client(server.url).post('/api/auth/login', { email, password })).status;
}

describe('a lost password', () => {
  it.each(LOOKS)('is replaced by a link, once: on %s', async (_name, look) => {
    const { email } = await seedAccount(server);
    const page = await open(undefined, look);
    await page.getByLabel('E-mail').fill(email);
    await page.getByRole('button', { name: 'Forgot it?' }).click();
    await page.getByRole('heading', { name: 'Lost your password?' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.getByLabel('E-mail').inputValue()).toBe(email);
    await page.getByRole('button', { name: 'Send the link' }).click();
    await page.getByText(/If there is such an account/).waitFor();
    const address = await mailedPage(server, email);
    await page.goto(address);
    await page.getByRole('heading', { name: 'Choose a new password' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await signInStatus(email, PASSWORD)).toBe(200);
    await page.getByLabel('New password', { exact: true }).fill('short');
    await page.getByRole('button', { name: 'Save the password' }).click();
    await page.getByText('At least 8 characters, please.').waitFor();
    await page.getByLabel('New password', { exact: true }).fill('a quite new password');
    await page.getByRole('button', { name: 'Save the password' }).click();
    await page.getByText(/has been changed/).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await signInStatus(email, PASSWORD)).toBe(401);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill('a quite new password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('A blank page').waitFor();
    await page.goto(address);
    await page.getByText(/This link is not valid any more/).waitFor();
    expect(await page.getByLabel('New password', { exact: true }).count()).toBe(0);
    await page.getByRole('button', { name: 'Send the link' }).waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('is nothing that the door tells of a stranger’s address', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Forgot it?' }).click();
    await page.getByLabel('E-mail').fill(newEmail());
    await page.getByRole('button', { name: 'Send the link' }).click();
    await page.getByText(/If there is such an account/).waitFor();
  });
});

describe('an alarm in a mail', () => {
  it('leads to a new password, whoever is signed in on this device, and back', async () => {
    const account = await seedAccount(server);
    const client = await signIn(server.url, account);
    for (const who of [client, undefined]) {
      const page = await open(who);
      await page.goto(`${server.url}/forgot-password`);
      await page.getByRole('heading', { name: 'Choose a new password' }).waitFor();
      expect(await violations(page)).toEqual([]);
      // One thing to do; the way on stands aside.
      expect(await page.locator('.button.primary').allInnerTexts()).toEqual(['Send the link']);
      await page.getByLabel('E-mail').fill(account.email);
      await page.getByRole('button', { name: 'Send the link' }).click();
      await page.getByText(/If there is such an account/).waitFor();
      await page.getByRole('button', { name: who ? 'To your tasks' : 'Sign in' }).click();
      await page.getByText(who ? 'A blank page' : 'Welcome back').waitFor();
    }
  });
});

describe('an e-mail', () => {
  it.each(LOOKS)('is confirmed by a press on the page of its link: on %s', async (_name, look) => {
    const account = await seedAccount(server);
    const client = await signIn(server.url, account);
    const page = await open(client, look);
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByText('Not confirmed').waitFor();
    await page.getByRole('button', { name: 'Send me the link' }).click();
    await page.getByRole('button', { name: 'The link is on its way' }).waitFor();
    const address = await mailedPage(server, account.email);
    await page.goto(address);
    await page.getByRole('heading', { name: 'Confirm your e-mail' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect((await client.get('/api/account')).body.email_verified).toBe(false);
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('heading', { name: 'Done', exact: true }).waitFor();
    await page.getByRole('button', { name: 'To your tasks' }).click();
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByText('Confirmed', { exact: true }).waitFor();
    await page.goto(address);
    await page.getByText(/This link is not valid any more/).waitFor();
    expect(await page.getByRole('button', { name: 'Confirm' }).count()).toBe(0);
  });

  it('is changed once the new address has confirmed it', async () => {
    const account = await seedAccount(server);
    await server.sql('update "user" set email_verified = true where id = $1', [account.id]);
    const client = await signIn(server.url, account);
    const page = await open(client);
    const next = newEmail();
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByRole('button', { name: 'Change e-mail…' }).click();
    await page.getByLabel('New e-mail').fill(next);
    await page.getByLabel('Password').fill('not this one');
    await page.getByRole('button', { name: 'Change e-mail' }).click();
    await page.getByText('Password is not your password.').waitFor();
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Change e-mail' }).click();
    await page.getByText('A mail with a link is on its way to the new address.').waitFor();
    expect((await client.get('/api/account')).body.email).toBe(account.email);
    await page.goto(await mailedPage(server, next));
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('heading', { name: 'Done', exact: true }).waitFor();
    await eventually(async () => (await client.get('/api/account')).body.email).toBe(next);
  });

  it('that must be confirmed first is said at sign-up, and opens the door afterwards', async () => {
    const email = newEmail();
    const page = await open(undefined, {}, strict);
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByLabel('Name').fill('Grace');
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('heading', { name: 'Look into your mail' }).waitFor();
    await page.goto(await mailedPage(strict, email));
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('A blank page').waitFor();
  });
});

describe('a link without its code', () => {
  it.each(['reset-password', 'verify-email'])('says so, and what to do: %s', async (name) => {
    const page = await open();
    await page.goto(`${server.url}/${name}`);
    await page.getByText(/This link is not valid any more/).waitFor();
    expect(await violations(page)).toEqual([]);
  });
});
