// How PostgreSQL answers listings for a user with 100,000 tasks: by an index, and by few pages of it, whatever is asked.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  COMMON,
  countCase,
  listCase,
  ORDERS,
  openPlanner,
  type Plan,
  SELECTIVE,
  SMALL_USER,
  seedForPlans,
} from './support/query-plans.ts';
import { createDatabase } from './support/server.ts';

/** Pages of 8 KiB: the table has two thousand, each row of a listing may lie on one of its own. */
const FEW = 400;

let planner: Awaited<ReturnType<typeof openPlanner>>;
let drop: () => Promise<void>;

beforeAll(async () => {
  const database = await createDatabase();
  drop = database.drop;
  await seedForPlans(database.connection);
  planner = await openPlanner(database.connection);
});
afterAll(async () => {
  await planner.close();
  await drop();
});

function expectIndexed(plan: Plan): void {
  expect(plan.scans).not.toContain('Seq Scan');
  expect(plan.indexes.length).toBeGreaterThan(0);
}

function expectFewPages(plan: Plan, pages = FEW): void {
  expectIndexed(plan);
  expect(plan.buffers).toBeLessThan(pages);
}

describe.each(ORDERS)('by %s, %s', (sort, order) => {
  it.each([false, true])(
    'a page takes few pages of the disk, with any plan that is prepared: %s',
    async (any) => {
      const first = await planner.plan(listCase({}, sort, order), any);
      expectFewPages(first);
      expect(first.rows).toBe(101);
      const middle = await planner.plan(listCase({}, sort, order, { middle: true }), any);
      expectFewPages(middle);
      expect(middle.rows).toBe(101);
      // A page far down costs what the first one costs: each row is on one page, and the way down the index.
      expect(middle.buffers).toBeLessThan(first.buffers + 150);
    },
  );

  it('a page of somebody with few tasks costs nothing for others having many', async () => {
    for (const any of [false, true])
      expectFewPages(await planner.plan(listCase({}, sort, order, { userId: SMALL_USER }), any), 120);
    expectFewPages(
      await planner.plan(listCase({ words: ['ada'] }, sort, order, { userId: SMALL_USER })),
      120,
    );
    expectFewPages(await planner.plan(listCase({ trashed: true }, sort, order, { userId: SMALL_USER })), 120);
  });

  it.each(SELECTIVE)('%s takes few pages, too', async (_name, filter) => {
    expectFewPages(await planner.plan(listCase(filter, sort, order)));
    const middle = await planner.plan(listCase(filter, sort, order, { middle: true }));
    // From the middle of one priority the planner expects nothing of the rest of it, and may walk through that.
    if (sort === 'priority') expectIndexed(middle);
    else expectFewPages(middle);
  });

  it.each(COMMON)('%s is read by an index', async (_name, filter) => {
    expectIndexed(await planner.plan(listCase(filter, sort, order)));
    expectIndexed(await planner.plan(listCase(filter, sort, order, { middle: true })));
  });
});

describe('a filter in its own order', () => {
  it.each(COMMON)('%s, newest first, takes few pages', async (_name, filter) => {
    for (const order of ['asc', 'desc'] as const)
      expectFewPages(await planner.plan(listCase(filter, 'created_at', order)));
  });

  it.each([
    ['due_date', 'asc'],
    ['due_date', 'desc'],
  ] as const)('a range of days by %s, %s, begins where the range begins', async (sort, order) => {
    for (const filter of [
      { dueAfter: '2025-12-01' },
      { dueBefore: '2025-02-01' },
      { dueAfter: '2025-01-01', dueBefore: '2026-01-01' },
    ])
      expectFewPages(await planner.plan(listCase(filter, sort, order)));
  });
});

describe('the exact total', () => {
  it.each(SELECTIVE)('for %s is counted by an index', async (_name, filter) => {
    expectFewPages(await planner.plan(countCase(filter)));
  });
});
