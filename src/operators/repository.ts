// The SQL of what an operator does with accounts and invitations.
import { read, write } from '../database/statement.ts';

export interface AccountRow {
  id: string;
  email: string;
  name: string;
  email_verified: boolean;
  disabled_at: string | null;
  created_at: string;
  sessions: number;
  tasks: number;
}

const ACCOUNT = `
  select u.id, u.email, u.name, u.email_verified, u.disabled_at, u.created_at,
         (select count(*)::integer from session s where s.user_id = u.id and s.expires_at > now()) as sessions,
         y.low_total + y.medium_total + y.high_total as tasks
  from "user" u join user_sync y on y.user_id = u.id`;

/** $1 the last account's id of the page before (empty for the first), $2 how many */
export const accountsAfter = read<AccountRow>(
  'operator_accounts',
  `${ACCOUNT} where u.id > $1 order by u.id limit $2`,
);

/** $1 e-mail in lower case, or an id */
export const accountByName = read<AccountRow>(
  'operator_account',
  `${ACCOUNT} where u.id = (select id from "user" where email = $1 union all select id from "user" where id = $1 limit 1)`,
);

/** $1 user id. Waits for sign-ins under way, and those that come later see what is written next. */
export const lockUser = write<{ id: string }>(
  'operator_user_lock',
  `select id from "user" where id = $1 for update`,
);

/** $1 user id, $2 whether */
export const setDisabled = write(
  'operator_user_disable',
  `update "user" set disabled_at = case when $2::boolean then coalesce(disabled_at, now()) end where id = $1`,
);

/** $1 user id */
export const deleteSessions = write('operator_sessions_delete', 'delete from session where user_id = $1');

/** $1 user id. The schema throws the factor away with the flag. */
export const turnSecondFactorOff = write(
  'operator_second_factor_off',
  'update "user" set two_factor_enabled = false where id = $1',
);

/** $1 id, $2 name, $3 e-mail in lower case */
export const insertUser = write(
  'operator_user_insert',
  `insert into "user" (id, name, email, email_verified) values ($1, $2, $3, true)`,
);

/** $1 id of the row if there is none yet, $2 user id, $3 hash */
export const setPassword = write(
  'operator_password_set',
  `with changed as (
     update account set password_hash = $3, updated_at = now() where provider_id = 'credential' and account_id = $2 and user_id = $2
     returning id)
   insert into account (id, account_id, provider_id, user_id, password_hash)
   select $1, $2, 'credential', $2, $3 where not exists (select from changed)`,
);

export interface InvitationRow {
  id: string;
  email: string | null;
  created_at: string;
  expires_at: string;
  used_at: string | null;
  used_by: string | null;
}

/** $1 id, $2 SHA-256 of the code, $3 e-mail in lower case or null, $4 days */
export const insertInvitation = write<{ expires_at: string }>(
  'operator_invitation_insert',
  `insert into invitation (id, token_hash, email, expires_at)
   values ($1, $2, $3, now() + make_interval(days => $4::integer)) returning expires_at`,
);

/** $1 how many: the newest first */
export const recentInvitations = read<InvitationRow>(
  'operator_invitations',
  `select i.id, i.email, i.created_at, i.expires_at, i.used_at, u.email as used_by
   from invitation i left join "user" u on u.id = i.used_by order by i.created_at desc, i.id limit $1`,
);

/** $1 id. A used one stays: it tells who came by it. */
export const deleteInvitation = write<{ id: string }>(
  'operator_invitation_delete',
  'delete from invitation where id = $1 and used_at is null returning id',
);
