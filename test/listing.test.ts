// Listings: what may be asked, what comes back, and searches as literal text.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnyBody, Client, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { allPages, seedTasks } from './support/tasks.ts';

let server: TestServer;
/** Has 250 tasks, all born at different times. */
let ada: Awaited<ReturnType<typeof signUp>>;
/** Has tasks with special texts. */
let bob: Awaited<ReturnType<typeof signUp>>;

const TEXTS: [title: string, description?: string][] = [
  ['Call Zoë about the café', 'Über-important\nsecond line'],
  ['ΟΔΟΣ ΣΙΣΥΦΟΣ', 'Σ at the end of ΛΟΓΟΣ'],
  ['Straße und ŒUVRE', 'Ünïcödé'],
  ['100% done', 'not 100 percent'],
  ['1000 done', 'wildcards must not match'],
  ['a_b', 'under_score'],
  ['axb', 'no underscore'],
  ['back\\slash', 'C:\\temp\\new'],
  ["O'Brien", `she said "hello"`],
  ["Robert'); DROP TABLE task;--", `' OR '1'='1`],
  ['日本語のタスク', '你好 世界'],
  ['emoji 👩‍🚀 here', '😀'],
  ['Привет МИР', null as unknown as string],
  ['milk', 'buy'],
  ['buy milk', 'two litres'],
  ['[brackets] (parens) ^caret$ .* +plus?', '{braces} ~tilde'],
];

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
  bob = await signUp(server.url);
  await seedTasks(
    server,
    ada.user.id,
    Array.from({ length: 250 }, (_, n) => ({
      title: `Task ${n}`,
      created_at: new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString(),
    })),
  );
  await seedTasks(
    server,
    bob.user.id,
    TEXTS.map(([title, description = null]) => ({ title, description })),
  );
});
afterAll(() => server.close());

const list = async (query: string) => (await ada.get(`/api/tasks?${query}`)).body;

describe('a page', () => {
  it('holds 100 tasks unless asked otherwise, newest first', async () => {
    const { status, headers, body } = await ada.get('/api/tasks');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    expect(Object.keys(body)).toEqual(['tasks', 'next_cursor']);
    expect(body.tasks.map(({ title }: AnyBody) => title)).toEqual(
      Array.from({ length: 100 }, (_, n) => `Task ${249 - n}`),
    );
    expect(body.next_cursor).toMatch(/^[A-Za-z0-9_-]+$/);
    expect((await ada.get('/api/tasks/')).body).toEqual(body);
  });

  it('holds exactly what GET of each task says, and no more fields', async () => {
    const [task] = (await list('limit=1')).tasks;
    expect((await ada.get(`/api/tasks/${task.id}`)).body).toEqual(task);
  });

  it.each([1, 2, 99, 100])('holds %i tasks if asked', async (limit) => {
    expect((await list(`limit=${limit}`)).tasks).toHaveLength(limit);
  });

  it('has a next one until the last, and none after a last page that is full', async () => {
    const pages: number[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const body: AnyBody = await list(`limit=50${cursor ? `&cursor=${cursor}` : ''}`);
      pages.push(body.tasks.length);
      cursor = body.next_cursor;
    }
    expect(pages).toEqual([50, 50, 50, 50, 50]);
    expect((await list('limit=100&q=Task&status=true')).next_cursor).toBeNull();
  });

  it('is empty, with no next one, for a user without tasks and beyond the end', async () => {
    expect(await list('status=true')).toEqual({ tasks: [], next_cursor: null });
    expect(await list('skip=250')).toEqual({ tasks: [], next_cursor: null });
    expect(await list('skip=10000&include_total=true')).toEqual({ tasks: [], next_cursor: null, total: 250 });
  });

  it('can be skipped to, and go on by cursor from there', async () => {
    const body = await list('skip=240&limit=5');
    expect(body.tasks.map(({ title }: AnyBody) => title)).toEqual([
      'Task 9',
      'Task 8',
      'Task 7',
      'Task 6',
      'Task 5',
    ]);
    const next = await list(`limit=5&cursor=${body.next_cursor}`);
    expect(next.tasks.map(({ title }: AnyBody) => title)).toEqual([
      'Task 4',
      'Task 3',
      'Task 2',
      'Task 1',
      'Task 0',
    ]);
    expect(next.next_cursor).toBeNull();
    expect((await list(`limit=5&skip=0&cursor=${body.next_cursor}`)).tasks).toEqual(next.tasks);
  });

  it('tells the total only if asked', async () => {
    expect((await list('include_total=true&limit=1')).total).toBe(250);
    expect(await list('include_total=false&limit=1')).not.toHaveProperty('total');
  });

  it('ignores parameters that it does not know', async () => {
    const { body, status } = await ada.get(
      '/api/tasks?limit=3&foo=1&__proto__=x&constructor=y&user_id=z&page=9',
    );
    expect([status, body.tasks.length]).toEqual([200, 3]);
  });

  it('needs a session', async () => {
    expect((await new Client(server.url).get('/api/tasks')).status).toBe(401);
  });
});

