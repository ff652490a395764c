// Ending sessions on their owner's wish: one, all others or all, told to the trail in the very transaction.
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Database, Transaction } from '../database/database.ts';
import type { Actor } from './caller.ts';
import { unauthenticated } from './guard.ts';
import { deleteSession, deleteSessionsBut, lockSessions, sessionIdOf } from './repository.ts';

/** What no session's id or token is never gets to the database, which could not even compare some of it. */
const PLAIN = /^[A-Za-z0-9_-]{1,128}$/;

export class SessionEnds {
  readonly #database: Database;
  readonly #trail: AuditTrail;

  constructor(database: Database, trail: AuditTrail) {
    this.#database = database;
    this.#trail = trail;
  }

  /** @returns false when the user has no such session. @throws AppError `unauthenticated` when the actor's has ended. */
  async one(actor: Actor, id: string): Promise<boolean> {
    const { userId, sessionId, client } = actor;
    if (!PLAIN.test(id)) return false;
    return this.#database.transaction(async (transaction) => {
      const alive = await lockAlive(transaction, actor, [id, sessionId]);
      if (!alive.includes(id)) return false;
      await transaction.query(deleteSession, [id]);
      const kind = id === sessionId ? 'signed_out' : 'session_revoked';
      const details = id === sessionId ? {} : { ended_session: id };
      this.#trail.add(transaction, { userId, sessionId, client, kind, details });
      return true;
    });
  }

  /** As `one`, by the session's token. @returns the id of what was ended. */
  async oneByToken(actor: Actor, token: string): Promise<string | undefined> {
    if (!PLAIN.test(token)) return undefined;
    const [row] = await this.#database.read(sessionIdOf, [actor.userId, token]);
    return row && (await this.one(actor, row.id)) ? row.id : undefined;
  }

  /** @returns how many. @throws AppError `unauthenticated` when the actor's has ended. */
  others(actor: Actor): Promise<number> {
    return this.#all(actor, actor.sessionId);
  }

  /** The actor's own, too. */
  all(actor: Actor): Promise<number> {
    return this.#all(actor, '');
  }

  async #all(actor: Actor, but: string): Promise<number> {
    const { userId, sessionId, client } = actor;
    return this.#database.transaction(async (transaction) => {
      await lockAlive(transaction, actor, null);
      const [row] = await transaction.query(deleteSessionsBut, [userId, but]);
      const ended = row?.ended ?? 0;
      const details = { ended_sessions: ended };
      if (ended > 0)
        this.#trail.add(transaction, { userId, sessionId, client, kind: 'sessions_revoked', details });
      return ended;
    });
  }
}

/**
 * Locks sessions, some or all of the user's. Of those that end each other at once one is left: the others have ended before
 * they could.
 * @returns the ids of those that are alive. @throws AppError `unauthenticated` when the actor's is not.
 */
export async function lockAlive(
  transaction: Transaction,
  { userId, sessionId }: Actor,
  ids: string[] | null,
): Promise<string[]> {
  const rows = await transaction.query(lockSessions, [userId, ids]);
  const alive = rows.map(({ id }) => id);
  if (!alive.includes(sessionId)) throw unauthenticated();
  return alive;
}
