// The SQL that ends what has had its time. Each statement may run on several nodes at once.
import { IDEMPOTENCY_HOURS, TOMBSTONE_DAYS, TRASH_DAYS } from '../../contract/limits.ts';
import { read, write } from '../database/statement.ts';

const SIGN_IN_ADDRESS_DAYS = 365;

export const deleteExpiredSessions = write(
  'retention_sessions',
  'delete from session where expires_at <= now()',
);

export const deleteExpiredVerifications = write(
  'retention_verifications',
  'delete from verification where expires_at <= now()',
);

export const deleteOldAnswers = write(
  'retention_answers',
  `delete from idempotency_key where created_at <= now() - interval '${IDEMPOTENCY_HOURS} hours'`,
);

export const deleteOldAddresses = write(
  'retention_addresses',
  `delete from sign_in_address where last_used_at <= now() - interval '${SIGN_IN_ADDRESS_DAYS} days'`,
);

/** An hour later than a restore is possible, so that the two never meet. */
export const blankTrash = write(
  'retention_trash',
  `update task set title = '', description = null, category = null, due_date = null, purged_at = now()
   where deleted_at <= now() - interval '${TRASH_DAYS} days 1 hour' and purged_at is null`,
);

/** $1 how many users */
export const usersWithOldTombstones = read<{ user_id: string }>(
  'retention_tombstone_users',
  `select distinct user_id from task where deleted_at <= now() - interval '${TOMBSTONE_DAYS} days' and purged_at is not null limit $1`,
);

/** $1 user id */
export const deleteOldTombstones = write<{ rev: number }>(
  'retention_tombstones',
  `delete from task where user_id = $1 and deleted_at <= now() - interval '${TOMBSTONE_DAYS} days' and purged_at is not null returning rev`,
);

/** $1 user id, $2 the highest revision whose tombstone is gone: cursors before it can no longer be served. */
export const raiseFloor = write(
  'retention_floor',
  'update user_sync set floor_rev = greatest(floor_rev, $2) where user_id = $1',
);
