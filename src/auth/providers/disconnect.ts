// Taking the connection to another service away: both doors come here. The password is none, and the last way in stays.
import type { AuditTrail } from '../../audit/audit-trail.ts';
import type { Database } from '../../database/database.ts';
import type { Actor } from '../caller.ts';
import { deleteConnection } from './repository.ts';

/** Nothing else is asked for in the database, which does not take every text. */
const ID = /^[\da-f-]{36}$/i;

/** @returns false when the user has no such connection. @throws AppError `last_way_in`. */
export async function disconnect(
  { database, trail }: { database: Database; trail: AuditTrail },
  { userId, sessionId, client }: Actor,
  id: string,
): Promise<boolean> {
  if (!ID.test(id)) return false;
  return database.transaction(async (transaction) => {
    const [gone] = await transaction.query(deleteConnection, [id, userId]);
    if (!gone) return false;
    const details = { provider: gone.provider_id };
    trail.add(transaction, { userId, kind: 'provider_disconnected', client, sessionId, details });
    return true;
  });
}
