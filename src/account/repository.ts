// The SQL of the account: profile, sessions and security events, as their owner sees and changes them.
import type { Account } from '../../contract/account.ts';
import { SESSIONS_LISTED } from '../../contract/limits.ts';
import type { SecurityEventDetails, SecurityEventKind } from '../../contract/security-events.ts';
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

export interface ListedSession {
  id: string;
  user_agent: string | null;
  ip_address: string | null;
  created_at: string;
  last_used_at: string;
  expires_at: string;
}

/** $1 user id, $2 the session that asks: it is used at this moment. */
export const listSessions = read<ListedSession>(
  'account_sessions',
  `select id, nullif(user_agent, '') as user_agent, nullif(ip_address, '') as ip_address, created_at, expires_at,
          case when id = $2 then date_trunc('milliseconds', now()) else coalesce(last_used_at, created_at) end as last_used_at
   from session where user_id = $1 and expires_at > now() order by last_used_at desc, id limit ${SESSIONS_LISTED}`,
);

export interface EventRow {
  id: number;
  kind: SecurityEventKind;
  created_at: string;
  address: string | null;
  user_agent: string | null;
  session_id: string | null;
  details: SecurityEventDetails;
}

/** $1 user id, $2 the event before which to start, $3 how many */
export const eventsBefore = read<EventRow>(
  'account_events',
  `select id, kind, created_at, address, user_agent, session_id, details
   from security_event where user_id = $1 and id < $2 order by id desc limit $3`,
);
