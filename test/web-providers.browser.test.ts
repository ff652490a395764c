// Signing in elsewhere as a person does it: by the buttons at the door, on the pages of a real provider, and back.
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { seedAccount, signIn } from './support/accounts.ts';
import { type Entrance, openEntrance } from './support/entrance.ts';
import { type OidcProvider, oidcSettings, type Person, startOidcProvider } from './support/oidc.ts';
import { startServer } from './support/server.ts';
import { LOOKS, NO_NETWORK, openStage, REFUSED, violations } from './support/stage.ts';
import { seedProtected } from './support/two-factor.ts';
import { live, row, type VisitorOptions, write } from './support/web.ts';

let entrance: Entrance;
let provider: OidcProvider;
/** The pages of the provider want a typeface from far away. */
const expected = new RegExp(`${REFUSED.source}|${NO_NETWORK.source}|fonts\\.googleapis`);

const stage = openStage(async () => {
  entrance = await openEntrance();
  provider = await startOidcProvider(entrance.url);
  return oidcSettings(entrance.url, provider.issuer);
});
afterAll(async () => {
  await provider?.close();
  await entrance?.close();
});

function person(claims: Person = {}): { name: string; email: string } {
  const name = `p-${randomUUID()}`;
  const email = `${name}@example.com`;
  provider.people.set(name, { email, email_verified: true, name: 'Ada Lovelace', ...claims });
  return { name, email };
}

/** Somebody at the door, by the address that the provider knows. */
async function atTheDoor(options: VisitorOptions = {}): Promise<Page> {
  const { page } = await stage.stranger({ expected, ...options });
  entrance.leadTo(stage.server().url);
  await page.goto(entrance.url);
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
  return page;
}

