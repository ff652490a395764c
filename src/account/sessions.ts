// The sessions of one account: which devices are signed in, and ending those that should not be.
import type { SessionList, SessionsEnded } from '../../contract/account.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { unauthenticated } from '../auth/guard.ts';
import type { Actor } from '../auth/password-checks.ts';
import { deleteOtherSessions, deleteSession, lockSessions } from '../auth/repository.ts';
import type { Database, Transaction } from '../database/database.ts';
import { AppError } from '../errors.ts';
import { deviceOf } from '../http/client.ts';
import { listSessions } from './repository.ts';

interface SessionParts {
  database: Database;
  trail: AuditTrail;
}

export async function readSessions(database: Database, { userId, sessionId }: Actor): Promise<SessionList> {
  const rows = await database.read(listSessions, [userId, sessionId]);
  const sessions = rows.map(({ id, user_agent, ...times }) => {
    return { id, current: id === sessionId, device: deviceOf(user_agent), user_agent, ...times };
  });
  return { sessions };
}

/**
 * Locks sessions, all or some. Of those that end each other at once one is left: the others have ended before they could.
 * @returns the ids of those that are alive.
 */
async function lockAlive(transaction: Transaction, actor: Actor, ids: string[] | null): Promise<string[]> {
  const rows = await transaction.query(lockSessions, [actor.userId, ids]);
  const alive = rows.map(({ id }) => id);
  if (!alive.includes(actor.sessionId)) throw unauthenticated();
  return alive;
}

/** @throws AppError `not_found` for one that is missing or somebody else's. */
export async function revokeSession(
  { database, trail }: SessionParts,
  actor: Actor,
  id: string,
): Promise<SessionsEnded> {
  const { userId, sessionId, client } = actor;
  // What no session's id is never gets to the database, which could not even compare some of it.
  if (!/^[A-Za-z0-9-]{1,64}$/.test(id)) throw noSuchSession();
  return database.transaction(async (transaction) => {
    const alive = await lockAlive(transaction, actor, [id, sessionId]);
    if (!alive.includes(id)) throw noSuchSession();
    await transaction.query(deleteSession, [id]);
    const kind = id === sessionId ? 'signed_out' : 'session_revoked';
    const details = id === sessionId ? {} : { ended_session: id };
    trail.add(transaction, { userId, sessionId, client, kind, details });
    return { ended: 1 };
  });
}

function noSuchSession(): AppError {
  return new AppError('not_found', 'You have no session with this id.');
}

export async function revokeOtherSessions(
  { database, trail }: SessionParts,
  actor: Actor,
): Promise<SessionsEnded> {
  const { userId, sessionId, client } = actor;
  return database.transaction(async (transaction) => {
    await lockAlive(transaction, actor, null);
    const [row] = await transaction.query(deleteOtherSessions, [userId, sessionId]);
    const ended = row?.ended ?? 0;
    const details = { ended_sessions: ended };
    if (ended > 0) trail.add(transaction, { userId, sessionId, client, kind: 'sessions_revoked', details });
    return { ended };
  });
}
