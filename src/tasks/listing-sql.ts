// The SQL of listings, put together from fixed clauses: no text of a client ever becomes part of it.
import { TRASH_DAYS } from '../../contract/limits.ts';
import type { ListedTask, Priority, TaskSort } from '../../contract/task.ts';
import { TASK_SORTS } from '../../contract/task.ts';
import { type ReadStatement, read } from '../database/statement.ts';
import { TASK_COLUMNS } from '../sync/task-columns.ts';

export type Order = 'asc' | 'desc';

export interface Filter {
  trashed: boolean;
  status?: boolean | undefined;
  priority?: Priority | undefined;
  /** Null for tasks without a category. */
  category?: string | null | undefined;
  dueBefore?: string | undefined;
  dueAfter?: string | undefined;
  /** Each must occur in title or description. */
  words: readonly string[];
}

/** What a page is ordered by, as text: the place after its last row. */
export type Place = readonly (string | number)[];

type Value = string | number | boolean | readonly string[];

interface SortKey {
  sql: string;
  /** The type that reads the key back from a cursor. */
  type: string;
  /** The key of a task, as its type reads it. */
  of: (task: ListedTask) => string | number;
}

const CREATED: SortKey = { sql: 'created_at', type: 'timestamptz', of: (task) => task.created_at };

function infinity(order: Order): string {
  return order === 'asc' ? 'infinity' : '-infinity';
}

function noDate(order: Order): string {
  return `'${infinity(order)}'::date`;
}

/** The due date such that tasks without one come last in either direction. Each form has its index and its statistics. */
function dueBy(order: Order): string {
  return `coalesce(due_date, ${noDate(order)})`;
}

/** The keys of each order; the id follows as the last. Each has its index, see the migrations. */
function sortKeys(sort: TaskSort, order: Order): SortKey[] {
  switch (sort) {
    case 'created_at':
      return [CREATED];
    case 'updated_at':
      // Under the user's lock times never run backwards, so revisions are in the order of changes, and unique.
      return [{ sql: 'rev', type: 'bigint', of: (task) => task.rev }];
    case 'due_date':
      return [{ sql: dueBy(order), type: 'date', of: (task) => task.due_date ?? infinity(order) }];
    case 'priority':
      return [{ sql: 'priority', type: 'smallint', of: (task) => task.priority }, CREATED];
    case 'title':
      return [{ sql: 'title collate "und-x-icu"', type: 'text', of: (task) => task.title }];
  }
}

/** The place after a task: where the next page goes on. */
export function placeAfter(task: ListedTask, { sort, order }: Pick<Listing, 'sort' | 'order'>): Place {
  return [...sortKeys(sort, order).map((key) => key.of(task)), task.id];
}

/**
 * Text without its case: by way of lower case, since only that knows `İ` and `ẞ`, to upper case, where `ß` is `SS`. One
 * sigma stays small: the capital has two small forms, and the trigram index makes small letters of what it is given.
 */
function folded(text: string): string {
  return `replace(upper(lower(${text} collate "und-x-icu")), 'Σ', 'σ')`;
}

/** What search looks at: must be written exactly as in the index on it. */
const SEARCHED = folded(`(title || E'\\n' || coalesce(description, ''))`);

class Clauses {
  readonly conditions: string[] = [];
  readonly values: Value[];

  constructor(userId: string) {
    this.values = [userId];
  }

  parameter(value: Value, type: string): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }
}

function escapeLike(word: string): string {
  return word.replace(/[\\%_]/g, '\\$&');
}

/** The index is asked for so many words, the longest: each costs a folding of every text that is then looked at. */
const INDEXED_WORDS = 4;

/** The words beyond are looked for in what those leave, with one folding for all of them. */
function wordClauses(clauses: Clauses, words: readonly string[]): void {
  const patterns = words.toSorted((one, other) => other.length - one.length).map(escapeLike);
  const where = (condition: string) => clauses.conditions.push(`${SEARCHED} like ${condition}`);
  for (const pattern of patterns.slice(0, INDEXED_WORDS))
    where(`'%' || ${folded(clauses.parameter(pattern, 'text'))} || '%'`);
  const others = patterns.slice(INDEXED_WORDS);
  if (others.length === 0) return;
  const given = `unnest(${clauses.parameter(others, 'text[]')}) word`;
  where(`all (array(select '%' || ${folded('word')} || '%' from ${given}))`);
}

/** One range of the index by which the listing is ordered, with both ends, since tasks without a date are beyond one. */
function dueClauses(clauses: Clauses, { dueBefore, dueAfter }: Filter, order: Order): void {
  if (dueBefore === undefined && dueAfter === undefined) return;
  const end = (day: string | undefined) =>
    day === undefined ? noDate(order) : clauses.parameter(day, 'date');
  if (dueBefore !== undefined || order === 'asc')
    clauses.conditions.push(`${dueBy(order)} < ${end(dueBefore)}`);
  if (dueAfter !== undefined || order === 'desc')
    clauses.conditions.push(`${dueBy(order)} > ${end(dueAfter)}`);
}

