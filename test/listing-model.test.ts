// Random tasks and random questions: every listing, page by page, and every total equal a model in memory.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AnyBody, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { type SeededTask, seedTasks } from './support/tasks.ts';

const NUMBER_OF_TASKS = 120;
const SEED = Math.floor(Math.random() * 2 ** 31);

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
/** Everything that Ada has, as the API shows it; those of the trash with `deleted_at`. */
let tasks: AnyBody[];

const word = fc.constantFrom(
  'milk',
  'Milk',
  'É',
  'élan',
  '100%',
  'a_b',
  'axb',
  '\\',
  "o'x",
  'Zoo',
  'zoë',
  '日本',
);
const text = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
const day = fc.integer({ min: 1, max: 6 }).map((number) => `2026-03-0${number}`);
const time = (milliseconds: number) => new Date(milliseconds).toISOString();
// Few different values, so that sort keys are often equal.
const minute = fc.integer({ min: 0, max: 8 }).map((number) => time(Date.UTC(2026, 1, 1, 0, number)));
const arbitraryTask: fc.Arbitrary<SeededTask> = fc.record({
  title: text,
  description: fc.option(text),
  status: fc.boolean(),
  category: fc.option(fc.constantFrom('home', 'Home', 'work', 'a_b')),
  priority: fc.constantFrom(1, 2, 3),
  due_date: fc.option(day),
  created_at: minute,
  updated_at: minute,
  deleted_at: fc.option(fc.constant(time(Date.now() - 86_400_000)), { freq: 4 }),
});

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
  const eve = await signUp(server.url);
  const some = fc.sample(arbitraryTask, { seed: SEED, numRuns: NUMBER_OF_TASKS });
  await seedTasks(server, ada.user.id, some);
  await seedTasks(server, eve.user.id, some);
  // Nothing here relies on a listing: each task is read by itself, the trash from the table.
  tasks = await Promise.all(
    (
      await server.sql<{ id: string; deleted_at: Date | null }>(
        'select id, deleted_at from task where user_id = $1',
        [ada.user.id],
      )
    ).map(async ({ id, deleted_at }) => {
      if (deleted_at === null) return (await ada.get(`/api/tasks/${id}`)).body;
      const [row] = await server.sql<{ task: AnyBody }>(
        'select to_jsonb(task) as task from task where id = $1',
        [id],
      );
      const iso = (value: string | null) => value && new Date(value).toISOString();
      const { created_rev: _, restored_rev: __, purged_at: ___, import_key: ____, ...raw } = row?.task ?? {};
      return {
        ...raw,
        ...Object.fromEntries(
          ['created_at', 'updated_at', 'completed_at', 'deleted_at'].map((name) => [name, iso(raw[name])]),
        ),
      };
    }),
  );
  expect(tasks).toHaveLength(NUMBER_OF_TASKS);
});
afterAll(() => server.close());

interface Question {
  trashed?: boolean;
  status?: boolean;
  priority?: string;
  category?: string;
  due_before?: string;
  due_after?: string;
  q?: string;
  sort?: string;
  order?: string;
  include_total?: boolean;
  limit?: number;
  skip?: number;
}

