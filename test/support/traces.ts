// What a database holds of somebody: every table that there is, asked whether any of its rows names one of them.
import type { TestServer } from './server.ts';

type Readable = Pick<TestServer, 'sql'>;

export async function tablesOf({ sql }: Readable): Promise<string[]> {
  const rows = await sql<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE' order by table_name`,
  );
  return rows.map(({ name }) => name);
}

/** By table the rows that have any of these words in any of their columns; tables without such a row are not there. */
export async function tracesOf(
  server: Readable,
  words: readonly string[],
): Promise<Record<string, string[]>> {
  const traces: Record<string, string[]> = {};
  for (const table of await tablesOf(server)) {
    const rows = await server.sql<{ text: string }>(
      `select text from (select to_json(t)::text as text from "${table}" t) rows
       where exists (select from unnest($1::text[]) word where strpos(text, word) > 0) order by text`,
      [words],
    );
    if (rows.length > 0) traces[table] = rows.map(({ text }) => text);
  }
  return traces;
}
