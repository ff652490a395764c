// Writes docs/query-plans.md: how a private PostgreSQL answers the listings of a user with 100,000 tasks.
// Run it after a change of listings or indexes: npx node scripts/query-plans.ts
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { migrate } from '../src/database/migrate.ts';
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
} from '../test/support/query-plans.ts';

const FILE = path.resolve(import.meta.dirname, '../docs/query-plans.md');

const INTRODUCTION = `# Query plans

Written by \`npx node scripts/query-plans.ts\`; \`test/plans.test.ts\` holds what matters of it. One user has 100,000 tasks, 2,000 of
them in the trash, on some 2,200 pages of 8 KiB; fifty others have forty each. A page of a listing is 101 rows: one more than
is sent tells whether there is another. "Pages" are those that PostgreSQL looked at, in the table and in its indexes.

What to know about them:

- Each order has an index that is read forwards or backwards, and cursors continue in it: no page is dearer than the first.
- Unfiltered listings are prepared, so their plan must suit any values. Filtered ones are planned with their values.
- Tasks without a due date stand at \`infinity\` or \`-infinity\`, whichever is the end. Filters by day use the same expression as
  the order, with both ends, so that one range of one index answers both.
- Search needs three letters of a word for its trigrams. For shorter words a listing's order is walked until the page is full.
- PostgreSQL uses no statistics of partial indexes, so indexed expressions have statistics of their own (\`create statistics\`).
- Counting what most of the tasks match reads the whole table, here: they are most of it. Without filters, or by status alone,
  the total comes from the user's counters instead.
- From the middle of a priority with a rare filter the planner expects too little of a row comparison and walks the order.
`;

type Planner = Awaited<ReturnType<typeof openPlanner>>;

const cell = (plan: Plan) =>
  `${plan.buffers} ${plan.indexes.map((name) => name.replace(/^task_|_idx$/g, '')).join(' + ') || 'the whole table'}`;

async function matrix(planner: Planner): Promise<string> {
  const orders = ORDERS.map(([sort, order]) => `${sort} ${order}`);
  const lines = [['filter', ...orders, 'total'], Array(orders.length + 2).fill('---')];
  for (const [name, filter] of [...COMMON, ...SELECTIVE]) {
    const plans: Plan[] = [];
    for (const [sort, order] of ORDERS) plans.push(await planner.plan(listCase(filter, sort, order)));
    plans.push(await planner.plan(countCase(filter)));
    lines.push([name, ...plans.map(cell)]);
  }
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

async function plansOf(planner: Planner): Promise<string> {
  const blocks: [title: string, planned: ReturnType<typeof listCase>][] = [
    ...ORDERS.map(([sort, order]) => [`By ${sort}, ${order}`, listCase({}, sort, order)] as const),
    ...ORDERS.map(
      ([sort, order]) =>
        [`By ${sort}, ${order}, from the middle`, listCase({}, sort, order, { middle: true })] as const,
    ),
    ...SELECTIVE.map(
      ([name, filter]) => [`Newest first: ${name}`, listCase(filter, 'created_at', 'desc')] as const,
    ),
    ...COMMON.slice(1).map(
      ([name, filter]) => [`Newest first: ${name}`, listCase(filter, 'created_at', 'desc')] as const,
    ),
    ['Somebody with few tasks', listCase({}, 'created_at', 'desc', { userId: SMALL_USER })],
  ].map(([title, planned]) => [title, planned] as [string, ReturnType<typeof listCase>]);
  const written: string[] = [];
  for (const [title, planned] of blocks)
    written.push(`### ${title}\n\n\`\`\`\n${await planner.text(planned)}\n\`\`\``);
  return written.join('\n\n');
}

const dataDir = await mkdtemp(path.join(tmpdir(), 'donewell-plans-'));
// Started by root, PostgreSQL runs as another user, who must be able to enter.
await chmod(dataDir, 0o711);
const postgres = await startEmbeddedPostgres({ dataDir, log: () => {} });
try {
  await migrate(postgres.connection);
  await seedForPlans(postgres.connection);
  const planner = await openPlanner(postgres.connection);
  const table = `## Pages and indexes, by filter and order\n\n${await matrix(planner)}`;
  await writeFile(FILE, `${INTRODUCTION}\n${table}\n\n## Plans\n\n${await plansOf(planner)}\n`);
  await planner.close();
} finally {
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