describe('a wrong parameter', () => {
  it.each([
    ...[
      '0',
      '-1',
      '101',
      '1000000000000',
      '9'.repeat(400),
      'abc',
      '1.0',
      '1e1',
      '0x10',
      '',
      '%2B5',
      ' 5',
      'null',
      '５',
    ].map((value) => ['limit', value] as const),
    ...['-1', '10001', '1.5', 'abc', ''].map((value) => ['skip', value] as const),
    ...['1', '0', 'TRUE', 'True', 'yes', '', 'null', ' true'].flatMap((value) =>
      (['status', 'include_total', 'trashed'] as const).map((name) => [name, value] as const),
    ),
    ...['0', '4', '1.0', '', 'urgent', '1,2', '__proto__'].map((value) => ['priority', value] as const),
    ...[
      '2026-02-30',
      '2025-02-29',
      '0000-01-01',
      '10000-01-01',
      '2026-01-31T00:00:00Z',
      'today',
      'infinity',
      '',
      '20260131',
    ].flatMap((value) => [['due_before', value] as const, ['due_after', value] as const]),
    ...['id', 'TITLE', 'created_at;drop table task', 'rev', '', 'toString'].map(
      (value) => ['sort', value] as const,
    ),
    ...['ASC', 'up', '', 'desc,id'].map((value) => ['order', value] as const),
    ...['x', '', 'null', 'AAAA', `${'A'.repeat(60)}`, '%00', 'é'].map((value) => ['cursor', value] as const),
    ['q', '%00'],
    ['q', 'a%00b'],
    ['category', 'a%00b'],
    ['q', 'é'.repeat(201)],
    ['q', `${'x%CC%81'.repeat(100)}y`],
  ] as [string, string][])('%s=%s is 422 and names it', async (name, value) => {
    const { status, body } = await ada.get(`/api/tasks?${name}=${value}`);
    expect([status, body.code]).toEqual([422, 'validation_error']);
    expect(body.errors).toEqual([{ path: name, message: expect.any(String) }]);
  });

  it.each([
    'limit=5&limit=6',
    'limit=5&limit=5',
    'skip=1&skip=1',
    'status=true&status=true',
    'priority=1&priority=2',
    'category=a&category=b',
    'q=a&q=b',
    'sort=title&sort=title',
    'order=asc&order=asc',
    'due_before=2026-01-01&due_before=2026-01-01',
    'cursor=a&cursor=b',
    'include_total=true&include_total=true',
  ])('%s is 422: once is enough', async (query) => {
    const { status, body } = await ada.get(`/api/tasks?${query}`);
    expect([status, body.errors[0].path]).toEqual([422, query.split('=')[0]]);
  });

  it('names all that are wrong', async () => {
    const { body } = await ada.get('/api/tasks?limit=0&status=maybe&sort=x');
    expect(body.errors.map(({ path }: AnyBody) => path).sort()).toEqual(['limit', 'sort', 'status']);
  });

  it('is never a 500, however the query is encoded', async () => {
    for (const query of [
      'q=%ff',
      'q=%ED%A0%80',
      'q=%',
      'q=%zz',
      '=',
      '&&&',
      '?',
      'limit',
      'q',
      'a[b]=c',
      'q=%F0%9F%98',
    ]) {
      const { status } = await ada.get(`/api/tasks?${query}`);
      expect([query, [200, 400, 422].includes(status)]).toEqual([query, true]);
    }
  });
});

