// Exports and imports for tests: files made line by line, and what an account has as another must have it after a round trip.
import type { ExportedTask } from '../../contract/portability.ts';
import type { AnyBody, Client } from './client.ts';
import type { TestServer } from './server.ts';
import { allPages } from './tasks.ts';

export const NDJSON = 'application/x-ndjson';
export const OWNER = '8c7f2f64-58a5-4d0c-9d3c-0c6d0d7a5b11';

export interface Imported {
  status: number;
  headers: Headers;
  body: AnyBody;
  text: string;
}

export async function importFile(
  client: Client,
  body: string | Uint8Array,
  {
    type = 'text/csv',
    query = '',
    headers = {},
  }: { type?: string; query?: string; headers?: Record<string, string> } = {},
): Promise<Imported> {
  return client.request('POST', `/api/account/import${query}`, {
    body,
    headers: { 'content-type': type, ...headers },
  });
}

export async function exportText(client: Client): Promise<string> {
  const { status, text } = await client.get('/api/account/export');
  if (status !== 200) throw new Error(`The export answered ${status}: ${text}`);
  return text;
}

export function linesIn(text: string): AnyBody[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

export const HEADER = {
  type: 'header',
  format: 'donewell-export',
  version: 1,
  exported_at: '2026-01-03T10:30:00.000Z',
  user_id: OWNER,
};

/** An export with these tasks; what they do not say has a value. */
export function exportOf(
  tasks: readonly Partial<Omit<ExportedTask, 'priority'> & { priority: unknown }>[],
  header: object = {},
): string {
  const lines = tasks.map((task, index) => ({
    type: 'task',
    id: index + 1,
    title: `Task ${index + 1}`,
    description: null,
    status: false,
    category: null,
    priority: 2,
    due_date: null,
    completed_at: null,
    created_at: '2025-01-01T00:00:00.000Z',
    updated_at: '2025-01-01T00:00:00.000Z',
    rev: index + 1,
    deleted_at: null,
    ...task,
  }));
  const trashed = lines.filter(({ deleted_at }) => typeof deleted_at === 'string').length;
  return fileOf([{ ...HEADER, ...header }, ...lines, { type: 'end', tasks: lines.length, trashed }]);
}

export function fileOf(lines: readonly unknown[]): string {
  return lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
}

/** So many tasks that were deleted for good: they lie there for a while, and take room. */
export async function fillUpTo(
  { sql }: Pick<TestServer, 'sql'>,
  userId: string,
  count: number,
): Promise<void> {
  await sql(
    `with filled as (
       insert into task (user_id, title, created_at, updated_at, rev, created_rev, deleted_at, purged_at)
       select $1::text, '', now(), now(), rev, rev, now(), now() from generate_series(1, $2::integer) rev)
     update user_sync set rev = $2::integer where user_id = $1::text`,
    [userId, count],
  );
}

type Listings = Record<string, AnyBody[]>;

/** Every order and the trash, without what belongs to one account: ids, owner, revisions. */
export async function listingsOf(client: Client): Promise<Listings> {
  const listings: Listings = {};
  for (const query of [
    'sort=created_at&order=desc',
    'sort=created_at&order=asc',
    'sort=updated_at&order=desc',
    'sort=due_date&order=asc',
    'sort=priority&order=desc',
    'sort=title&order=asc',
    'trashed=true',
    'status=true&q=e',
  ]) {
    const tasks = await allPages(client, query);
    listings[query] = tasks.map(({ id: _id, user_id: _owner, rev: _rev, ...rest }) => rest);
  }
  return listings;
}
