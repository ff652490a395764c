// The SQL of the account: its profile, as its owner sees and changes it.
import type { Account } from '../../contract/account.ts';
import { read, write } from '../database/statement.ts';

const COLUMNS =
  'id, name, email, email_verified, image, time_zone, two_factor_enabled, created_at, updated_at';

/** $1 user id */
export const accountById = read<Account>('account', `select ${COLUMNS} from "user" where id = $1`);

/** $1 user id */
export const lockAccount = write<Account>(
  'account_lock',
  `select ${COLUMNS} from "user" where id = $1 for no key update`,
);

/** $1 time zone. Fails for one that PostgreSQL does not have, which would then fail wherever days are counted. */
export const probeTimeZone = read<{ there: string }>(
  'account_probe_time_zone',
  'select (now() at time zone $1::text)::text as there',
);

/** $1 user id, $2 name, $3 image, $4 time zone. `updated_at` moves even twice in one millisecond. */
export const updateProfile = write<Account>(
  'account_update_profile',
  `update "user" set name = $2, image = $3, time_zone = $4,
     updated_at = greatest(date_trunc('milliseconds', clock_timestamp()), updated_at + interval '1 millisecond')
   where id = $1 returning ${COLUMNS}`,
);