const question: fc.Arbitrary<Question> = fc.record(
  {
    trashed: fc.boolean(),
    status: fc.boolean(),
    priority: fc.constantFrom('1', '2', '3', 'low', 'High'),
    category: fc.constantFrom('', 'home', 'Home', 'work', 'none', 'a_b'),
    due_before: day,
    due_after: day,
    q: fc
      .oneof(
        fc.array(fc.constantFrom('MILK', 'é', '%', '_', '\\', 'zo', 'X', "'", 'nothing', '日本', 'l'), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.array(word, { minLength: 1, maxLength: 2 }),
      )
      .map((words) => words.join(' ')),
    sort: fc.constantFrom('created_at', 'updated_at', 'due_date', 'priority', 'title'),
    order: fc.constantFrom('asc', 'desc'),
    include_total: fc.boolean(),
    limit: fc.constantFrom(1, 3, 7, 40, 100),
    skip: fc.integer({ min: 0, max: 12 }),
  },
  { requiredKeys: ['include_total'] },
);

const PRIORITIES: Record<string, number> = { low: 1, high: 3 };
const titles = new Intl.Collator('und');

function matches(asked: Question, task: AnyBody): boolean {
  const text = `${task.title}\n${task.description ?? ''}`.toLowerCase();
  const priority = asked.priority && (PRIORITIES[asked.priority.toLowerCase()] ?? Number(asked.priority));
  return (
    (asked.trashed ?? false) === Boolean(task.deleted_at) &&
    (asked.status === undefined || task.status === asked.status) &&
    (priority === undefined || task.priority === priority) &&
    (asked.category === undefined || (task.category ?? '') === asked.category) &&
    (asked.due_before === undefined || (task.due_date !== null && task.due_date < asked.due_before)) &&
    (asked.due_after === undefined || (task.due_date !== null && task.due_date > asked.due_after)) &&
    (asked.q ?? '').split(' ').every((one) => text.includes(one.toLowerCase()))
  );
}

function compare(sort: string, a: AnyBody, b: AnyBody): number {
  const plain = (x: string | number, y: string | number) => (x < y ? -1 : x > y ? 1 : 0);
  switch (sort) {
    case 'updated_at':
      return a.rev - b.rev;
    case 'due_date':
      return plain(a.due_date, b.due_date) || a.id - b.id;
    case 'priority':
      return a.priority - b.priority || plain(a.created_at, b.created_at) || a.id - b.id;
    case 'title':
      return titles.compare(a.title, b.title) || plain(a.title, b.title) || a.id - b.id;
    default:
      return plain(a.created_at, b.created_at) || a.id - b.id;
  }
}

function expected(asked: Question): AnyBody[] {
  const { sort = 'created_at', order = 'desc' } = asked;
  const found = tasks.filter((task) => matches(asked, task));
  const dated = found.filter((task) => sort !== 'due_date' || task.due_date !== null);
  const undated = found.filter((task) => !dated.includes(task));
  const direction = order === 'asc' ? 1 : -1;
  dated.sort((a, b) => direction * compare(sort, a, b));
  undated.sort((a, b) => direction * (a.id - b.id));
  return [...dated, ...undated];
}

it('equals the model, whatever is asked', async () => {
  await fc.assert(
    fc.asyncProperty(question, async (asked) => {
      const all = expected(asked);
      const { skip = 0, limit = 100 } = asked;
      const parameters = new URLSearchParams(
        Object.entries(asked).map(([name, value]): [string, string] => [name, String(value)]),
      );
      const found: AnyBody[] = [];
      do {
        const { status, body, text: raw } = await ada.get(`/api/tasks?${parameters}`);
        expect(status, raw).toBe(200);
        expect(body.total).toBe(asked.include_total ? all.length : undefined);
        expect(body.tasks.length).toBe(Math.min(limit, Math.max(all.length - skip - found.length, 0)));
        found.push(...body.tasks);
        parameters.delete('skip');
        parameters.set('cursor', body.next_cursor ?? '');
      } while (parameters.get('cursor') !== '');
      // Ids first: they say at a glance what is missing or out of order.
      expect(found.map(({ id }) => id)).toEqual(all.slice(skip).map(({ id }) => id));
      expect(found).toEqual(all.slice(skip));
    }),
    { seed: SEED, numRuns: 150 },
  );
});

it('has the exact total for each filter alone, in the trash and out of it', async () => {
  const filters: Question[] = [
    {},
    { status: true },
    { status: false },
    ...['1', '2', '3'].map((priority) => ({ priority })),
    ...['', 'home', 'Home', 'none'].map((category) => ({ category })),
    { due_before: '2026-03-04' },
    { due_after: '2026-03-04' },
    { due_after: '2026-03-01', due_before: '2026-03-03' },
    { q: 'milk' },
    { q: '_' },
  ];
  for (const trashed of [false, true]) {
    for (const filter of filters) {
      const asked = { ...filter, trashed };
      const parameters = new URLSearchParams(
        Object.entries(asked).map(([name, value]): [string, string] => [name, String(value)]),
      );
      const { body } = await ada.get(`/api/tasks?include_total=true&limit=1&${parameters}`);
      expect([asked, body.total]).toEqual([asked, expected(asked).length]);
    }
  }
});
