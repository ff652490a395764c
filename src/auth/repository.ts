// The SQL of accounts and sessions that is ours; Better Auth writes its own.
import type { Session, User } from '../../contract/auth.ts';
import { read, write } from '../database/statement.ts';

/** A valid session with its user. `token` never leaves the server in a body. */
export interface SessionRow {
  id: string;
  token: string;
  created_at: string;
  expires_at: string;
  user_id: string;
  name: string;
  email: string;
  email_verified: boolean;
  image: string | null;
  user_created_at: string;
  user_updated_at: string;
}

const SESSION_WITH_USER = `
  select s.id, s.token, s.created_at, s.expires_at, s.user_id, u.name, u.email, u.email_verified, u.image,
         u.created_at as user_created_at, u.updated_at as user_updated_at
  from session s join "user" u on u.id = s.user_id`;

/** $1 tokens */
export const sessionsByToken = read<SessionRow>(
  'sessions_by_token',
  `${SESSION_WITH_USER} where s.token = any($1) and s.expires_at > now() and u.disabled_at is null`,
);

/** $1 session ids */
export const sessionsById = read<SessionRow>(
  'sessions_by_id',
  `${SESSION_WITH_USER} where s.id = any($1) and s.expires_at > now() and u.disabled_at is null`,
);

/** $1 session id */
export const deleteSession = write('session_delete', 'delete from session where id = $1');

/** $1 session id, $2 lifetime in seconds. Always later than before, even twice in one millisecond. */
export const extendSession = write<{ expires_at: string }>(
  'session_extend',
  `update session
   set expires_at = greatest(now() + make_interval(secs => $2::integer), expires_at + interval '1 millisecond'), updated_at = now()
   where id = $1 and expires_at > now()
   returning expires_at`,
);

/** $1 e-mail in lower case, $2 address */
export const hasSignedInFrom = read<{ known: boolean }>(
  'sign_in_address_known',
  `select exists (select from sign_in_address a join "user" u on u.id = a.user_id where u.email = $1 and a.address = $2) as known`,
);

/** $1 user id. No row for somebody who has no password. */
export const passwordHashOf = read<{ password_hash: string }>(
  'password_hash',
  `select password_hash from account
   where user_id = $1 and provider_id = 'credential' and password_hash is not null`,
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

export function userOf(row: SessionRow): User {
  const {
    user_id: id,
    name,
    email,
    email_verified,
    image,
    user_created_at: created_at,
    user_updated_at: updated_at,
  } = row;
  return { id, name, email, email_verified, image, created_at, updated_at };
}

export function sessionOf(row: SessionRow): Session {
  return { id: row.id, created_at: row.created_at, expires_at: row.expires_at };
}
