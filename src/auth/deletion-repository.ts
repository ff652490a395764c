// The SQL of the end of an account. What else is the user's goes with the user: by cascade, and by a trigger of the schema.
import { write } from '../database/statement.ts';

/**
 * $1 user id. Locks the row that every write of the user's locks first: so none of them and this wait for each other in a circle.
 */
export const lockUserRow = write<{ user_id: string }>(
  'deletion_lock_user_row',
  'select user_id from user_sync where user_id = $1 for update',
);

/** $1 user id */
export const deleteUser = write('deletion_user', 'delete from "user" where id = $1');