describe('priority and category as filters', () => {
  it('takes names in any case', async () => {
    for (const name of ['2', 'medium', 'MEDIUM', 'Medium'])
      expect((await list(`priority=${name}&include_total=true&limit=1`)).total).toBe(250);
    expect((await list('priority=high')).tasks).toEqual([]);
  });

  it('takes a category exactly, and an empty one for tasks without', async () => {
    await seedTasks(server, bob.user.id, [
      { title: 'cat 1', category: 'Home' },
      { title: 'cat 2', category: 'home' },
      { title: 'cat 3', category: 'home%' },
      { title: 'cat 4', category: 'é' },
    ]);
    const titles = async (category: string) =>
      (await bob.get(`/api/tasks?sort=title&order=asc&category=${category}`)).body.tasks.map(
        ({ title }: AnyBody) => title,
      );
    expect(await titles('home')).toEqual(['cat 2']);
    expect(await titles('Home')).toEqual(['cat 1']);
    expect(await titles('home%25')).toEqual(['cat 3']);
    expect(await titles('%25')).toEqual([]);
    expect(await titles('e%CC%81')).toEqual(['cat 4']);
    expect(await titles('')).toHaveLength(TEXTS.length);
    await server.sql(`delete from task where title like 'cat _'`);
  });
});