/** On the pages of the provider. */
async function signInThere(page: Page, name: string): Promise<void> {
  await page.locator('input[name="login"]').fill(name);
  await page.locator('input[name="password"]').fill('anything');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

const byAcme = (page: Page) => page.getByRole('button', { name: 'Continue with Acme' });

async function enter(name: string, options?: VisitorOptions): Promise<Page> {
  const page = await atTheDoor(options);
  await byAcme(page).click();
  await signInThere(page, name);
  return page;
}

async function openSecurity(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByRole('navigation', { name: 'Account' }).getByRole('link', { name: 'Security' }).click();
  await services(page).waitFor();
}

const services = (page: Page) => page.getByRole('region', { name: 'Other services', exact: true });

describe.each(LOOKS)('on %s', (_name, look) => {
  it('the door leads to another service and back, and the account shows what is connected', async () => {
    const { name, email } = person();
    const page = await atTheDoor(look);
    await byAcme(page).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Create an account' }).click();
    await byAcme(page).click();
    await signInThere(page, name);
    await page.getByText('A blank page').waitFor();
    expect(page.url()).toBe(`${entrance.url}/`);
    await openSecurity(page);
    await services(page).getByText('Acme', { exact: true }).waitFor();
    await page.getByText('This account has none.', { exact: false }).waitFor();
    expect(await violations(page)).toEqual([]);
    const [account] = await stage.server().sql('select name from "user" where email = $1', [email]);
    expect(account).toEqual({ name: 'Ada Lovelace' });
  });
});

it('a server without other services says nothing of any', async () => {
  const node = await startServer({ connection: stage.server().connection });
  const account = await seedAccount(stage.server());
  const { page } = await stage.guest(await signIn(node.url, account), { expected });
  await page.goto(node.url);
  await page.getByRole('link', { name: 'Account' }).click();
  const told = page.waitForResponse(/\/api\/auth\/providers$/);
  await page.getByRole('navigation', { name: 'Account' }).getByRole('link', { name: 'Security' }).click();
  await told;
  await page.getByText('This one').waitFor();
  expect(await services(page).count()).toBe(0);
  await page.getByRole('link', { name: 'You' }).click();
  const toldAtTheDoor = page.waitForResponse(/\/api\/auth\/providers$/);
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await toldAtTheDoor;
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.getByRole('heading', { name: 'Create your account' }).waitFor();
  expect(await page.getByText('Continue with').count()).toBe(0);
  await node.close();
});

describe('the way back', () => {
  it('leads to where one was, with a sentence where it went wrong, which is said once', async () => {
    const page = await atTheDoor();
    await page.goto(`${entrance.url}/?show=all`);
    await byAcme(page).click();
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.getByRole('alert').filter({ hasText: 'The sign-in was cancelled.' }).waitFor();
    expect(page.url()).toBe(`${entrance.url}/?show=all`);
    expect(await violations(page)).toEqual([]);
    await page.reload();
    await byAcme(page).waitFor();
    expect(await page.getByText('The sign-in was cancelled.').count()).toBe(0);
  });

  it('says what to do where the account waits for its e-mail to be confirmed', async () => {
    const { email } = await seedAccount(stage.server());
    const page = await enter(person({ email }).name);
    await page.getByText('There is an account with this e-mail already.', { exact: false }).waitFor();
  });

  it('repeats nothing that an address says', async () => {
    const page = await atTheDoor();
    await page.goto(`${entrance.url}/?error=Call+0800+123`);
    await page.getByText('The sign-in did not work. Try again.').waitFor();
    expect(await page.getByText('0800').count()).toBe(0);
  });

  it('asks for the second factor, where there is one', async () => {
    const { account } = await seedProtected(stage.server());
    await stage.server().sql('update "user" set email_verified = true where id = $1', [account.id]);
    const page = await enter(person({ email: account.email }).name);
    await page.getByRole('heading', { name: 'One more step' }).waitFor();
    expect(page.url()).toBe(`${entrance.url}/`);
    await page.getByLabel('Code').fill(account.authenticator.code());
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('A blank page').waitFor();
  });

  it('needs the address that the service knows: elsewhere the door says so before anybody leaves', async () => {
    const page = await atTheDoor();
    const elsewhere = new URL(entrance.url);
    elsewhere.hostname = 'localhost';
    await page.goto(elsewhere.href);
    await byAcme(page).click();
    await page.getByText(`That works at ${entrance.url} only: open Donewell there.`).waitFor();
    expect(page.url()).toBe(elsewhere.href);
  });
});

describe('whose session has ended', () => {
  it('signs in elsewhere in a tab of its own, and goes on in the first', async () => {
    const { name, email } = person();
    const page = await enter(name);
    await write(page, 'Water the fern');
    await row(page, 'Water the fern').waitFor();
    await live(page);
    await page.locator('#quick-add').fill('Feed the cat');
    await stage
      .server()
      .sql('delete from session using "user" u where user_id = u.id and u.email = $1', [email]);
    const dialog = page.getByRole('dialog', { name: 'Please sign in again' });
    await dialog.waitFor();
    expect(await violations(page)).toEqual([]);
    const [tab] = await Promise.all([
      page.waitForEvent('popup'),
      dialog.getByRole('button', { name: 'Continue with Acme in a new tab' }).click(),
    ]);
    // The provider knows its visitor still.
    await row(tab, 'Water the fern').waitFor();
    await page.bringToFront();
    await page.evaluate("dispatchEvent(new Event('focus'))");
    await dialog.waitFor({ state: 'detached' });
    await page.locator('#quick-add').press('Enter');
    await row(page, 'Feed the cat').waitFor();
    await row(tab, 'Feed the cat').waitFor();
  });
});

describe('the account', () => {
  it('is connected, signed in to, and disconnected', async () => {
    const account = await seedAccount(stage.server());
    await stage.server().sql('update "user" set email_verified = true where id = $1', [account.id]);
    const guest = await signIn(stage.server().url, account);
    const { page } = await stage.guest(guest, { expected });
    await page.goto(entrance.url);
    await openSecurity(page);
    const { name } = person();
    await services(page).getByRole('button', { name: 'Connect Acme…' }).click();
    await signInThere(page, name);
    await services(page).getByRole('button', { name: 'Disconnect Acme' }).waitFor();
    expect(page.url()).toBe(`${entrance.url}/account/security`);
    await page.getByText('Another service was connected, by which one can sign in.').waitFor();
    expect(await page.getByLabel('Current password').count()).toBe(1);
    await services(page).getByRole('button', { name: 'Disconnect Acme' }).click();
    await page.getByText('Acme does not sign you in any more.').waitFor();
    await services(page).getByRole('button', { name: 'Connect Acme…' }).waitFor();
    const rows = await stage.server().sql('select provider_id from account where user_id = $1', [account.id]);
    expect(rows).toEqual([{ provider_id: 'credential' }]);
  });

  it('hears why a service was not connected, and that the last way in stays', async () => {
    const { name: owner } = person();
    const page = await enter(owner);
    await page.getByText('A blank page').waitFor();
    await openSecurity(page);
    await services(page).getByRole('button', { name: 'Disconnect Acme' }).click();
    await page.getByText('This is the only way left to sign in', { exact: false }).waitFor();

    const account = await seedAccount(stage.server());
    const { page: other } = await stage.guest(await signIn(stage.server().url, account), { expected });
    await other.goto(entrance.url);
    await openSecurity(other);
    await services(other).getByRole('button', { name: 'Connect Acme…' }).click();
    await other.getByText('Confirm the e-mail of your account first.', { exact: false }).waitFor();
    await stage.server().sql('update "user" set email_verified = true where id = $1', [account.id]);
    await services(other).getByRole('button', { name: 'Connect Acme…' }).click();
    await signInThere(other, owner);
    await services(other).getByText('This identity is connected to another account.').waitFor();
    expect(other.url()).toBe(`${entrance.url}/account/security`);
  });
});
