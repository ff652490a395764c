// The SQL that ends what has had its time. Each statement may run on several nodes at once.
import {
  EXPIRED_TOKEN_DAYS,
  IDEMPOTENCY_HOURS,
  SECURITY_EVENT_DAYS,
  TOMBSTONE_DAYS,
  TRASH_DAYS,
} from '../../contract/limits.ts';
import { read, write } from '../database/statement.ts';

const SIGN_IN_ADDRESS_DAYS = 365;
const ENDED_MAIL_DAYS = 30;

/** Statements that end at most $1 rows and say how many: a backlog of any size is worked off within every time-out. */
function batch(name: string, change: string) {
  return write<{ ended: number }>(
    name,
    `with ended as (${change} returning 1) select count(*)::integer as ended from ended`,
  );
}

/** Rows that another node or a request is just using are left to it, so that nobody waits and nothing deadlocks. */
const PICK = 'limit $1 for update skip locked';

export const deleteExpiredSessions = batch(
  'retention_sessions',
  `delete from session where id in (select id from session where expires_at <= now() ${PICK})`,
);

export const deleteExpiredVerifications = batch(
  'retention_verifications',
  `delete from verification where id in (select id from verification where expires_at <= now() ${PICK})`,
);

export const deleteExpiredTokens = batch(
  'retention_api_tokens',
  `delete from api_token where (user_id, id) in (
     select user_id, id from api_token
     where expires_at <= now() - interval '${EXPIRED_TOKEN_DAYS} days' ${PICK})`,
);

export const deleteOldAnswers = batch(
  'retention_answers',
  `delete from idempotency_key where (user_id, key) in (
     select user_id, key from idempotency_key where created_at <= now() - interval '${IDEMPOTENCY_HOURS} hours' ${PICK})`,
);

export const deleteOldAddresses = batch(
  'retention_addresses',
  `delete from sign_in_address where (user_id, address) in (
     select user_id, address from sign_in_address
     where last_used_at <= now() - interval '${SIGN_IN_ADDRESS_DAYS} days' ${PICK})`,
);

export const deleteExpiredLinks = batch(
  'retention_links',
  `delete from mailed_link where (user_id, purpose) in (
     select user_id, purpose from mailed_link where expires_at <= now() ${PICK})`,
);

/** What is left of a mail that was sent or given up: when, and of which kind. */
export const deleteEndedMails = batch(
  'retention_mails',
  `delete from mail where id in (
     select id from mail where sealed is null and created_at <= now() - interval '${ENDED_MAIL_DAYS} days' ${PICK})`,
);

export const deleteOldEvents = batch(
  'retention_events',
  `delete from security_event where (user_id, id) in (
     select user_id, id from security_event
     where created_at <= now() - interval '${SECURITY_EVENT_DAYS} days' ${PICK})`,
);

/** An hour later than a restore is possible, so that the two never meet. */
export const blankTrash = batch(
  'retention_trash',
  `update task set title = '', description = null, category = null, due_date = null, import_key = null, purged_at = now()
   where (user_id, id) in (
     select user_id, id from task
     where deleted_at <= now() - interval '${TRASH_DAYS} days 1 hour' and purged_at is null ${PICK})`,
);

/** A tombstone's time runs from its revision: a client that has not synced since then still needs it. */
const OLD_TOMBSTONE = `purged_at is not null and updated_at <= now() - interval '${TOMBSTONE_DAYS} days'`;

/** $1 how many users */
export const usersWithOldTombstones = read<{ user_id: string }>(
  'retention_tombstone_users',
  `select distinct user_id from task where ${OLD_TOMBSTONE} limit $1`,
);

/** $1 user id */
export const deleteOldTombstones = write<{ rev: number }>(
  'retention_tombstones',
  `delete from task where user_id = $1 and ${OLD_TOMBSTONE} returning rev`,
);

/** $1 user id, $2 the highest revision whose tombstone is gone: cursors before it can no longer be served. */
export const raiseFloor = write(
  'retention_floor',
  'update user_sync set floor_rev = greatest(floor_rev, $2) where user_id = $1',
);
