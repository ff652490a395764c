// The SQL of links in e-mails. Whoever needs several locks takes them in this order: user, password, link, sessions.
import { read, write } from '../../database/statement.ts';

export type Purpose = 'reset_password' | 'verify_email' | 'approve_email_change' | 'change_email';

export interface Owner {
  id: string;
  email: string;
  email_verified: boolean;
}

const OWNER = 'select id, email, email_verified from "user"';

/** $1 e-mail in lower case. What changes the password or the e-mail is waited for. */
export const ownerByEmail = write<Owner>(
  'link_owner_by_email',
  `${OWNER} where email = $1 and disabled_at is null for key share`,
);

/** $1 user id, as `ownerByEmail` */
export const ownerById = write<Owner>(
  'link_owner_by_id',
  `${OWNER} where id = $1 and disabled_at is null for key share`,
);

/** $1 user id. New sessions of the user wait until the transaction ends. */
export const lockOwner = write<Owner>(
  'link_owner_lock',
  `${OWNER} where id = $1 and disabled_at is null for update`,
);

/** $1 user id, $2 purpose, $3 SHA-256 of the token, $4 e-mail, $5 time of the request or null for now, $6 seconds that it lives. No row when there is a newer one. */
export const putLink = write<{ user_id: string }>(
  'link_put',
  `insert into mailed_link (user_id, purpose, token_hash, email, requested_at, expires_at)
   values ($1, $2, $3, $4, coalesce($5::timestamptz, now()), now() + make_interval(secs => $6::integer))
   on conflict (user_id, purpose) do update
   set token_hash = excluded.token_hash, email = excluded.email,
       requested_at = excluded.requested_at, expires_at = excluded.expires_at
   where mailed_link.requested_at <= excluded.requested_at
   returning user_id`,
);

const LIVE = 'token_hash = $1 and purpose = any($2::text[]) and expires_at > now()';

/** $1 SHA-256 of the token, $2 purposes */
export const linkByToken = read<{ user_id: string; email: string }>(
  'link_by_token',
  `select user_id, email from mailed_link where ${LIVE}`,
);

/** $1 user id, $2 SHA-256 of the token */
export const linkOf = read<{ user_id: string }>(
  'link_of',
  'select user_id from mailed_link where user_id = $1 and token_hash = $2 and expires_at > now()',
);

/** $1 SHA-256 of the token, $2 purposes. However many use a link at once, one gets the row. */
export const takeLink = write<{ purpose: Purpose; email: string }>(
  'link_take',
  `delete from mailed_link where ${LIVE} returning purpose, email`,
);

/** $1 e-mail in lower case */
export const userWithEmail = read<{ id: string }>(
  'link_user_with_email',
  'select id from "user" where email = $1',
);

/** $1 user id */
export const emailOf = read<{ email: string; email_verified: boolean }>(
  'link_email_of',
  'select email, email_verified from "user" where id = $1',
);

/** $1 user id */
export const lockPasswordRow = write<{ id: string }>(
  'link_password_lock',
  `select id from account where user_id = $1 and provider_id = 'credential' for update`,
);

/** $1 id of the row if there is none yet, $2 user id, $3 hash */
export const setPassword = write(
  'link_password_set',
  `insert into account (id, account_id, provider_id, user_id, password_hash) values ($1, $2, 'credential', $2, $3)
   on conflict (provider_id, account_id) do update set password_hash = excluded.password_hash, updated_at = clock_timestamp()`,
);

const TOUCHED =
  "updated_at = greatest(date_trunc('milliseconds', clock_timestamp()), updated_at + interval '1 millisecond')";

/** $1 user id */
export const markEmailVerified = write(
  'link_email_verified',
  `update "user" set email_verified = true, ${TOUCHED} where id = $1 and not email_verified`,
);

/** $1 user id, $2 e-mail in lower case */
export const changeEmail = write(
  'link_email_change',
  `update "user" set email = $2, email_verified = true, ${TOUCHED} where id = $1`,
);

/** $1 user id */
export const deleteSessionsOf = write<{ ended: number }>(
  'link_sessions_delete',
  `with ended as (delete from session where user_id = $1 returning expires_at)
   select (count(*) filter (where expires_at > now()))::integer as ended from ended`,
);

/** $1 user id. Ways to sign in besides the password: other providers, passkeys. */
export const deleteProvidersOf = write(
  'link_providers_delete',
  `delete from account where user_id = $1 and provider_id <> 'credential'`,
);
export const deletePasskeysOf = write('link_passkeys_delete', 'delete from passkey where user_id = $1');
