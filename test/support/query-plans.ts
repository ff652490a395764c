// One user with 100,000 tasks among others, and how PostgreSQL answers the very statements that listings are made of.
import pg, { type ClientConfig } from 'pg';
import type { TaskSort } from '../../contract/task.ts';
import { TASK_SORTS } from '../../contract/task.ts';
import {
  countQuery,
  type Filter,
  type Listing,
  listQuery,
  type Order,
  type Place,
} from '../../src/tasks/listing-sql.ts';

export const BIG_USER = 'user-with-100000-tasks';
export const SMALL_USER = 'other-7';
const TASKS = 100_000;

/** Titles, categories and days such as people have them; something rare of each kind; two of a hundred in the trash. */
const USERS = `
  insert into "user" (id, name, email)
  select id, 'Somebody', id || '@example.com'
  from (select '${BIG_USER}' as id union all select 'other-' || n from generate_series(1, 50) n) as ids`;
/** Independent of each other, and the same in every run. */
const DICE = [...'abcdefghi']
  .map((name, seed) => `(hashint8extended(n, ${seed}) & 65535)::integer as ${name}`)
  .join(', ');
const TASK_ROWS = `
  insert into task (user_id, title, description, status, category, priority, due_date, completed_at,
                    created_at, updated_at, deleted_at, rev, created_rev)
  select user_id,
         (array['Call', 'Write to', 'Meet', 'Remind', 'Thank'])[1 + a % 5] || ' '
           || (array['Ada', 'Grace', 'Linus', 'Edsger', 'Barbara', 'Donald', 'Zoë'])[1 + b % 7] || ' about item ' || n,
         case when c % 10 < 6 then 'Number ' || c || ' of the plan for quarter ' || d % 4
           || case when n % 20000 = 7 then ', ask the Zürich office' else '' end end,
         d % 10 < 7,
         case when n % 10000 = 3 then 'rare' when e % 5 = 0 then null
              else (array['home', 'work', 'garden', 'music'])[1 + f % 4] end,
         case when n % 5000 = 11 then 1 when g % 3 = 0 then 3 else 2 end,
         case when h % 3 > 0 then date '2024-01-01' + i % 1000 end,
         case when d % 10 < 7 then timestamptz '2024-01-02' + n * interval '10 minutes' end,
         timestamptz '2024-01-01' + n * interval '10 minutes', timestamptz '2024-01-03' + n * interval '10 minutes',
         case when n % 50 = 0 then now() - interval '3 days' end,
         n, n
  from (
    select user_id, n, ${DICE}
    from (select '${BIG_USER}' as user_id, generate_series(1, ${TASKS}) as n
          union all select 'other-' || u, generate_series(1, 40) from generate_series(1, 50) u) as numbered
  ) as thrown`;
const USER_ROWS = `
  update user_sync set rev = counts.tasks, changed_at = now()
  from (select user_id, count(*) as tasks from task group by user_id) as counts where counts.user_id = user_sync.user_id`;

/** Fills a migrated, empty database. */
export async function seedForPlans(connection: ClientConfig): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    // Built at the end, the migration's indexes cost a third of what filling them row by row does.
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(
      `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
       from pg_index where indrelid = 'task'::regclass and not indisprimary`,
    );
    for (const { name } of indexes) await client.query(`drop index ${name}`);
    for (const statement of [USERS, TASK_ROWS, USER_ROWS]) await client.query(statement);
    for (const { definition } of indexes) await client.query(definition);
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
}

export interface PlannedCase {
  name: string;
  text: string;
  values: unknown[];
  /** The name under which the server prepares it, so that it may get a plan for any values. */
  prepared: string;
}

const NONE: Filter = { trashed: false, words: [] };

/** Values that few tasks have. */
export const SELECTIVE: [name: string, filter: Partial<Filter>][] = [
  ['priority low', { priority: 1 }],
  ['category rare', { category: 'rare' }],
  ['category that nobody has', { category: 'nothing' }],
  ['due before', { dueBefore: '2024-01-03' }],
  ['due after', { dueAfter: '2026-09-24' }],
  ['due between', { dueAfter: '2025-03-01', dueBefore: '2025-03-03' }],
  ['search', { words: ['zürich'] }],
  ['search that finds nothing', { words: ['nowhere'] }],
  ['search for two words', { words: ['zürich', 'ada'] }],
  ['several', { status: false, priority: 3, category: 'rare', words: ['item'] }],
];

