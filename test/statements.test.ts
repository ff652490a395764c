// Every SQL statement of the service fits the schema, says truly whether it writes, and has an index for what it looks for.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// Loads every room, and with it every statement.
import '../src/app.ts';
import '../src/auth/better-auth.ts';
import { allStatements } from '../src/database/statement.ts';
import { createDatabase } from './support/server.ts';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  Plans?: PlanNode[];
}

let client: pg.Client;
let drop: () => Promise<void>;

beforeAll(async () => {
  const database = await createDatabase();
  drop = database.drop;
  client = new pg.Client(database.connection);
  await client.connect();
  // Whatever the values: as a prepared statement is planned. Without choice of a sequential scan where there is an index.
  await client.query('set plan_cache_mode = force_generic_plan; set enable_seqscan = off');
});
afterAll(async () => {
  await client.end();
  await drop();
});

async function planOf(text: string): Promise<PlanNode[]> {
  await client.query(`prepare checked as ${text}`);
  try {
    const parameters = new Set(text.match(/\$\d+/g)).size;
    const values = parameters > 0 ? `(${Array(parameters).fill('null').join(', ')})` : '';
    const { rows } = await client.query(`explain (format json) execute checked${values}`);
    const flat = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flat)];
    return flat(rows[0]['QUERY PLAN'][0].Plan);
  } finally {
    await client.query('deallocate checked');
  }
}

/** Read hourly by retention alone, and small: one row for each address that a user has. */
const WITHOUT_INDEX = new Set(['retention_addresses']);

describe('the declared statements', () => {
  it('are all known, by names that a server keeps apart', () => {
    const names = allStatements().map(({ name }) => name);
    expect(names.length).toBeGreaterThan(40);
    for (const part of [
      'task_insert',
      'user_row_lock',
      'session',
      'overview_trend',
      'retention_trash',
      'changes_after',
    ])
      expect(names.some((name) => name.startsWith(part))).toBe(true);
    // PostgreSQL cuts names after 63 bytes.
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_]{0,62}$/);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(allStatements().map((statement) => [statement.name, statement] as const))(
    '%s fits the schema',
    async (name, { text, ...statement }) => {
      expect(text).not.toMatch(/;\s*\S|\$\{/);
      const nodes = await planOf(text);
      const writes = nodes.some((node) => /^(ModifyTable|LockRows)$/.test(node['Node Type']));
      if ((statement as { kind?: string }).kind === 'read') expect(writes).toBe(false);
      const whole = nodes
        .filter((node) => node['Node Type'] === 'Seq Scan')
        .map((node) => node['Relation Name']);
      expect(whole).toEqual(WITHOUT_INDEX.has(name) ? ['sign_in_address'] : []);
    },
  );
});
