// Pages of tasks: filters, orders, and cursors that stay true while rows come and go.
import { PAGE_LIMIT, SEARCH_LENGTH } from '../../contract/limits.ts';
import type { ListedTask, TaskListQuery, TaskSort } from '../../contract/task.ts';
import type { Database, Snapshot } from '../database/database.ts';
import type { JsonRows } from '../database/rows.ts';
import { validationError } from '../errors.ts';
import type { Cursors } from '../http/cursor.ts';
import { totalCounts, userRow } from '../sync/user-row.ts';
import { codePointLength } from '../text/clean-text.ts';
import { isDate, priorityOf } from './input.ts';
import {
  countQuery,
  type Filter,
  type Listing,
  listQuery,
  type Order,
  type Place,
  placeAfter,
} from './listing-sql.ts';

function assertDates(query: TaskListQuery): void {
  const wrong = (['due_before', 'due_after'] as const).filter(
    (name) => query[name] !== undefined && !isDate(query[name]),
  );
  if (wrong.length > 0)
    throw validationError(wrong.map((path) => ({ path, message: 'must be a date such as 2026-01-31' })));
}

/** Each word once, and none that is part of another: to look for it again would find nothing less. */
function wordsOf(q: string): string[] {
  const text = q.normalize('NFC');
  if (codePointLength(text) > SEARCH_LENGTH)
    throw validationError([{ path: 'q', message: `must be at most ${SEARCH_LENGTH} characters` }]);
  const given = new Set(text.split(/\s+/u).filter((word) => word !== ''));
  return [...given].filter((word) => ![...given].some((other) => other !== word && other.includes(word)));
}

function filterOf(query: TaskListQuery): Filter {
  return {
    trashed: query.trashed ?? false,
    status: query.status,
    priority: query.priority === undefined ? undefined : priorityOf(query.priority),
    category: query.category === '' ? null : query.category?.normalize('NFC'),
    dueBefore: query.due_before,
    dueAfter: query.due_after,
    words: query.q === undefined ? [] : wordsOf(query.q),
  };
}

/** Everything that a cursor is bound to. The size of a page and the total may change on the way. */
function scopeOf(listing: Omit<Listing, 'after' | 'skip' | 'limit'>): string {
  const { userId, filter, sort, order } = listing;
  // JSON leaves out what was not asked, and keeps the null that asks for tasks without a category.
  return JSON.stringify([userId, sort, order, filter]);
}

function placeOf(cursors: Cursors, scope: string, query: TaskListQuery): Place | undefined {
  if (query.cursor === undefined) return undefined;
  const place = cursors.open(scope, query.cursor);
  if (!place)
    throw validationError([{ path: 'cursor', message: 'must be a next_cursor of this very listing' }]);
  if (query.skip) throw validationError([{ path: 'skip', message: 'cannot be used together with cursor' }]);
  return place;
}

async function totalOf(transaction: Snapshot, userId: string, filter: Filter): Promise<number> {
  const { trashed, words, status, ...others } = filter;
  const counted =
    !trashed && words.length === 0 && Object.values(others).every((value) => value === undefined);
  if (!counted) {
    const { statement, values } = countQuery(userId, filter);
    return (await transaction.query(statement, values))[0]?.total ?? 0;
  }
  const [row] = await transaction.query(userRow, [userId]);
  const { total, completed } = row ? totalCounts(row) : { total: 0, completed: 0 };
  return status === undefined ? total : status ? completed : total - completed;
}

async function rowsAndTotal(
  database: Database,
  listing: Listing,
  includeTotal: boolean,
): Promise<{ rows: JsonRows; total?: number }> {
  const { statement, values } = listQuery(listing);
  if (!includeTotal) return { rows: await database.readJson(statement, values) };
  return database.snapshot(async (transaction) => {
    const [rows, total] = await Promise.all([
      transaction.queryJson(statement, values),
      totalOf(transaction, listing.userId, listing.filter),
    ]);
    return { rows, total };
  });
}

/**
 * A `TaskPage`, as JSON.
 * @throws AppError `validation_error` for a date that is none, a search too long or a cursor not of this listing.
 */
export async function listTasks(
  database: Database,
  cursors: Cursors,
  userId: string,
  query: TaskListQuery,
): Promise<Buffer> {
  assertDates(query);
  const { limit = PAGE_LIMIT, skip = 0 } = query;
  const order = (query.order ?? 'desc') as Order;
  const asked = { userId, filter: filterOf(query), sort: (query.sort ?? 'created_at') as TaskSort, order };
  const scope = scopeOf(asked);
  // One row more than the page tells whether there is another page.
  const listing = { ...asked, after: placeOf(cursors, scope, query), skip, limit: limit + 1 };
  const { rows, total } = await rowsAndTotal(database, listing, query.include_total ?? false);
  const last = rows.count > limit ? rows.object<ListedTask>(limit - 1) : undefined;
  const next = last ? cursors.seal(scope, placeAfter(last, asked)) : null;
  const counted = total === undefined ? '' : `,"total":${total}`;
  return rows.finish('{"tasks":[', limit, `],"next_cursor":${JSON.stringify(next)}${counted}}`);
}
