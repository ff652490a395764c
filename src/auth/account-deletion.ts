// The end of an account: who may end it, and that nothing of it is left. Both doors, and the operator, come here.
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Database, Transaction } from '../database/database.ts';
import type { Actor } from './caller.ts';
import { deleteUser, lockUserRow } from './deletion-repository.ts';
import { isFresh } from './fresh.ts';
import { unauthenticated } from './guard.ts';
import type { PasswordChecks } from './password-checks.ts';
import { lockPassword, passwordOf } from './repository.ts';
import type { Proof, SecondFactors } from './second-factor/second-factors.ts';
import { lockAlive } from './session-ends.ts';

/** What the owner gives to show that it is the owner. */
export interface DeletionProof extends Proof {
  password?: string | undefined;
}

/** Why an account was not deleted. */
export type DeletionFault =
  | 'password_missing'
  | 'password_wrong'
  /** Code and recovery code: exactly one of them is needed. */
  | 'code_missing'
  | 'code_wrong'
  | 'recovery_code_wrong'
  /** The account has no password, and the session is too old to do without. */
  | 'session_old';

/** Who asks, and since when that session has been. */
export interface Leaver extends Actor {
  sessionCreatedAt: Date;
}

export interface DeletionParts {
  database: Database;
  checks: PasswordChecks;
  factors: SecondFactors;
  trail: AuditTrail;
}

/** In one transaction everything of the user: sessions and API tokens tell of their end, so that all sockets close. */
export async function removeAccount(
  transaction: Transaction,
  trail: AuditTrail,
  userId: string,
): Promise<void> {
  await transaction.query(lockUserRow, [userId]);
  remove(transaction, trail, userId);
}

/** Of a user whose row is locked. */
function remove(transaction: Transaction, trail: AuditTrail, userId: string): void {
  transaction.queue(deleteUser, [userId]);
  trail.tellDeletion(transaction, userId);
}

export class AccountDeletions {
  readonly #parts: DeletionParts;

  constructor(parts: DeletionParts) {
    this.#parts = parts;
  }

  /**
   * Deletes the account of somebody who shows its password, or has just signed in where it has none, and its second factor
   * where one is on.
   * @returns what was missing or wrong; undefined when the account is gone.
   * @throws AppError `unauthenticated` when it went meanwhile, `rate_limited` (429) after too many wrong passwords or codes.
   */
  async delete(leaver: Leaver, proof: DeletionProof): Promise<DeletionFault | undefined> {
    const { database, checks, factors } = this.#parts;
    const { userId } = leaver;
    const [stored] = await database.read(passwordOf, [userId]);
    const protectedByFactor = await factors.isOn(userId);
    const missing = missingIn(leaver, proof, { hasPassword: stored !== undefined, protectedByFactor });
    if (missing) return missing;
    const hash = stored && (await checks.fits(leaver, proof.password ?? ''));
    if (stored && hash === undefined) return 'password_wrong';
    if (protectedByFactor && !(await factors.isProven(leaver, proof)))
      return proof.code === undefined ? 'recovery_code_wrong' : 'code_wrong';
    return this.#remove(leaver, hash);
  }

  async #remove(leaver: Leaver, hash: string | undefined): Promise<DeletionFault | undefined> {
    const { database, trail } = this.#parts;
    const { userId, sessionId } = leaver;
    return database.transaction(async (transaction) => {
      const [row] = await transaction.query(lockUserRow, [userId]);
      if (!row) throw unauthenticated();
      // The password by which it was allowed must still be the password, and the session alive.
      if (hash !== undefined && !(await transaction.query(lockPassword, [userId, hash])).length)
        return 'password_wrong';
      await lockAlive(transaction, leaver, [sessionId]);
      remove(transaction, trail, userId);
      return undefined;
    });
  }
}

/** What is not there to be checked, so that nothing is counted or used up for it. */
function missingIn(
  { sessionCreatedAt }: Leaver,
  { password, code, recoveryCode }: DeletionProof,
  { hasPassword, protectedByFactor }: { hasPassword: boolean; protectedByFactor: boolean },
): DeletionFault | undefined {
  if (hasPassword && password === undefined) return 'password_missing';
  if (!hasPassword && !isFresh({ createdAt: sessionCreatedAt })) return 'session_old';
  const proofs = [code, recoveryCode].filter((given) => given !== undefined).length;
  return protectedByFactor && proofs !== 1 ? 'code_missing' : undefined;
}
