// The SQL of realtime: hints to other nodes, and what the sweeper compares.
import { read, write } from '../database/statement.ts';

/** The channels of NOTIFY. The first carries `[[user id, revision], …]`, the second the id of an ended session or API token. */
export const CHANGES_CHANNEL = 'donewell_changes';
export const SESSION_ENDS_CHANNEL = 'donewell_session_ends';

/** $1 hints as JSON. In a transaction of its own: it writes no log and so holds PostgreSQL's notify lock for no time. */
export const notifyChanges = write('realtime_notify', `select pg_notify('${CHANGES_CHANNEL}', $1)`);

/** $1 user ids */
export const revisionsOf = read<{ user_id: string; epoch: number; rev: number }>(
  'realtime_revisions',
  'select user_id, epoch, rev from user_sync where user_id = any($1::text[])',
);

/** $1 ids of sessions and API tokens */
export const liveSessions = read<{ id: string; expires_at: string }>(
  'realtime_live_sessions',
  `select id, expires_at from session where id = any($1::text[]) and (expires_at > now()) is true
   union all
   select t.id, t.expires_at from api_token t join "user" u on u.id = t.user_id
   where t.id = any($1::text[]) and (t.expires_at > now()) is true and u.disabled_at is null`,
);
