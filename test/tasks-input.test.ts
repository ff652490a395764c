// What a task's fields may be: every limit at both sides, wrong types, names of priorities, days of the calendar.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnyBody, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
/** A task that is there to be changed; every refusal must leave it as it is. */
let task: AnyBody;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
  task = (await ada.post('/api/tasks', { title: 'Here' })).body;
});
afterAll(() => server.close());

const EMOJI = '😀';
const FAMILY = '👨‍👩‍👧';
/** One letter to the eye, two code points: no composed form of it exists. */
const MARKED = 'x\u0301';

interface Limit {
  field: 'title' | 'description' | 'category';
  maximum: number;
}
const LIMITS: Limit[] = [
  { field: 'title', maximum: 200 },
  { field: 'description', maximum: 1000 },
  { field: 'category', maximum: 100 },
];

const bodyWith = (field: string, value: unknown) => ({ title: 'T', [field]: value });

async function accepted(field: string, value: unknown): Promise<AnyBody> {
  const { status, body, text } = await ada.post('/api/tasks', bodyWith(field, value));
  expect(status, text).toBe(201);
  const changed = await ada.patch(`/api/tasks/${body.id}`, { [field]: value });
  expect([changed.status, changed.body]).toEqual([200, body]);
  return body[field];
}

/** Refused by creation and by both updates, naming the field. @returns the message. */
async function refused(field: string, value: unknown): Promise<string> {
  const before = (await ada.get('/api/dashboard/stats')).text;
  const answers = [
    await ada.post('/api/tasks', bodyWith(field, value)),
    await ada.put(`/api/tasks/${task.id}`, { [field]: value }),
    await ada.patch(`/api/tasks/${task.id}`, { [field]: value }),
  ];
  for (const { status, headers, body } of answers) {
    expect([status, body.code, body.status]).toEqual([422, 'validation_error', 422]);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body.errors).toEqual([{ path: field, message: expect.any(String) }]);
    expect(body.detail).toBe(`${field} ${body.errors[0].message}.`);
  }
  expect((await ada.get('/api/dashboard/stats')).text).toBe(before);
  expect((await ada.get(`/api/tasks/${task.id}`)).body).toEqual(task);
  return answers[0]?.body.errors[0].message;
}

describe.each(LIMITS)('$field', ({ field, maximum }) => {
  it.each([
    ['letters', 'a'],
    ['emoji, each one code point in two UTF-16 units', EMOJI],
    ['letters that have a composed form', 'é'],
    ['CJK beyond the first plane', '𠀀'],
  ])(`holds ${maximum} %s, and not one more`, async (_what, letter) => {
    expect(await accepted(field, letter.repeat(maximum))).toBe(letter.repeat(maximum));
    expect(await refused(field, letter.repeat(maximum + 1))).toBe(
      `must be at most ${maximum} characters long`,
    );
  });

  it('counts code points after cleaning', async () => {
    // A decomposed é is two code points on the way in and one in the store.
    expect(await accepted(field, 'e\u0301'.repeat(maximum))).toBe('é'.repeat(maximum));
    expect(await accepted(field, `${' '.repeat(500)}${'a'.repeat(maximum)}\n\t ${'\u202e'.repeat(9)}`)).toBe(
      'a'.repeat(maximum),
    );
    expect(await accepted(field, `<script>${'x'.repeat(2000)}</script>${'b'.repeat(maximum)}`)).toBe(
      'b'.repeat(maximum),
    );
    await refused(field, `a${' '.repeat(maximum)}b`);
  });

  it('counts every code point of what looks like one letter', async () => {
    expect(await accepted(field, MARKED.repeat(maximum / 2))).toBe(MARKED.repeat(maximum / 2));
    await refused(field, `${MARKED.repeat(maximum / 2)}a`);
    const families = Math.floor(maximum / 5);
    expect(await accepted(field, FAMILY.repeat(families))).toBe(FAMILY.repeat(families));
    await refused(field, `${FAMILY.repeat(families)}${EMOJI.repeat(maximum - families * 5 + 1)}`);
  });

  it('comes back byte for byte', async () => {
    for (const text of [
      `Robert'); DROP TABLE students;--`,
      'a < b && c > d "quoted" AT&T',
      '日本語 עברית 👩🏽‍🚀',
      'null',
      '\\ % _ \\u0000 $1',
    ]) {
      expect(await accepted(field, text)).toBe(text);
    }
  });

  it.each([[1], [0], [true], [['a']], [{ a: 1 }]])('refuses %j', async (value) => {
    expect(await refused(field, value)).toMatch(/^must be a string/);
  });
});

