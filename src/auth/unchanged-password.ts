// A password that changes while it is being compared: the change ends all sessions, but could not see the one being made.
import { APIError } from 'better-auth/api';
import type { Database } from '../database/database.ts';
import { currentCall, noting, type SessionEntity } from './call.ts';
import { deleteSession, lockPassword } from './repository.ts';

/**
 * To be called when Better Auth has made a session. Whoever changes a password writes it before ending sessions: so either
 * this waits and sees the new one, or the change waits and sees the session.
 * @throws APIError 401 when the password by which somebody got in is no longer the account's.
 */
export async function assertUnchangedPassword(database: Database, session: SessionEntity): Promise<void> {
  const hash = currentCall()?.fitted;
  if (hash === undefined) return;
  const unchanged = await noting(
    database.transaction(async (transaction) => {
      const [row] = await transaction.query(lockPassword, [session.userId, hash]);
      if (!row) transaction.queue(deleteSession, [session.id]);
      return row !== undefined;
    }),
  );
  if (unchanged) return;
  const body = { code: 'INVALID_EMAIL_OR_PASSWORD', message: 'Invalid email or password' };
  throw new APIError('UNAUTHORIZED', body);
}
