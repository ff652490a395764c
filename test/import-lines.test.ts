// A line that cannot be imported: told by number and reason, whatever the format, and nothing of its file is written.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import type { AnyBody } from './support/client.ts';
import { exportOf, fileOf, HEADER, importFile, linesIn, NDJSON } from './support/portability.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';
import { allPages } from './support/tasks.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof seedClient>>;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  ada = await seedClient(server);
});

const titles = async () => (await allPages(ada, '')).map(({ title }) => title);
const ndjson = { type: NDJSON };

describe('a bad line', () => {
  const bad = async (file: string, type = NDJSON) => {
    const answer = await importFile(ada, file, { type });
    const { errors, detail, errors_total } = expectProblem(answer, 'validation_error');
    expect(detail).toMatch(/[^.]\. Nothing was imported\.$/);
    expect(errors_total).toBe(errors?.length);
    expect(await titles()).toEqual([]);
    return errors?.map(({ line, path, message }: AnyBody) => `${line} ${path}: ${message}`);
  };

  it('of an export is named, each with all that is wrong with it, and nothing is written', async () => {
    const file = exportOf([
      {},
      { title: '' },
      { title: 'x'.repeat(201), priority: 4, status: 'yes' as never },
      { due_date: '2026-02-30', created_at: 'yesterday' },
      { id: 0, rev: -1, deleted_at: '2026-13-01T00:00:00Z', completed_at: 5 as never },
      {},
    ]);
    expect(await bad(file)).toEqual([
      '3 title: must not be empty',
      '4 status: must be true or false',
      '4 priority: must be 1, 2, 3, low, medium or high',
      '4 title: must be at most 200 characters long',
      '5 due_date: must be a date such as 2026-01-31, or null',
      '5 created_at: must be a time such as 2026-01-03T10:30:00.000Z',
      '6 id: must be a positive integer',
      '6 rev: must be a positive integer',
      '6 completed_at: must be a time such as 2026-01-03T10:30:00.000Z, or null',
      '6 deleted_at: must be a time such as 2026-01-03T10:30:00.000Z, or null',
    ]);
  });

  const task = linesIn(exportOf([{}]))[1];
  const end = { type: 'end', tasks: 1, trashed: 0 };
  it.each([
    ['nothing', '', ['1 : is missing: the file is empty']],
    [
      'no header',
      fileOf([task, end]),
      [
        '1 format: is required',
        '1 version: is required',
        '1 user_id: is required',
        '1 type: must be "header"',
      ],
    ],
    ['a later version', fileOf([{ ...HEADER, version: 2 }, task, end]), ['1 version: must be 1']],
    ['no end', fileOf([HEADER, task]), ['3 : is missing: the file is cut off before its last line']],
    [
      'half a line',
      `${fileOf([HEADER, task])}{"type":"task","id":2,"tit`,
      [
        '3 : is no JSON that can be taken: the line is not valid JSON in UTF-8',
        '4 : is missing: the file is cut off before its last line',
      ],
    ],
    [
      'an end that counts more',
      fileOf([HEADER, task, { ...end, tasks: 2 }]),
      ['3 : says 2 tasks, 0 of them trashed; there are 1, 0'],
    ],
    [
      'something after the end',
      fileOf([HEADER, task, end, task]),
      ['4 : comes after the line that should be the last'],
    ],
    [
      'a line of another kind',
      fileOf([HEADER, { type: 'session' }, task, end]),
      ['2 type: must be profile, task or end'],
    ],
    ['a line that is no object', fileOf([HEADER, '[1]', task, end]), ['2 : must be a JSON object']],
    [
      'a NUL',
      fileOf([HEADER, { ...task, title: 'a\0b' }, { ...end }]),
      [
        '2 : is no JSON that can be taken: the line has a NUL character in a string',
        '3 : says 1 tasks, 0 of them trashed; there are 0, 0',
      ],
    ],
    [
      'the same task twice',
      fileOf([HEADER, task, task, { ...end, tasks: 2 }]),
      ['3 id: has been in the file before'],
    ],
    [
      'a line too long',
      fileOf([HEADER, { ...task, title: 'x'.repeat(66_000) }, end]),
      ['2 : must be at most 64 KiB long', '3 : says 1 tasks, 0 of them trashed; there are 0, 0'],
    ],
  ])('of an export is: %s', async (_what, file, errors) => {
    expect(await bad(file)).toEqual(errors);
  });

  it.each([
    ['an empty file', '', ['1 : is missing: the file is empty']],
    [
      'no title among the columns',
      'name_,x\na,b\n',
      ['1 title: is no column of this file: the first line must name the columns'],
    ],
    ['a column twice', 'title,priority,Title\na,1,b\n', ['1 : names the column "title" twice']],
    [
      'cells',
      'title,done,priority,due,completed_at\nA,maybe,5,31.01.2026,now\n,,,,\nB,,,,\n',
      [
        '2 status: must be true or false',
        '2 priority: must be 1, 2, 3, low, medium or high',
        '2 due_date: must be a date such as 2026-01-31, or null',
        '2 completed_at: must be a time such as 2026-01-03T10:30:00Z, or empty',
      ],
    ],
    [
      'a comma without quotes',
      'title,done\nMilk, two litres,no\n',
      ['2 : has 3 cells for 2 columns: a text with a comma needs quotation marks'],
    ],
    [
      'lines within quotes',
      'title,description\r\nA,"one\r\ntwo"\r\n\r\n"",x\r\n',
      ['5 title: must not be empty'],
    ],
    [
      'an open quote',
      'title\nA\n"B\nC\n',
      ['3 : has a quotation mark that is never closed; what follows was not read'],
    ],
    [
      'a stray quote',
      'title\nA\nsay "B"\nC\n',
      ['3 : has a quotation mark within a text that does not begin with one; what follows was not read'],
    ],
    [
      'text after a quote',
      'title\n"A"B\nC\n',
      [
        '2 : has text after a closing quotation mark (one within a text must be doubled); what follows was not read',
      ],
    ],
    [
      'an endless record',
      `title\nA\n"${'x\n'.repeat(70_000)}`,
      ['3 : is longer than 128 KiB: is a quotation mark never closed?; what follows was not read'],
    ],
    ['a NUL', 'title\nA\0B\n', ['2 : has a NUL character']],
  ])('of a table is: %s', async (_what, file, errors) => {
    expect(await bad(file, 'text/csv')).toEqual(errors);
  });

  it('is one that is not UTF-8', async () => {
    const latin = Buffer.from('title\nMilk\nK\u00e4se\n', 'latin1');
    const wide = Buffer.from('\ufefftitle\nMilk\n', 'utf16le');
    for (const [bytes, line] of [
      [latin, 3],
      [wide, 1],
    ] as const) {
      const { errors } = expectProblem(await importFile(ada, bytes), 'validation_error');
      expect(errors).toEqual([{ line, path: '', message: expect.stringContaining('is not UTF-8') }]);
    }
    const export_ = Buffer.concat([Buffer.from(fileOf([HEADER])), Buffer.from([0xff, 0x0a])]);
    const { errors } = expectProblem(await importFile(ada, export_, ndjson), 'validation_error');
    expect(errors?.[0]).toMatchObject({
      line: 2,
      message: expect.stringContaining('not valid JSON in UTF-8'),
    });
  });

  it('among very many is told by number, with the first hundred', async () => {
    const file = `title\n${Array.from({ length: 500 }, (_, index) => (index % 2 ? 'x' : `"${'y'.repeat(201)}"`)).join('\n')}\n`;
    const { errors, errors_total } = expectProblem(await importFile(ada, file), 'validation_error');
    expect(errors).toHaveLength(100);
    expect(errors_total).toBe(250);
    expect(errors?.[99]).toEqual({
      line: 200,
      path: 'title',
      message: 'must be at most 200 characters long',
    });
  });

  it('is one whose time an offset carries out of the years there are', async () => {
    const [early, late] = ['1970-01-01T00:00:00+23:59', '9999-12-31T23:59:59-23:59'];
    const said = 'must be a time such as 2026-01-03T10:30:00';
    const file = exportOf([
      { created_at: late },
      { updated_at: late },
      { completed_at: late, status: true },
      { deleted_at: late },
      { created_at: early },
      { completed_at: '9999-12-31T24:00:00Z' },
    ]);
    expect(await bad(file)).toEqual([
      `2 created_at: ${said}.000Z`,
      `3 updated_at: ${said}.000Z`,
      `4 completed_at: ${said}.000Z`,
      `5 deleted_at: ${said}.000Z`,
      `6 created_at: ${said}.000Z`,
      `7 completed_at: ${said}.000Z, or null`,
    ]);
    const table = `title,created_at,completed_at\nA,${late},\nB,,${late}\nC,${early},\n`;
    expect(await bad(table, 'text/csv')).toEqual([
      `2 created_at: ${said}Z, or empty`,
      `3 completed_at: ${said}Z, or empty`,
      `4 created_at: ${said}Z, or empty`,
    ]);
    // The last moment there is lies in the future, and becomes now.
    const last = exportOf([
      { created_at: '9999-12-31T23:59:59.999Z', updated_at: '9999-12-31T00:00:00+23:59' },
    ]);
    expect((await importFile(ada, last, ndjson)).body.created).toBe(1);
  });

  it('is not looked for once a thousand have been found', async () => {
    const { errors, errors_total } = expectProblem(
      await importFile(ada, `title,priority\n${',9\n'.repeat(450_000)}`),
      'validation_error',
    );
    expect([errors?.length, errors_total]).toEqual([100, 1_000]);
  });
});
