// The account's security events, newest first, in pages that stay whole while new events come.
import type { SecurityEventPage, SecurityEventQuery } from '../../contract/account.ts';
import { PAGE_LIMIT } from '../../contract/limits.ts';
import type { Database } from '../database/database.ts';
import { validationError } from '../errors.ts';
import { deviceOf } from '../http/client.ts';
import type { Cursors } from '../http/cursor.ts';
import { type EventRow, eventsBefore } from './repository.ts';

const NEWEST = '9223372036854775807';

function listed({
  address: ip_address,
  user_agent,
  ...event
}: EventRow): SecurityEventPage['events'][number] {
  const device = ip_address === null && user_agent === null ? null : deviceOf(user_agent);
  return { ...event, ip_address, user_agent, device };
}

function placeOf(cursors: Cursors, userId: string, cursor: string | undefined): string {
  if (cursor === undefined) return NEWEST;
  const [id] = cursors.open(userId, cursor) ?? [];
  if (id === undefined)
    throw validationError([{ path: 'cursor', message: 'must be a next_cursor of this very listing' }]);
  return String(id);
}

export async function readEvents(
  database: Database,
  cursors: Cursors,
  userId: string,
  { limit = PAGE_LIMIT, cursor }: SecurityEventQuery,
): Promise<SecurityEventPage> {
  // One more than the page tells whether there is another page.
  const rows = await database.read(eventsBefore, [userId, placeOf(cursors, userId, cursor), limit + 1]);
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return { events: page.map(listed), next_cursor: last ? cursors.seal(userId, [last.id]) : null };
}
