// The SQL of accounts and sessions that is ours; Better Auth writes its own.
import type { Session, User } from '../../contract/auth.ts';
import { read, write } from '../database/statement.ts';

/** A valid session. `token` never leaves the server in a body. */
export interface SessionRow {
  id: string;
  token: string;
  created_at: string;
  expires_at: string;
  user_id: string;
}

/** Read for every request, so without the profile, which few need. The user is joined for `disabled_at` alone. */
const SESSION = `
  select s.id, s.token, s.created_at, s.expires_at, s.user_id
  from session s join "user" u on u.id = s.user_id`;

/**
 * Not by the index of ends, which the planner would rather read from now to its end, past some hundred sessions, than look up
 * the few that are asked for: it takes each list for ten.
 */
const LIVE = '(s.expires_at > now()) is true and u.disabled_at is null';

/** $1 tokens */
export const sessionsByToken = read<SessionRow>(
  'sessions_by_token',
  `${SESSION} where s.token = any($1) and ${LIVE}`,
);

/** $1 session ids */
export const sessionsById = read<SessionRow>('sessions_by_id', `${SESSION} where s.id = any($1) and ${LIVE}`);

/** $1 user id */
export const userById = read<User>(
  'user_by_id',
  'select id, name, email, email_verified, image, created_at, updated_at from "user" where id = $1',
);

/** $1 session id. No row when it had ended already. */
export const deleteSession = write<{ id: string }>(
  'session_delete',
  'delete from session where id = $1 and expires_at > now() returning id',
);

/** $1 user id, $2 the session that stays; an empty one for none. */
export const deleteSessionsBut = write<{ ended: number }>(
  'session_delete_all_but',
  `with ended as (delete from session where user_id = $1 and id <> $2 returning expires_at)
   select (count(*) filter (where expires_at > now()))::integer as ended from ended`,
);

/** $1 user id, $2 session ids, or null for all of the user's. In the order of ids, so that nobody waits in a circle. */
export const lockSessions = write<{ id: string }>(
  'session_lock',
  `select id from session where user_id = $1 and id = any(coalesce($2::text[], array[id])) and expires_at > now()
   order by id for update`,
);

/** $1 user id, $2 token */
export const sessionIdOf = read<{ id: string }>(
  'session_id_by_token',
  'select id from session where user_id = $1 and token = $2 and expires_at > now()',
);

const PASSWORD_ROW = `user_id = $1 and provider_id = 'credential' and account_id = $1 and password_hash is not null`;

/** $1 user id. No row for an account without a password. */
export const passwordOf = read<{ hash: string }>(
  'password',
  `select password_hash as hash from account where ${PASSWORD_ROW}`,
);

/** $1 user id, $2 the hash as it must still be, $3 the new one */
export const replacePassword = write<{ id: string }>(
  'password_replace',
  `update account set password_hash = $3, updated_at = clock_timestamp() where ${PASSWORD_ROW} and password_hash = $2 returning id`,
);

/** $1 user id, $2 hash. A change of the password that is under way is waited for: no row when it was made. */
export const lockPassword = write<{ id: string }>(
  'password_lock',
  `select id from account where ${PASSWORD_ROW} and password_hash = $2 for share`,
);

/** $1 session id, $2 lifetime in seconds. Always later than before, even twice in one millisecond. */
export const extendSession = write<{ expires_at: string }>(
  'session_extend',
  `update session
   set expires_at = greatest(now() + make_interval(secs => $2::integer), expires_at + interval '1 millisecond'), updated_at = now()
   where id = $1 and expires_at > now()
   returning expires_at`,
);

/** $1 session ids, $2 times. Sessions that somebody is just ending or extending are left out, so that nobody waits. */
export const writeSessionUses = write(
  'session_uses',
  `update session s set last_used_at = greatest(s.last_used_at, used.at)
   from (select id from session where id = any($1::text[]) for no key update skip locked) as free
   join unnest($1::text[], $2::timestamptz[]) as used (id, at) using (id)
   where s.id = free.id`,
);

/** $1 e-mail in lower case, $2 address */
export const hasSignedInFrom = read<{ known: boolean }>(
  'sign_in_address_known',
  `select exists (select from sign_in_address a join "user" u on u.id = a.user_id where u.email = $1 and a.address = $2) as known`,
);

/** $1 user id, $2 address */
export const isAddressOf = read<{ known: boolean }>(
  'sign_in_address_of',
  'select exists (select from sign_in_address where user_id = $1 and address = $2) as known',
);

/** $1 user id, $2 address */
export const rememberAddress = write(
  'sign_in_address_remember',
  `insert into sign_in_address (user_id, address) values ($1, $2)
   on conflict (user_id, address) do update set last_used_at = now()`,
);

export function sessionOf(row: SessionRow): Session {
  return { id: row.id, created_at: row.created_at, expires_at: row.expires_at };
}
