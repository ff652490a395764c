// SQL from outside: tests look at the database with connections of their own.
import pg, { type ClientConfig } from 'pg';

/** Runs one statement on a fresh connection. */
export async function query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
  connection: ClientConfig,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}