/** Values that many tasks have: a page is soon full. */
export const COMMON: [name: string, filter: Partial<Filter>][] = [
  ['nothing', {}],
  ['pending', { status: false }],
  ['completed', { status: true }],
  ['priority high', { priority: 3 }],
  ['category home', { category: 'home' }],
  ['no category', { category: null }],
  ['due after most', { dueAfter: '2024-03-01' }],
  ['common word', { words: ['item'] }],
  ['short word', { words: ['to'] }],
  ['pending, high', { status: false, priority: 3 }],
  ['trash', { trashed: true }],
];

/** A place in the middle of each order. */
const MIDDLE: Record<TaskSort, Place> = {
  created_at: ['2024-12-13 05:20:00+00', 50_000],
  updated_at: ['50000', 50_000],
  due_date: ['2025-05-15', 50_000],
  priority: ['2', '2024-12-13 05:20:00+00', 50_000],
  title: ['Meet Grace about item 50000', 50_000],
};

export function listCase(
  filter: Partial<Filter>,
  sort: TaskSort,
  order: Order,
  { userId = BIG_USER, middle = false } = {},
): PlannedCase {
  const listing: Listing = {
    userId,
    filter: { ...NONE, ...filter },
    sort,
    order,
    after: middle ? MIDDLE[sort] : undefined,
    skip: 0,
    limit: 101,
  };
  const { statement, values } = listQuery(listing);
  return {
    name: `${sort} ${order}${middle ? ', from the middle' : ''}`,
    text: statement.text,
    values,
    prepared: statement.name,
  };
}

export function countCase(filter: Partial<Filter>): PlannedCase {
  const { statement, values } = countQuery(BIG_USER, { ...NONE, ...filter });
  return { name: 'total', text: statement.text, values, prepared: statement.name };
}

export const ORDERS = TASK_SORTS.flatMap((sort) =>
  (['asc', 'desc'] as const).map((order) => [sort, order] as const),
);

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

export interface Plan {
  /** Kinds of scans of the table. */
  scans: string[];
  indexes: string[];
  /** Pages of 8 KiB that were looked at. */
  buffers: number;
  rows: number;
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** Explains statements by carrying them out. Close it in the end. */
export async function openPlanner(connection: ClientConfig) {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query('set jit = off; set max_parallel_workers_per_gather = 0');
  const literal = (value: unknown) =>
    typeof value === 'string' ? client.escapeLiteral(value) : String(value);

  const explain = async (options: string, planned: PlannedCase, anyValues: boolean): Promise<unknown[]> => {
    if (!anyValues) {
      const text = `explain (${options}) ${planned.text}`;
      return (await client.query({ text, values: planned.values, rowMode: 'array' })).rows.flat();
    }
    await client.query('set plan_cache_mode = force_generic_plan');
    await client.query(`prepare planned as ${planned.text}`);
    try {
      const given = planned.values.map(literal).join(', ');
      const text = `explain (${options}) execute planned(${given})`;
      return (await client.query({ text, rowMode: 'array' })).rows.flat();
    } finally {
      await client.query('deallocate planned');
      await client.query('reset plan_cache_mode');
    }
  };

  return {
    /** @param anyValues with the plan that a prepared statement gets for any values. */
    async plan(planned: PlannedCase, anyValues = false): Promise<Plan> {
      const [found] = await explain('analyze, buffers, timing off, format json', planned, anyValues);
      const root = (found as { Plan: PlanNode }[])[0]?.Plan;
      if (!root) throw new Error('EXPLAIN gave no plan');
      const nodes = nodesOf(root);
      return {
        scans: nodes.filter((node) => node['Relation Name'] === 'task').map((node) => node['Node Type']),
        indexes: nodes.flatMap((node) => node['Index Name'] ?? []),
        buffers: root['Shared Hit Blocks'] + root['Shared Read Blocks'],
        rows: root['Actual Rows'],
      };
    },
    /** As a person reads it. */
    async text(planned: PlannedCase): Promise<string> {
      const options = 'analyze, buffers off, costs off, timing off, summary off';
      return (await explain(options, planned, planned.prepared !== '')).join('\n');
    },
    close: () => client.end(),
  };
}
