// The SQL of API tokens.
import { EXPIRED_TOKEN_DAYS, TOKENS_PER_USER } from '../../contract/limits.ts';
import type { ApiToken, Scope } from '../../contract/token.ts';
import { read, write } from '../database/statement.ts';

const COLUMNS = 'id, name, hint, scopes, created_at, expires_at, last_used_at';

export interface UsableToken {
  id: string;
  user_id: string;
  scopes: Scope[];
  expires_at: string;
  /** Its last use has not been noted for a minute. */
  is_stale: boolean;
}

/** $1 hash of the token */
export const apiTokenByHash = read<UsableToken>(
  'api_token_by_hash',
  `select t.id, t.user_id, t.scopes, t.expires_at,
          coalesce(t.last_used_at < now() - interval '1 minute', true) as is_stale
   from api_token t join "user" u on u.id = t.user_id
   where t.token_hash = $1 and t.expires_at > now() and u.disabled_at is null`,
);

/** $1 user id, $2 token id. Another request that is noting the same, or ends the token, is not waited for. */
export const touchApiToken = write(
  'api_token_touch',
  `update api_token set last_used_at = now()
   where (user_id, id) in (select user_id, id from api_token where user_id = $1 and id = $2 for update skip locked)`,
);

/** $1 user id. One user's new tokens follow one another, so that they are counted rightly. */
export const lockUser = write<{ id: string }>(
  'user_lock',
  'select id from "user" where id = $1 for no key update',
);

/** $1 user id, $2 token id, $3 hash, $4 hint, $5 name, $6 scopes, $7 days. No row when the user has too many. */
export const insertApiToken = write<ApiToken>(
  'api_token_insert',
  `insert into api_token (user_id, id, token_hash, hint, name, scopes, expires_at)
   select $1, $2, $3, $4, $5, $6::text[], now() + make_interval(days => $7::integer)
   where (select count(*) from api_token where user_id = $1 and expires_at > now()) < ${TOKENS_PER_USER}
   returning ${COLUMNS}`,
);

/** $1 user id */
export const apiTokensOf = read<ApiToken>(
  'api_tokens_of_user',
  `select ${COLUMNS} from api_token
   where user_id = $1 and expires_at > now() - interval '${EXPIRED_TOKEN_DAYS} days'
   order by created_at desc, id`,
);

/** $1 user id, $2 token id */
export const deleteApiToken = write<{ id: string }>(
  'api_token_delete',
  'delete from api_token where user_id = $1 and id = $2 returning id',
);

/** $1 user id */
export const deleteApiTokensOf = write<{ id: string }>(
  'api_tokens_delete',
  'delete from api_token where user_id = $1 returning id',
);
