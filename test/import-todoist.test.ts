// Todoist's CSV template: what becomes of each of its columns, and that nothing is lost without a word.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import type { AnyBody } from './support/client.ts';
import { importFile } from './support/portability.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';
import { allPages } from './support/tasks.ts';

/** As Todoist's "export as a template" writes it. */
const HEAD =
  '\ufeffTYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE,DURATION,DURATION_UNIT,DEADLINE,DEADLINE_LANG';
const EMPTY = ',,,,,,,,,,,,,';
const file = (...rows: string[]) => `${[HEAD, ...rows].join('\r\n')}\r\n`;
const task = (
  content: string,
  { description = '', priority = '4', indent = '1', responsible = '', date = '', deadline = '' } = {},
) =>
  `task,${content},${description},${priority},${indent},Ada (1),${responsible},${date},en,Europe/Paris,,None,${deadline},`;

let server: TestServer;
let ada: Awaited<ReturnType<typeof seedClient>>;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  ada = await seedClient(server);
});

const imported = async () =>
  (await allPages(ada, 'sort=created_at&order=asc')).map(
    ({ title, description, category, priority, due_date }) => ({
      title,
      description,
      category,
      priority,
      due_date,
    }),
  );
const plain = (title: string, more: object = {}) => ({
  title,
  description: null,
  category: null,
  priority: 1,
  due_date: null,
  ...more,
});

it('takes tasks, sections, priorities, dates and comments', async () => {
  const text = file(
    'meta,view_style=list,,,,,,,,,,,,',
    task('Loose', { priority: '1', date: '2026-01-31' }),
    EMPTY,
    'section,Home,,,,,,,,,,,,',
    task('"Milk, two litres"', {
      description: '"If **a** < b\r\nthen"',
      priority: '2',
      date: '2026-02-01 10:30',
    }),
    'note,From the corner shop,,,,Ada (1),,,,,,,,',
    'note,"Not the ""other"" one",,,,Ada (1),,,,,,,,',
    task('Bread', { priority: '3', date: '5 Mar 2026' }),
    EMPTY,
    'section,Work,,,,,,,,,,,,',
    task('Report', { date: '"January 9, 2027"' }),
    EMPTY,
  );
  const { status, body } = await importFile(ada, text);
  expect([status, body]).toEqual([
    200,
    {
      format: 'todoist',
      dry_run: false,
      tasks: 4,
      created: 4,
      already_there: 0,
      expired: 0,
      warnings: [],
      warnings_total: 0,
    },
  ]);
  expect(await imported()).toEqual([
    plain('Loose', { priority: 3, due_date: '2026-01-31' }),
    plain('Milk, two litres', {
      description: 'If **a** < b\nthen\n\nComment: From the corner shop\n\nComment: Not the "other" one',
      category: 'Home',
      priority: 2,
      due_date: '2026-02-01',
    }),
    plain('Bread', { category: 'Home', due_date: '2026-03-05' }),
    plain('Report', { category: 'Work', due_date: '2027-01-09' }),
  ]);
  expect((await importFile(ada, text)).body).toMatchObject({ created: 0, already_there: 4 });
});

it('says with its line what it could not take as it is, and keeps it where it can', async () => {
  const { body } = await importFile(
    ada,
    file(
      'note,Before any task,,,,,,,,,,,,',
      task('Water the plants', { date: 'every day', responsible: 'Bob (2)', deadline: '2026-05-01' }),
      task('A step', { indent: '2', date: '01/02/2026' }),
      task('Full', { description: 'x'.repeat(990) }),
      'note,Too much,,,,,,,,,,,,',
      'note,,,,,,,,,,,,,',
    ),
  );
  expect(body.created).toBe(3);
  expect(body.warnings.map(({ line, message }: AnyBody) => `${line} ${message}`)).toEqual([
    '2 A comment without a task before it is left out.',
    '3 The date "every day" is no plain date: it is kept in the description.',
    '3 The deadline "2026-05-01" is kept in the description.',
    '3 Who is responsible ("Bob (2)") is left out.',
    '4 The date "01/02/2026" is no plain date: it is kept in the description.',
    '4 A sub-task becomes a task of its own.',
    '6 A comment is left out: the description would be longer than 1000 characters.',
  ]);
  expect(body.warnings_total).toBe(7);
  expect(await imported()).toEqual([
    plain('Water the plants', { description: 'Date: every day\n\nDeadline: 2026-05-01' }),
    plain('A step', { description: 'Date: 01/02/2026' }),
    plain('Full', { description: 'x'.repeat(990) }),
  ]);
});

it('refuses rows that are none of its own, and writes nothing', async () => {
  const answer = await importFile(
    ada,
    file(
      task(''),
      task('x', { priority: '5' }),
      'project,Y,,,,,,,,,,,,',
      `section,${'z'.repeat(101)},,,,,,,,,,,,`,
      task('In it'),
    ),
  );
  const { errors } = expectProblem(answer, 'validation_error');
  expect(errors?.map(({ line, path, message }: AnyBody) => `${line} ${path}: ${message}`)).toEqual([
    '2 title: must not be empty',
    '3 priority: must be 1, 2, 3 or 4',
    '4 type: must be task, section or note',
    '6 category: must be at most 100 characters long',
  ]);
  expect(await imported()).toEqual([]);
});

it('is asked for its columns where format=todoist says what it should be', async () => {
  const query = '?format=todoist';
  const { errors } = expectProblem(await importFile(ada, 'title\nx\n', { query }), 'validation_error');
  expect(errors?.[0]?.message).toContain("Todoist's template");
  const older =
    'TYPE,CONTENT,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\ntask,Old,1,1,,,,en,UTC\n';
  expect((await importFile(ada, older, { query, type: 'text/plain' })).body).toMatchObject({
    format: 'todoist',
    created: 1,
  });
});