describe('searching', () => {
  const found = async (q: string): Promise<string[]> =>
    (await allPages(bob, `q=${encodeURIComponent(q)}&sort=title&order=asc`)).map(({ title }) => title);
  const all = TEXTS.map(([title]) => title);
  const holding = (part: (text: string) => boolean) =>
    TEXTS.filter(([title, description]) => part(`${title}\n${description ?? ''}`)).map(([title]) => title);

  it.each([
    ['one word', 'milk', ['milk', 'buy milk']],
    ['words in any order', 'milk buy', ['milk', 'buy milk']],
    ['words in title and description together', 'litres MILK', ['buy milk']],
    ['a word that is missing', 'milk bread', []],
    ['part of a word', 'ilk', ['milk', 'buy milk']],
    ['any case', 'MiLk', ['milk', 'buy milk']],
    ['capital letters beyond ASCII', 'ZOË CAFÉ ÜBER', ['Call Zoë about the café']],
    ['small letters beyond ASCII', 'ünïcödé œuvre', ['Straße und ŒUVRE']],
    ['a sharp s in capitals', 'STRASSE', ['Straße und ŒUVRE']],
    ['a capital sharp s', 'STRAẞE', ['Straße und ŒUVRE']],
    ['decomposed letters', 'cafe\u0301', ['Call Zoë about the café']],
    ['Greek in small letters', 'οδοσ σισυφος', ['ΟΔΟΣ ΣΙΣΥΦΟΣ']],
    ['a final sigma', 'οδος', ['ΟΔΟΣ ΣΙΣΥΦΟΣ']],
    ['a sigma within a word that ends the search', 'ΣΙΣ', ['ΟΔΟΣ ΣΙΣΥΦΟΣ']],
    ['the same in small letters', 'σις', ['ΟΔΟΣ ΣΙΣΥΦΟΣ']],
    ['one sigma', 'Σ', ['ΟΔΟΣ ΣΙΣΥΦΟΣ']],
    ['Cyrillic', 'привет мир', ['Привет МИР']],
    ['Japanese', 'タスク 日本', ['日本語のタスク']],
    ['emoji', '👩‍🚀', ['emoji 👩‍🚀 here']],
    ['a percent sign', '100%', ['100% done']],
    ['a percent sign alone', '%', ['100% done']],
    ['an underscore', 'a_b', ['a_b']],
    ['an underscore alone', '_', ['a_b']],
    ['a backslash', 'k\\s', ['back\\slash']],
    ['a backslash alone', '\\', ['back\\slash']],
    ['two backslashes', '\\\\', []],
    ['a backslash before a wildcard', '\\%', []],
    ['an apostrophe', "o'b", ["O'Brien"]],
    ['quotes', '"hello"', ["O'Brien"]],
    ['SQL', "Robert'); DROP", ["Robert'); DROP TABLE task;--"]],
    ['SQL that is always true', "' OR '1'='1", ["Robert'); DROP TABLE task;--"]],
    ['placeholders', '$1 $2', []],
    ['signs of regular expressions', '.* ^caret$ [brackets]', ['[brackets] (parens) ^caret$ .* +plus?']],
    ['a word of two letters', 'za', []],
    ['spaces of all kinds between words', '\u3000buy\u00a0\t milk\n', ['milk', 'buy milk']],
    ['a word twice', 'milk milk', ['milk', 'buy milk']],
    ['a word within another', 'milk mil il', ['milk', 'buy milk']],
  ])('finds %s', async (_what, q, titles) => {
    expect((await found(q)).sort()).toEqual([...titles].sort());
  });

  it.each(['', ' ', '\t\n', '\u00a0'])('for %j finds all', async (q) => {
    expect((await found(q)).sort()).toEqual([...all].sort());
  });

  it('does not find what only the break between title and description joins', async () => {
    expect(await found('café\nÜber')).toEqual(['Call Zoë about the café']);
    expect(await found('caféÜber')).toEqual([]);
  });

  it('finds a single letter wherever it stands', async () => {
    for (const letter of ['u', 'K', 'ß', 'é'])
      expect((await found(letter)).sort()).toEqual(
        holding((text) => text.toLowerCase().includes(letter.toLowerCase())).sort(),
      );
  });

  it('takes 200 characters and all words in them, and stands on every one', async () => {
    const long = 'é'.repeat(200);
    const words = Array.from({ length: 20 }, (_, n) => `w${n + 10}`);
    const letters = Array.from({ length: 100 }, (_, n) => String.fromCodePoint(0x4e00 + n));
    letters.splice(30, 4, '%', '_', '\\', 'ß');
    const titles = [long, words.toReversed().join('-'), letters.toReversed().join('')];
    await seedTasks(
      server,
      ada.user.id,
      titles.map((title) => ({ title })),
    );
    const total = async (q: string) => (await list(`include_total=true&q=${encodeURIComponent(q)}`)).total;
    expect(await total(long.toUpperCase())).toBe(1);
    expect(await total(words.join(' '))).toBe(1);
    expect(await total([...words.slice(1), 'w99'].join(' '))).toBe(0);
    expect(await total(letters.slice(0, 99).join(' '))).toBe(1);
    expect(await total(letters.join(' ').toUpperCase().replace('SS', 'ß'))).toBe(1);
    for (const place of [0, 15, 31, 50, 98])
      expect(await total(letters.with(place, 'x').slice(0, 99).join(' '))).toBe(0);
    await server.sql(`delete from task where user_id = $1 and title not like 'Task %'`, [ada.user.id]);
  });

  it('leaves every table where it was', async () => {
    expect((await ada.get('/api/tasks?include_total=true')).body.total).not.toBeUndefined();
    expect((await bob.get('/api/tasks')).body.tasks).toHaveLength(TEXTS.length);
  });
});