/** @param due the direction of a listing by due date; otherwise either will do. */
function filterClauses(userId: string, filter: Filter, due: Order = 'asc'): Clauses {
  const clauses = new Clauses(userId);
  const where = (condition: string) => clauses.conditions.push(condition);
  where('user_id = $1');
  // Without "is not null", which this implies: the planner would take the two for independent and expect next to nothing.
  if (filter.trashed) where(`purged_at is null and deleted_at > now() - interval '${TRASH_DAYS} days'`);
  else where('deleted_at is null');
  if (filter.status !== undefined) where(`status = ${clauses.parameter(filter.status, 'boolean')}`);
  if (filter.priority !== undefined) where(`priority = ${clauses.parameter(filter.priority, 'smallint')}`);
  if (filter.category === null) where('category is null');
  else if (filter.category !== undefined) where(`category = ${clauses.parameter(filter.category, 'text')}`);
  dueClauses(clauses, filter, due);
  wordClauses(clauses, filter.words);
  return clauses;
}

export interface Listing {
  userId: string;
  filter: Filter;
  sort: TaskSort;
  order: Order;
  after: Place | undefined;
  skip: number;
  limit: number;
}

export interface Query<Row> {
  statement: ReadStatement<Row>;
  values: Value[];
}

function isPlain({ trashed, status, priority, category, dueBefore, dueAfter, words }: Filter): boolean {
  return (
    !trashed &&
    words.length === 0 &&
    [status, priority, category, dueBefore, dueAfter].every((value) => value === undefined)
  );
}

function listText(listing: Listing): { text: string; values: Value[] } {
  const keys = sortKeys(listing.sort, listing.order);
  const { userId, filter, sort, order: direction } = listing;
  const clauses = filterClauses(userId, filter, sort === 'due_date' ? direction : 'asc');
  const row = [...keys.map((key) => key.sql), 'id'].join(', ');
  if (listing.after) {
    const types = [...keys.map((key) => key.type), 'bigint'];
    const place = listing.after.map((value, index) => clauses.parameter(value, types[index] ?? 'bigint'));
    const collated = place.map((parameter, index) =>
      listing.sort === 'title' && index === 0 ? `${parameter} collate "und-x-icu"` : parameter,
    );
    clauses.conditions.push(`(${row}) ${listing.order === 'asc' ? '>' : '<'} (${collated.join(', ')})`);
  }
  const order = [...keys.map((key) => key.sql), 'id'].map((key) => `${key} ${listing.order}`).join(', ');
  const limit = clauses.parameter(listing.limit, 'integer');
  const offset = clauses.parameter(listing.skip, 'integer');
  const text = `select ${TASK_COLUMNS}${filter.trashed ? ', deleted_at' : ''} from task where ${clauses.conditions.join(' and ')}
    order by ${order} limit ${limit} offset ${offset}`;
  return { text, values: clauses.values };
}

/** The unfiltered listings are prepared; with filters the planner does better when it sees the values. */
const prepared = new Map<string, ReadStatement<ListedTask>>();
for (const sort of TASK_SORTS) {
  for (const order of ['asc', 'desc'] as const) {
    for (const after of [undefined, sort === 'priority' ? ['', '', 1] : ['', 1]]) {
      const name = `task_list_${sort}_${order}_${after ? 'next' : 'first'}`;
      const { text } = listText({
        userId: '',
        filter: { trashed: false, words: [] },
        sort,
        order,
        after,
        skip: 0,
        limit: 1,
      });
      prepared.set(name, read<ListedTask>(name, text));
    }
  }
}

export function listQuery(listing: Listing): Query<ListedTask> {
  const { userId, filter, sort, order, after, skip, limit } = listing;
  const known = isPlain(filter)
    ? prepared.get(`task_list_${sort}_${order}_${after ? 'next' : 'first'}`)
    : undefined;
  // In the order in which `listText` takes them.
  if (known) return { statement: known, values: [userId, ...(after ?? []), limit, skip] };
  const { text, values } = listText(listing);
  return { statement: { kind: 'read', name: '', text }, values };
}

/** How many tasks the filter matches, exactly. */
export function countQuery(userId: string, filter: Filter): Query<{ total: number }> {
  const { conditions, values } = filterClauses(userId, filter);
  const text = `select count(*)::integer as total from task where ${conditions.join(' and ')}`;
  return { statement: { kind: 'read', name: '', text }, values };
}
