// The SQL of the second factor.
import { read, write } from '../../database/statement.ts';

export interface FactorRow {
  /** Encrypted. */
  secret: string;
  /** A JSON list of hashes. */
  backup_codes: string;
  verified: boolean;
}

/** $1 user id */
export const factorOf = read<FactorRow>(
  'two_factor',
  'select secret, backup_codes, verified from two_factor where user_id = $1',
);

/** $1 user id */
export const isFactorOn = read<{ two_factor_enabled: boolean }>(
  'two_factor_on',
  'select two_factor_enabled from "user" where id = $1',
);

/** $1 user id, $2 time. Whether the password is newer than that. No row for an account without one. */
export const passwordSince = read<{ hash: string; changed: boolean }>(
  'two_factor_password_since',
  `select password_hash as hash, updated_at > $2::timestamptz as changed from account
   where user_id = $1 and provider_id = 'credential' and password_hash is not null`,
);

/** $1 user id, $2 id, $3 encrypted secret, $4 hashes. Replaces one that was never confirmed; no row if one is on. */
export const insertFactor = write<{ id: string }>(
  'two_factor_insert',
  `insert into two_factor (user_id, id, secret, backup_codes) values ($1, $2, $3, $4)
   on conflict (user_id) do update
     set secret = excluded.secret, backup_codes = excluded.backup_codes, last_step = null
     where not two_factor.verified
   returning id`,
);

/** $1 user id, $2 step, $3 the encrypted secret that the code was checked with. No row for a step that was used. */
export const claimStep = write<{ verified: boolean }>(
  'two_factor_claim_step',
  `update two_factor set last_step = $2
   where user_id = $1 and secret = $3 and coalesce(last_step, -1) < $2
   returning verified`,
);

/** $1 user id, $2 hashes. No row if none is on. */
export const replaceRecoveryCodes = write<{ id: string }>(
  'two_factor_recovery_codes',
  'update two_factor set backup_codes = $2 where user_id = $1 and verified returning id',
);

/** $1 user id, $2 whether. A trigger does the same to the factor. No row if it was so already. */
export const switchFactor = write<{ id: string }>(
  'two_factor_switch',
  `update "user" set two_factor_enabled = $2, updated_at = greatest(now(), updated_at + interval '1 millisecond')
   where id = $1 and two_factor_enabled <> $2
   returning id`,
);

/** $1 user id. From here to the end of the transaction nobody makes a session for the user. */
export const holdUser = write<{ id: string }>(
  'two_factor_hold_user',
  'select id from "user" where id = $1 for update',
);

/** $1 user id, $2 id of the session that stays */
export const endOtherSessions = write(
  'two_factor_end_other_sessions',
  'delete from session where user_id = $1 and id <> $2',
);
