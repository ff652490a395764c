// One's data: taken away as a file, brought in from one, with every refusal said where it belongs.
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { IMPORT_BYTES, IMPORT_TASKS } from '../contract/limits.ts';
import { seedClient } from './support/accounts.ts';
import { exportOf, fillUpTo, linesIn } from './support/portability.ts';
import { LOOKS, NO_NETWORK, openStage, REFUSED, violations } from './support/stage.ts';
import { openUpload } from './support/upload.ts';
import { eventually, live, row, write } from './support/web.ts';

const stage = openStage();
const expected = REFUSED;

async function open(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByRole('navigation', { name: 'Account' }).getByRole('link', { name: 'Data' }).click();
  await page.getByRole('heading', { name: 'Your data' }).waitFor();
}

function card(page: Page, name: string) {
  return page.getByRole('region', { name, exact: true });
}

async function choose(page: Page, text: string, name = 'holiday.csv'): Promise<void> {
  const file = { name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) };
  await page.getByLabel('A file with tasks').setInputFiles(file);
}

const rows = (count: number) =>
  `title,description\n${Array.from({ length: count }, (_, n) => `Task ${n},"${'words '.repeat(20)}"\n`).join('')}`;

const CSV = `title,priority,due_date
Pack the tent,high,2027-01-31
"Buy ""good"" rope, 20 m",low,
Water the plants,,2027-02-01
`;
const WRONG = `title,priority,due_date
Pack the tent,urgent,2027-01-31
,low,
Water the plants,,soon
`;
const TODOIST = `TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE
task,Water the plants,,1,1,,,every day,en,
task,Pay the rent,,4,1,,,2027-01-31,en,
`;

describe.each(LOOKS)('on %s', (_name, look) => {
  it('the page is open to everybody, in each of its steps', async () => {
    const { page } = await stage.person({ ...look, expected });
    await open(page);
    await page.getByText('Which files?').click();
    expect(await violations(page)).toEqual([]);
    const form = card(page, 'Import');
    await choose(page, WRONG);
    await form.getByText('to mend first').waitFor();
    expect(await violations(page)).toEqual([]);
    await form.getByRole('button', { name: 'Choose the mended file' }).click();
    await choose(page, TODOIST);
    await form.getByText('It is a project of Todoist with 2 tasks: all new.').waitFor();
    await form
      .getByText(/every day/)
      .first()
      .waitFor();
    expect(await violations(page)).toEqual([]);
    await form.getByRole('button', { name: 'Import 2 tasks' }).click();
    await form.getByText('2 tasks imported.').waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download my data' }).click();
    await download;
    await card(page, 'Export')
      .getByText(/is yours: 2 tasks\.$/)
      .waitFor();
    expect(await violations(page)).toEqual([]);
  });
});

describe('an export', () => {
  it('is the whole file, with what lies in the trash', async () => {
    const { page, client } = await stage.person({ expected });
    await write(page, 'Keep this', 'Throw this away');
    await row(page, 'Throw this away').hover();
    await page.getByLabel('Delete: Throw this away').click();
    await eventually(async () => (await client.get('/api/tasks?trashed=true')).body.tasks.length).toBe(1);
    await open(page);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download my data' }).click();
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^donewell-\d{4}-\d\d-\d\d\.ndjson$/);
    const lines = linesIn(readFileSync(await file.path(), 'utf8'));
    expect(lines.map(({ type }) => type)).toEqual(['header', 'profile', 'task', 'task', 'end']);
    await page.getByText(/is yours: 2 tasks, 1 of them in the trash\.$/).waitFor();
  });

  it('that cannot be had is said, and can be had again', async () => {
    const { page, context } = await stage.person({ expected: NO_NETWORK });
    await open(page);
    await context.setOffline(true);
    await page.getByRole('button', { name: 'Download my data' }).click();
    await page.getByText('This page needs the server. No file was saved.').waitFor();
    await context.setOffline(false);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download my data' }).click();
    await download;
    await page.getByText(/is yours: 0 tasks\.$/).waitFor();
  });
});

