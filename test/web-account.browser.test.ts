// The account as its owner goes through it: name, password, devices, second factor, passkeys, tokens, and what happened.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { Client, PASSWORD } from './support/client.ts';
import { LOOKS, openStage, REFUSED, type SignedIn, violations } from './support/stage.ts';
import { Authenticator, nextStep } from './support/two-factor.ts';
import { eventually, live, row } from './support/web.ts';

const stage = openStage();
const expected = REFUSED;

async function open(page: Page, section?: string): Promise<void> {
  await page.getByRole('link', { name: 'Account' }).click();
  if (section)
    await page.getByRole('navigation', { name: 'Account' }).getByRole('link', { name: section }).click();
}

function card(page: Page, name: string) {
  return page.getByRole('region', { name, exact: true });
}

/** By the door's own form. */
async function signIn(page: Page, { account }: SignedIn, password = account.password): Promise<void> {
  await page.getByLabel('E-mail').fill(account.email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function leave(page: Page): Promise<void> {
  await open(page);
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
}

/** Sets it up as a person does: by typing the key that is under the picture. */
async function setUp(page: Page): Promise<{ authenticator: Authenticator; codes: string[] }> {
  const factor = card(page, 'Second factor');
  await factor.getByRole('button', { name: 'Set it up…' }).click();
  await factor.getByLabel('Password').fill(PASSWORD);
  await factor.getByRole('button', { name: 'Go on' }).click();
  await factor.getByRole('img', { name: /QR code/ }).waitFor();
  await factor.getByText('It cannot be scanned?').click();
  const uri = await factor.getByRole('link', { name: 'open it in an app' }).getAttribute('href');
  const authenticator = new Authenticator(uri ?? '');
  await factor.getByLabel('Code').fill(authenticator.code());
  await factor.getByRole('button', { name: 'Switch it on' }).click();
  const list = factor.getByRole('list', { name: 'Recovery codes' });
  await list.waitFor();
  return { authenticator, codes: await list.getByRole('listitem').allInnerTexts() };
}

describe.each(LOOKS)('on %s', (_name, look) => {
  it('every page of the account is open to everybody, in each of its steps', async () => {
    const { page, client } = await stage.person({ ...look, expected });
    await stage.elsewhere(client);
    await open(page);
    await page.getByText('Not confirmed').waitFor();
    await page.getByRole('button', { name: 'Change e-mail…' }).click();
    expect(await violations(page)).toEqual([]);
    await open(page, 'Security');
    await page.getByText('This one').waitFor();
    await card(page, 'What happened').getByText('Signed in.').first().waitFor();
    await card(page, 'Second factor').getByRole('button', { name: 'Set it up…' }).waitFor();
    expect(await violations(page)).toEqual([]);
    const { codes } = await setUp(page);
    expect(codes).toHaveLength(10);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await card(page, 'Second factor').getByText('10 recovery codes left').waitFor();
    await open(page, 'Tokens');
    await page.getByText('There is none yet.').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Name', { exact: true }).fill('Backup');
    await page.getByRole('button', { name: 'Make a token' }).click();
    await page.getByRole('dialog', { name: '“Backup” is made' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'I have it' }).click();
    await page.getByRole('button', { name: 'Revoke Backup' }).click();
    await page.getByRole('dialog', { name: 'Revoke “Backup”?' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Revoke it' }).click();
    await page.getByText('There is none yet.').waitFor();
  });
});

describe('the page of security', () => {
  it('asks for each thing once, so that its limit is for the person', async () => {
    const { page } = await stage.person({ expected });
    await open(page, 'Security');
    await card(page, 'Signed-in devices').getByText('This one').waitFor();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await page.reload();
    await live(page);
    await card(page, 'Signed-in devices').getByText('This one').waitFor();
    // What a connection brings about has been asked for by now, before this.
    await page.evaluate("fetch('/health/live').then(() => undefined)");
    const read = asked.filter((path) => /^GET \/api\/(account|auth\/p)/.test(path));
    expect(read).toContain('GET /api/account/sessions');
    expect(read).toEqual([...new Set(read)]);
  });
});

describe('the owner', () => {
  it('changes the name, and hears what is wrong with one', async () => {
    const { page, client } = await stage.person({ expected });
    await open(page);
    await page.getByLabel('Name').fill('  ');
    await page.getByRole('button', { name: 'Save name' }).click();
    await page.getByText('A name has 1 to 100 characters.').waitFor();
    await page.getByLabel('Name').fill('Ada King');
    await page.getByRole('button', { name: 'Save name' }).click();
    await page.getByText('Your name is saved.').waitFor();
    expect((await client.get('/api/account')).body.name).toBe('Ada King');
  });

  it('changes the password, which signs out all other devices', async () => {
    const { page, client } = await stage.person({ expected });
    const other = await stage.elsewhere(client);
    await open(page, 'Security');
    await page.getByLabel('Current password').fill('not the one');
    await page.getByLabel('New password').fill('short');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByText('At least 8 characters, please.').waitFor();
    await page.getByLabel('New password').fill('password1');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByText(/^New password .*common/).waitFor();
    await page.getByLabel('New password').fill('a quite new password');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByText('Current password is not your password.').waitFor();
    await page.getByLabel('Current password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByText('Your password is changed, and 1 other device signed out.').waitFor();
    await card(page, 'What happened')
      .getByText('The password was changed by somebody who knew it.')
      .waitFor();
    expect((await other.get('/api/tasks')).status).toBe(401);
    await leave(page);
    await signIn(page, client, 'a quite new password');
    await page.getByText('A blank page').waitFor();
  });

  it('sees where the account is in use, and ends what is not known', async () => {
    const { page, client } = await stage.person({ expected });
    const [one, two] = [await stage.elsewhere(client), await stage.elsewhere(client)];
    await open(page, 'Security');
    const devices = page.getByRole('list', { name: 'Signed-in devices' });
    await eventually(() => devices.getByRole('listitem').count()).toBe(3);
    await devices
      .getByRole('button', { name: /^Sign out/ })
      .first()
      .click();
    await eventually(() => devices.getByRole('listitem').count()).toBe(2);
    await page.getByRole('button', { name: 'Sign out all others' }).click();
    await eventually(() => devices.getByRole('listitem').count()).toBe(1);
    expect([(await one.get('/api/tasks')).status, (await two.get('/api/tasks')).status]).toEqual([401, 401]);
    await page.getByText('This one').waitFor();
  });

  it('reads on in what happened', async () => {
    const { page, client } = await stage.person({ expected });
    for (let n = 0; n < 25; n++) await client.patch('/api/account', { name: `Ada ${n}` });
    await open(page, 'Security');
    const events = page.getByRole('list', { name: 'Security events' });
    await eventually(() => events.getByRole('listitem').count()).toBe(20);
    await page.getByRole('button', { name: 'Show older' }).click();
    await eventually(() => events.getByRole('listitem').count()).toBeGreaterThanOrEqual(26);
  });
});

describe('a second factor', () => {
  it('is set up, asked for at the door, replaced by a recovery code, and switched off', async () => {
    const { page, client } = await stage.person({ expected });
    await open(page, 'Security');
    const { authenticator, codes } = await setUp(page);
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await leave(page);

    await signIn(page, client);
    await page.getByRole('heading', { name: 'One more step' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Code').fill('12');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('A code has six digits.').waitFor();
    await page.getByLabel('Code').fill(authenticator.wrong());
    await page.getByRole('button', { name: 'Go on' }).click();
    await eventually(() => page.getByLabel('Code').getAttribute('aria-invalid')).toBe('true');
    await nextStep(stage.server(), client.account);
    await page.getByLabel('Code').fill(authenticator.code());
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('A blank page').waitFor();
    await leave(page);

    await signIn(page, client);
    await page.getByRole('button', { name: 'Use a recovery code' }).click();
    await page.getByLabel('Recovery code').fill(codes[0] ?? '');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('A blank page').waitFor();

    await open(page, 'Security');
    const factor = card(page, 'Second factor');
    await factor.getByText('9 recovery codes left').waitFor();
    await factor.getByRole('button', { name: 'Switch it off…' }).click();
    await factor.getByLabel('Password').fill('not the one');
    await factor.getByLabel('Code').fill(codes[1] ?? '');
    await factor.getByRole('button', { name: 'Switch it off' }).click();
    await factor.getByText('Password is wrong.').waitFor();
    await factor.getByLabel('Password').fill(PASSWORD);
    await factor.getByRole('button', { name: 'Switch it off' }).click();
    await factor.getByRole('button', { name: 'Set it up…' }).waitFor();
    expect((await new Client(client.url).post('/api/auth/login', client.account)).status).toBe(200);
  });

  it('is asked for where a session has ended, too, and what was typed goes on', async () => {
    const { page, client } = await stage.person({ expected });
    await open(page, 'Security');
    const { authenticator } = await setUp(page);
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByRole('link', { name: 'Tasks' }).click();
    await page.locator('#quick-add').fill('Half a thought');
    await nextStep(stage.server(), client.account);
    await stage.server().sql('delete from session where user_id = $1', [client.user.id]);
    const dialog = page.getByRole('dialog', { name: 'Please sign in again' });
    await dialog.getByLabel('Password').fill(PASSWORD);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.getByLabel('Code').fill(authenticator.code());
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await dialog.waitFor({ state: 'detached' });
    await live(page);
    await page.locator('#quick-add').press('Enter');
    await row(page, 'Half a thought').waitFor();
    await eventually(
      async () =>
        (await stage.server().sql('select 1 from task where user_id = $1', [client.user.id])).length,
    ).toBe(1);
  });
});

describe('an API token', () => {
  it('is made with what it may do, works, and is revoked', async () => {
    const { page, client } = await stage.person({ expected });
    await open(page, 'Tokens');
    await page.getByRole('button', { name: 'Make a token' }).click();
    await page.getByText('A name has 1 to 100 characters.').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('Reader');
    await page.getByLabel('Read tasks and dashboards').uncheck();
    await page.getByRole('button', { name: 'Make a token' }).click();
    await page.getByText('It must be allowed something.').waitFor();
    await page.getByLabel('Read tasks and dashboards').check();
    await page.getByLabel('It ends after').selectOption('7');
    await page.getByRole('button', { name: 'Make a token' }).click();
    const token = await page.getByRole('dialog').locator('.secret').innerText();
    await page.getByRole('button', { name: 'I have it' }).click();
    const script = new Client(client.url);
    script.bearer = token;
    expect((await script.get('/api/tasks')).status).toBe(200);
    expect((await script.post('/api/tasks', { title: 'No' })).status).toBe(403);
    expect(await page.content()).not.toContain(token);
    await page.getByRole('button', { name: 'Revoke Reader' }).click();
    await page.getByRole('button', { name: 'Revoke it' }).click();
    await page.getByText('“Reader” opens nothing any more.').waitFor();
    expect((await script.get('/api/tasks')).status).toBe(401);
  });
});
