// The current password of somebody who is signed in: asked for before great changes, and guessed by whoever stole a session.
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Database, Transaction } from '../database/database.ts';
import type { Actor } from './caller.ts';
import { hashPassword, isTooLong, verifyPassword } from './passwords.ts';
import { deleteSessionsBut, passwordOf, replacePassword } from './repository.ts';
import { lockAlive } from './session-ends.ts';
import type { SignInLimits } from './sign-in-limits.ts';

export interface PasswordParts {
  database: Database;
  limits: SignInLimits;
  trail: AuditTrail;
  /** Who tells the owner of a changed password, in the transaction of the change. */
  links: { passwordChanged(transaction: Transaction, userId: string): Promise<void> };
}

export class PasswordChecks {
  readonly #database: Database;
  readonly #limits: SignInLimits;
  readonly #trail: AuditTrail;
  readonly #links: PasswordParts['links'];

  constructor({ database, limits, trail, links }: PasswordParts) {
    this.#links = links;
    this.#database = database;
    this.#limits = limits;
    this.#trail = trail;
  }

  /**
   * The stored hash when `password` is the account's, undefined when it is not or when there is none.
   * @throws AppError `rate_limited` (429) after too many wrong ones, 503 when it cannot be told.
   */
  async fits(actor: Actor, password: string): Promise<string | undefined> {
    const hash = await this.#limits.attemptCheck(actor.userId, async () => {
      const [stored] = await this.#database.read(passwordOf, [actor.userId]);
      // bcrypt would compare no more than the beginning of such a one.
      const comparable = !isTooLong(password) && !password.includes('\0');
      const right = stored !== undefined && comparable && (await verifyPassword(stored.hash, password));
      return { right, result: right ? stored.hash : undefined };
    });
    if (hash === undefined) await this.tellWrong(actor);
    return hash;
  }

  /** To the trail, for a wrong one that Better Auth has found. */
  async tellWrong({ userId, sessionId, client }: Actor): Promise<void> {
    await this.#trail.record({ userId, sessionId, client, kind: 'password_check_failed' });
  }

  /**
   * Gives the account a new password, which the caller has checked against the rules, and ends all other sessions.
   * Of several changes at once one is made: the others no longer know the current password.
   * @returns how many sessions were ended; undefined when the current password was wrong.
   */
  async change(actor: Actor, current: string, chosen: string): Promise<{ ended: number } | undefined> {
    const { userId, sessionId, client } = actor;
    const old = await this.fits(actor, current);
    if (old === undefined) return undefined;
    const hash = await hashPassword(chosen);
    return this.#database.transaction(async (transaction) => {
      // First the password: a sign-in with the old one that is under way waits for it, see `assertUnchangedPassword`.
      const [replaced] = await transaction.query(replacePassword, [userId, old, hash]);
      if (!replaced) return undefined;
      await lockAlive(transaction, actor, null);
      const [row] = await transaction.query(deleteSessionsBut, [userId, sessionId]);
      const ended = row?.ended ?? 0;
      this.#trail.add(transaction, {
        userId,
        sessionId,
        client,
        kind: 'password_changed',
        details: { ended_sessions: ended },
      });
      await this.#links.passwordChanged(transaction, userId);
      return { ended };
    });
  }
}