describe('an import', () => {
  it('is tried first, then done, and done again makes nothing twice', async () => {
    const { page, client } = await stage.person({ expected });
    await open(page);
    const form = card(page, 'Import');
    await choose(page, CSV);
    await form.getByText('It is a CSV file with 3 tasks: all new.').waitFor();
    expect((await client.get('/api/tasks')).body.tasks).toEqual([]);
    await form.getByRole('button', { name: 'Import 3 tasks' }).click();
    await form.getByText('3 tasks imported.').waitFor();
    await form.getByRole('button', { name: 'Choose another file' }).click();
    await choose(page, `${CSV}And a new one,,\n`);
    await form.getByText('It is a CSV file with 4 tasks: 1 new, 3 here already.').waitFor();
    await form.getByRole('button', { name: 'Import 1 task', exact: true }).click();
    await form.getByText('1 task imported. 3 tasks were here already.').waitFor();
    await form.getByRole('button', { name: 'To your tasks' }).click();
    await row(page, 'Buy "good" rope, 20 m').waitFor();
    expect((await client.get('/api/tasks')).body.tasks).toHaveLength(4);
    await open(page);
    await form.getByRole('button', { name: 'Choose another file' }).click();
    await choose(page, CSV);
    await form.getByText('nothing to import, they are here already.').waitFor();
    expect(await form.getByRole('button', { name: /^Import/ }).count()).toBe(0);
  });

  it('is done by the keyboard alone, which never loses its place', async () => {
    const { page } = await stage.person({ expected });
    const focused = () => page.evaluate('document.activeElement.tagName');
    await open(page);
    await page.getByLabel('A file with tasks').focus();
    await choose(page, CSV);
    await page.getByRole('button', { name: 'Import 3 tasks' }).waitFor();
    await eventually(focused).toBe('H3');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('3 tasks imported.').waitFor();
    await eventually(focused).toBe('H3');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await eventually(focused).toBe('INPUT');
    await choose(page, WRONG);
    await page.getByText('3 things to mend first.').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('What is wrong, by line');
  });

  it('takes an export of another account, whatever the file is called', async () => {
    const { page } = await stage.person({ expected });
    await open(page);
    await choose(page, exportOf([{ title: 'From elsewhere' }, { title: 'Long ago' }]), 'copy.txt');
    await page.getByText('It is an export of Donewell with 2 tasks: all new.').waitFor();
    await page.getByRole('button', { name: 'Import 2 tasks' }).click();
    await page.getByRole('button', { name: 'To your tasks' }).click();
    await row(page, 'From elsewhere').waitFor();
  });

  it('of a file with faults names each at its line, and writes nothing', async () => {
    const { page, client } = await stage.person({ expected });
    await open(page);
    await choose(page, WRONG);
    const form = card(page, 'Import');
    await form.getByText('3 things to mend first. Nothing was imported.').waitFor();
    const lines = form.getByRole('region', { name: 'What is wrong, by line' }).getByRole('listitem');
    const told = (await lines.allInnerTexts()).map((text) => text.split('\n').filter(Boolean));
    expect(told).toEqual([
      ['Line 2', 'Pack the tent,urgent,2027-01-31', expect.stringMatching(/^Priority must be .*\.$/)],
      ['Line 3', ',low,', expect.stringMatching(/^Title must .*\.$/)],
      ['Line 4', 'Water the plants,,soon', expect.stringMatching(/^Due date must .*\.$/)],
    ]);
    expect((await client.get('/api/tasks')).body.tasks).toEqual([]);
    await form.getByRole('button', { name: 'Choose the mended file' }).click();
    await choose(page, CSV);
    await form.getByText('It is a CSV file with 3 tasks: all new.').waitFor();
  });

  it.each([
    ['is empty', '', 'The file is empty.'],
    ['is a spreadsheet', 'PK\u0003\u0004', /save it as CSV/],
    ['is none of these', 'a letter\nto you\n', /^Title is no column of this file/],
  ])('of a file that %s says so', async (_name, text, words) => {
    const { page } = await stage.person({ expected });
    await open(page);
    await choose(page, text);
    await card(page, 'Import').getByText(words).waitFor();
    expect(await page.getByRole('button', { name: /Import/ }).count()).toBe(0);
  });

  it('for which the account has no room says so, of the file and not of a line', async () => {
    const { page, client } = await stage.person({ expected });
    await fillUpTo(stage.server(), client.account.id, IMPORT_TASKS - 2);
    await open(page);
    await choose(page, CSV);
    const form = card(page, 'Import');
    await form
      .getByText(/^The file would take the account beyond 200,000 tasks, .* Nothing was imported\.$/)
      .waitFor();
    expect((await client.get('/api/tasks')).body.tasks).toEqual([]);
    await form.getByRole('button', { name: 'Choose another file' }).click();
    await choose(page, rows(2));
    await form.getByText('It is a CSV file with 2 tasks: all new.').waitFor();
  });

  it('of a file that is too large says so without sending it', async () => {
    const { page } = await stage.person({ expected });
    const file = path.join(tmpdir(), `donewell-test-${process.pid}.csv`);
    onTestFinished(() => rmSync(file));
    writeFileSync(file, 'title\n');
    truncateSync(file, IMPORT_BYTES + 1);
    const sent: string[] = [];
    page.on('request', (request) => sent.push(request.url()));
    await open(page);
    await page.getByLabel('A file with tasks').setInputFiles(file);
    await page.getByText(/It is larger than a file may be/).waitFor();
    expect(sent.filter((url) => url.includes('import'))).toEqual([]);
  });

  it('of a file that a proxy on the way does not let through says so', async () => {
    const { page } = await stage.person({ expected });
    const answer = { status: 413, contentType: 'text/html', body: '<h1>413 Request Entity Too Large</h1>' };
    await page.route('**/api/account/import*', (route) => route.fulfill(answer));
    await open(page);
    await choose(page, CSV);
    await page.getByText(/^Nothing was imported: something between you and the server/).waitFor();
  });

  it('waits its turn where the server has too much to do, and is then done', async () => {
    const { page } = await stage.person({ expected: /Failed to load resource: .* 503/ });
    const others = [await seedClient(stage.server()), await seedClient(stage.server())];
    const uploads = others.map(({ accessToken }) => openUpload(stage.server().url, accessToken));
    await Promise.all(uploads.map((upload) => upload.send('title\n')));
    await open(page);
    await choose(page, CSV);
    await page.getByText('The server is busy. Try again in a moment. Nothing was imported.').waitFor();
    for (const upload of uploads) upload.end();
    await Promise.all(uploads.map((upload) => upload.answer));
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('It is a CSV file with 3 tasks: all new.').waitFor();
  });

  it('on its way can be followed by everybody', async () => {
    const { page } = await stage.person({ expected });
    await open(page);
    await choose(page, CSV);
    // It is sent and never answered, so that there is time to look.
    await page.route('**/api/account/import', () => {});
    await page.getByRole('button', { name: 'Import 3 tasks' }).click();
    await page.getByRole('progressbar', { name: /^(Sending the file|Importing)…$/ }).waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('of many tasks shows how far it is, goes on while its owner looks elsewhere, and arrives in the list', async () => {
    const { page } = await stage.person({ expected });
    await open(page);
    await choose(page, rows(20_000));
    await page.getByText('It is a CSV file with 20,000 tasks: all new.').waitFor();
    await page.getByRole('button', { name: 'Import 20,000 tasks' }).click();
    await page.getByText(/^[\d,]+ of 20,000 tasks$/).waitFor();
    // At once: what ends before its owner has left is told in its place.
    await page.getByRole('link', { name: 'Trash' }).click();
    await page.getByText('20,000 tasks imported.').waitFor({ timeout: 120_000 });
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
    await page.getByText('20,000 open').waitFor();
  }, 180_000);

  it('that is stopped writes nothing', async () => {
    const { page, client } = await stage.person({ expected });
    await open(page);
    await choose(page, rows(20_000));
    await page.getByRole('button', { name: 'Import 20,000 tasks' }).click();
    await page.getByText(/^[\d,]+ of 20,000 tasks$/).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText(/^Stopped\. Nothing was imported/).waitFor();
    const left = () => stage.server().sql('select 1 from task where user_id = $1', [client.user.id]);
    const busy = () =>
      stage.server().sql(
        `select 1 from pg_stat_activity where datname = current_database() and xact_start is not null
         and pid <> pg_backend_pid() and application_name = 'donewell'`,
      );
    await eventually(busy).toEqual([]);
    expect(await left()).toEqual([]);
  }, 120_000);

  it('whose session has ended goes on after a new sign-in', async () => {
    const { page, context, client } = await stage.person({ expected });
    await open(page);
    await choose(page, CSV);
    await page.getByRole('button', { name: 'Import 3 tasks' }).waitFor();
    await context.clearCookies();
    await page.getByRole('button', { name: 'Import 3 tasks' }).click();
    const dialog = page.getByRole('dialog', { name: 'Please sign in again' });
    await dialog.getByLabel('Password').fill(client.account.password);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'detached' });
    await live(page);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('3 tasks imported.').waitFor();
  });
});
