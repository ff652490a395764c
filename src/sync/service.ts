// Catching up: bootstrap and delta are the same loop over changes, each page one moment's truth.
import { createHash } from 'node:crypto';
import { SYNC_DEFAULT_LIMIT } from '../../contract/limits.ts';
import type { SyncPage, SyncQuery } from '../../contract/sync.ts';
import { unauthenticated } from '../auth/guard.ts';
import type { Database } from '../database/database.ts';
import { AppError } from '../errors.ts';
import { isNotModified } from '../http/conditional.ts';
import type { Cursors } from '../http/cursor.ts';
import { type ChangedTask, changesAfter } from './changes.ts';
import { statsOf, type UserRow, userRow } from './user-row.ts';

/** How far a client has come. */
interface Position {
  epoch: number;
  rev: number;
  /** The user's revision when the client started from nothing; 0 once it has everything. */
  head: number;
}

export interface SyncAnswer {
  etag: string;
  /** Undefined when the client has this very state already. */
  page: SyncPage | undefined;
}

function reset(reason: string): AppError {
  return new AppError('sync_reset', `${reason} Start again without a cursor.`);
}

function openCursor(cursors: Cursors, userId: string, cursor: string | undefined): Position | undefined {
  if (cursor === undefined || cursor === '') return undefined;
  const place = cursors.open(userId, cursor);
  if (!place) throw reset('This is not a sync cursor of yours.');
  const [epoch = 0, rev = 0, head = 0] = place.map(Number);
  return { epoch, rev, head };
}

/** Where to read from. @throws AppError `sync_reset` (410) when that can no longer be served. */
function start(row: UserRow, position: Position | undefined): Position {
  if (!position) return { epoch: row.epoch, rev: 0, head: row.rev };
  if (position.epoch !== row.epoch) throw reset('The data were restored from a backup.');
  if (Math.max(position.rev, position.head) > row.rev) throw reset('The cursor is from the future.');
  if (Math.max(position.rev, position.head) < row.floor_rev) throw reset('The cursor is too old.');
  return position;
}

/** Names a state. Differs between users, so that a client that changes accounts never takes one for the other. */
function nameOfState(userId: string, row: UserRow): string {
  const owner = createHash('sha256').update(userId).digest('base64url').slice(0, 12);
  return `${owner}.${row.epoch}.${row.rev}`;
}

/** Whether the client has had a page of this very state before. */
function hasSeen(ifNoneMatch: string, state: string): boolean {
  return ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '').startsWith(`"${state}.`));
}

function publicTask({
  deleted_at: _deleted,
  created_rev: _created,
  restored_rev: _restored,
  ...task
}: ChangedTask) {
  return task;
}

function pageOf(changes: ChangedTask[], row: UserRow, cursor: string, has_more: boolean): SyncPage {
  const tasks = changes.filter((change) => change.deleted_at === null).map(publicTask);
  const deleted = changes.flatMap(({ id, rev, deleted_at }) =>
    deleted_at === null ? [] : [{ id, rev, deleted_at }],
  );
  return { tasks, deleted, cursor, has_more, rev: row.rev, stats: statsOf(row) };
}

/**
 * @param ifNoneMatch the header of that name.
 * @throws AppError `sync_reset` (410) for any cursor that cannot be served.
 */
export async function readSync(
  database: Database,
  cursors: Cursors,
  userId: string,
  query: SyncQuery,
  ifNoneMatch: string | undefined,
): Promise<SyncAnswer> {
  const asked = openCursor(cursors, userId, query.cursor);
  const limit = query.limit ?? SYNC_DEFAULT_LIMIT;
  // One more than the page tells whether there is another. Who starts from nothing needs no tombstone, whatever the head.
  const [[row], changes] = await database.readTogether(
    { statement: userRow, values: [userId] },
    {
      statement: changesAfter,
      values: [userId, asked?.rev ?? 0, asked?.head ?? Number.MAX_SAFE_INTEGER, limit + 1],
    },
  );
  if (!row) throw unauthenticated();
  const { epoch, rev, head } = start(row, asked);
  const state = nameOfState(userId, row);
  const page = changes.slice(0, limit);
  const hasMore = changes.length > limit;
  const reached = hasMore ? (page.at(-1)?.rev ?? rev) : row.rev;
  // A page's tag names its part of the state: only to whoever has come to the end is any tag of this state as good.
  const etag = `"${state}.${rev}-${reached}"`;
  const isAtEnd = rev === row.rev && ifNoneMatch !== undefined && hasSeen(ifNoneMatch, state);
  if (isAtEnd || isNotModified(ifNoneMatch, etag)) return { etag, page: undefined };
  const cursor = cursors.seal(userId, [epoch, reached, hasMore ? head : 0]);
  return { etag, page: pageOf(page, row, cursor, hasMore) };
}
