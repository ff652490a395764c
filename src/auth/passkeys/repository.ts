// The SQL of passkeys that is ours; Better Auth writes its own.
import { read } from '../../database/statement.ts';

/** $1 user id */
export const countPasskeys = read<{ count: number }>(
  'passkey_count',
  'select count(*)::integer as count from passkey where user_id = $1',
);

/** $1 id, $2 user id */
export const hasPasskey = read<{ there: boolean }>(
  'passkey_exists',
  'select exists (select from passkey where id = $1 and user_id = $2) as there',
);
