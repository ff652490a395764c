// The SQL of connections to other services.
import { read, write } from '../../database/statement.ts';

export interface ConnectionRow {
  id: string;
  provider_id: string;
  created_at: string;
}

/** $1 user id */
export const connectionsOf = read<ConnectionRow>(
  'connections',
  `select id, provider_id, created_at from account
   where user_id = $1 and provider_id <> 'credential' order by created_at, id`,
);

/** $1 user id */
export const isEmailVerified = read<{ email_verified: boolean }>(
  'connection_email_verified',
  'select email_verified from "user" where id = $1',
);

/** $1 what the way back is known by. No row when it has been begun already. */
export const beginReturn = write<{ id: string }>(
  'provider_return',
  `insert into verification (id, identifier, value, expires_at) values ($1, $1, '', now() + interval '10 minutes')
   on conflict (id) do nothing returning id`,
);

/** $1 id, $2 user id. A trigger refuses to delete the last way in. */
export const deleteConnection = write<{ provider_id: string }>(
  'connection_delete',
  `delete from account where id = $1 and user_id = $2 and provider_id <> 'credential' returning provider_id`,
);
