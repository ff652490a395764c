// An invitation as it is given and taken: a link out of the operator's command, opened by whoever got it.
import path from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { PASSWORD } from './support/client.ts';
import { newEmail } from './support/mailed.ts';
import { databaseUrl } from './support/nodes.ts';
import { runScript } from './support/process.ts';
import { startServer } from './support/server.ts';
import { LOOKS, openStage, REFUSED, violations } from './support/stage.ts';
import { eventually } from './support/web.ts';

const stage = openStage({ SIGNUP: 'invite' });
const expected = REFUSED;
const ADMIN = path.resolve(import.meta.dirname, '../scripts/admin.ts');

/** By the command that the operator runs. */
async function newLink(): Promise<string> {
  const { url, connection } = stage.server();
  const env = { DATABASE_URL: databaseUrl(connection), DEBUG: 'true', PUBLIC_URL: url };
  const { stdout } = await runScript({ script: ADMIN, args: ['invitation', 'create'], env });
  return stdout.split('\n', 1)[0] ?? '';
}

async function fill(page: Page): Promise<void> {
  await page.getByLabel('Name').fill('Grace');
  await page.getByLabel('E-mail').fill(newEmail());
  await page.getByLabel('Password').fill(PASSWORD);
}

async function create(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Create account' }).click();
}

describe.each(LOOKS)('on %s', (_name, look) => {
  it('the link opens the door where an account is made, with its code filled in', async () => {
    const link = await newLink();
    const { context } = await stage.stranger({ ...look, expected });
    const page = await context.newPage();
    await page.goto(link);
    await page.getByRole('heading', { name: 'Create your account' }).waitFor();
    expect(link).toContain(`/#invitation=${await page.getByLabel('Invitation').inputValue()}`);
    expect(await page.getByLabel('Invitation').inputValue()).not.toBe('');
    expect(await violations(page)).toEqual([]);
    await fill(page);
    await create(page);
    await page.getByText('A blank page').waitFor();
    expect(page.url()).not.toContain('invitation');
  });
});

describe('an invitation', () => {
  it('that was used says so at once, and leads to the door', async () => {
    const link = await newLink();
    const first = await stage.stranger({ expected });
    await first.page.goto(link);
    await fill(first.page);
    await create(first.page);
    await first.page.getByText('A blank page').waitFor();
    const { page } = await stage.stranger({ expected });
    await page.goto(link);
    await page.getByText('This invitation is not valid any more').waitFor();
    expect(await page.getByLabel('Password').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Sign in' }).count()).toBe(1);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Use another invitation' }).click();
    await fill(page);
    await page.getByLabel('Invitation').fill(link);
    await create(page);
    await page.getByText('The invitation is not valid, has expired or was used.').waitFor();
    expect(await page.getByLabel('Invitation').getAttribute('aria-invalid')).toBe('true');
    await eventually(() => page.evaluate('document.activeElement.name')).toBe('invitation');
    expect(await violations(page)).toEqual([]);
    await page.goto(await newLink());
    await page.getByLabel('Name').waitFor();
  });

  it('is what the door says that one needs, and is taken as a whole link, too', async () => {
    const { page } = await stage.stranger({ expected });
    await page.getByRole('button', { name: 'Use an invitation' }).click();
    await page.getByText('New accounts are by invitation here.').waitFor();
    expect(await violations(page)).toEqual([]);
    await fill(page);
    await create(page);
    await page.getByText(/by invitation only/).waitFor();
    await page.getByLabel('Invitation').fill(` ${await newLink()}`);
    await create(page);
    await page.getByText('A blank page').waitFor();
  });

  it('that is opened where somebody is signed in changes nothing, and waits for the next', async () => {
    const link = await newLink();
    const { page, context } = await stage.person({ expected });
    const said = 'You are signed in already; the invitation was not used.';
    await page.goto(link);
    await page.getByText(said).waitFor();
    expect(page.url()).not.toContain('invitation');
    await page.reload();
    await page.getByText('A blank page').waitFor();
    const another = await context.newPage();
    await another.goto(link);
    await another.getByText(said).waitFor();
    expect(another.url()).not.toContain('invitation');
    expect(await page.getByText(said).count()).toBe(0);
    const { page: theirs } = await stage.stranger({ expected });
    await theirs.goto(link);
    await fill(theirs);
    await create(theirs);
    await theirs.getByText('A blank page').waitFor();
  });
});

describe('a server that takes no new accounts', () => {
  it('offers none at its door, also to who has an invitation', async () => {
    const closed = await startServer({ env: { SIGNUP: 'closed' } });
    try {
      const { page } = await stage.stranger({ expected });
      const known = page.waitForResponse(`${closed.url}/api/auth/providers`);
      await page.goto(closed.url);
      expect((await (await known).json()).sign_up).toBe('closed');
      await page.getByRole('button', { name: 'Forgot it?' }).waitFor();
      expect(await page.getByText('New here?').count()).toBe(0);
      expect(await violations(page)).toEqual([]);
      await page.goto(`${closed.url}/#invitation=${'A'.repeat(32)}`);
      await page.getByText('This server takes no new accounts.').waitFor();
      expect(await page.getByLabel('Password').count()).toBe(0);
      expect(await violations(page)).toEqual([]);
    } finally {
      await closed.close();
    }
  });
});