describe('an empty text', () => {
  it.each(['', ' ', '\n\t ', '\u202e\u2066', '<script>alert(1)</script>', '\u00a0'])(
    '%j is null for description and category, and no title',
    async (empty) => {
      expect(await accepted('description', empty)).toBeNull();
      expect(await accepted('category', empty)).toBeNull();
      expect(await refused('title', empty)).toBe('must not be empty');
    },
  );

  it('holds one letter', async () => {
    expect(await accepted('title', 'a')).toBe('a');
    expect(await accepted('title', EMOJI)).toBe(EMOJI);
  });
});

describe('title', () => {
  it('is required at birth and never null', async () => {
    const { status, body } = await ada.post('/api/tasks', { description: 'none' });
    expect([status, body.errors]).toEqual([422, [{ path: 'title', message: 'is required' }]]);
    await refused('title', null);
  });
});

describe('status', () => {
  it.each([[null], ['true'], ['false'], [1], [0], [''], [[]], [{}]])('is not %j', async (value) => {
    expect(await refused('status', value)).toBe('must be true or false');
  });
});

describe('priority', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 3],
    ['low', 1],
    ['LOW', 1],
    ['Low', 1],
    ['lOw', 1],
    ['medium', 2],
    ['MEDIUM', 2],
    ['mEdIuM', 2],
    ['high', 3],
    ['HIGH', 3],
    ['higH', 3],
  ])('%j is %i', async (given, stored) => {
    expect(await accepted('priority', given)).toBe(stored);
  });

  it.each([
    [0],
    [4],
    [-1],
    [1.5],
    [1e300],
    [null],
    [true],
    ['1'],
    [''],
    ['urgent'],
    [' low'],
    ['low '],
    ['lowmedium'],
    ['hıgh'],
    ['constructor'],
    ['__proto__'],
    [[1]],
    [{ value: 1 }],
  ])('is not %j', async (value) => {
    expect(await refused('priority', value)).toBe('must be 1, 2, 3, low, medium or high');
  });
});

describe('due_date', () => {
  it.each(['2026-01-31', '2024-02-29', '2000-02-29', '0001-01-01', '9999-12-31', '2026-12-31', '1970-01-01'])(
    'may be %s',
    async (date) => {
      expect(await accepted('due_date', date)).toBe(date);
    },
  );

  it.each([
    ['2026-02-30'],
    ['2025-02-29'],
    ['1900-02-29'],
    ['2026-04-31'],
    ['2026-13-01'],
    ['2026-00-10'],
    ['2026-01-00'],
    ['2026-01-32'],
    ['0000-01-01'],
    ['0000-12-31'],
    ['10000-01-01'],
    ['+002026-01-01'],
    ['-0001-01-01'],
    ['2026-1-1'],
    ['2026-01-31T00:00:00Z'],
    ['2026-01-31 10:00'],
    ['2026-01-31\n'],
    [' 2026-01-31'],
    ['31.01.2026'],
    ['01/31/2026'],
    ['20260131'],
    ['2026-W05-6'],
    ['2026-031'],
    ['today'],
    ['infinity'],
    ['-infinity'],
    ['now'],
    ['epoch'],
    [''],
    ['٢٠٢٦-٠١-٣١'],
    [20260131],
    [0],
    [true],
    [['2026-01-31']],
    [{ year: 2026 }],
  ])('is not %j', async (value) => {
    expect(await refused('due_date', value)).toBe('must be a date such as 2026-01-31, or null');
  });
});

describe('several wrong fields', () => {
  it('are all named', async () => {
    const types = await ada.post('/api/tasks', {
      title: 1,
      status: 'x',
      priority: 9,
      due_date: 5,
      category: [],
    });
    expect(types.status).toBe(422);
    expect(types.body.errors.map(({ path }: AnyBody) => path).sort()).toEqual([
      'category',
      'due_date',
      'priority',
      'status',
      'title',
    ]);
    const limits = await ada.post('/api/tasks', {
      title: '',
      description: 'a'.repeat(1001),
      category: 'a'.repeat(101),
      due_date: '2026-02-30',
    });
    expect(limits.status).toBe(422);
    expect(limits.body.errors.map(({ path }: AnyBody) => path).sort()).toEqual([
      'category',
      'description',
      'due_date',
      'title',
    ]);
  });

  it('tells nothing of the inside', async () => {
    const { text } = await ada.post('/api/tasks', { title: { $gt: '' }, priority: [] });
    expect(text).not.toMatch(/typebox|schema|stack|node_modules|at \//i);
  });
});
