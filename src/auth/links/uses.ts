// Using a link from a mail: once, however many try, and only while account and address are still those it was sent for.
import { randomUUID } from 'node:crypto';
import type { EmailConfirmed } from '../../../contract/links.ts';
import type { Transaction } from '../../database/database.ts';
import { isUniqueViolation } from '../../database/failure.ts';
import { AppError } from '../../errors.ts';
import type { Client } from '../../http/client.ts';
import { deleteApiTokensOf } from '../api-token-repository.ts';
import { hashPassword } from '../passwords.ts';
import { lockSessions } from '../repository.ts';
import {
  changeEmail,
  deletePasskeysOf,
  deleteProvidersOf,
  deleteSessionsOf,
  linkByToken,
  lockOwner,
  lockPasswordRow,
  markEmailVerified,
  type Owner,
  type Purpose,
  setPassword,
  takeLink,
} from './repository.ts';
import type { LinkParts, LinkRequests } from './requests.ts';
import { hashOf, isToken } from './token.ts';

const RESET: Purpose[] = ['reset_password'];
const CONFIRMING: Purpose[] = ['verify_email', 'approve_email_change', 'change_email'];
const ABOUT_PRESENT_EMAIL = new Set<Purpose>(['reset_password', 'verify_email']);

export function invalidLink(cause?: unknown): AppError {
  return new AppError('invalid_link', 'The link is not valid, has expired or was used. Ask for a new one.', {
    cause,
  });
}

export class LinkUses {
  readonly #parts: LinkParts;
  readonly #requests: LinkRequests;

  constructor(parts: LinkParts, requests: LinkRequests) {
    this.#parts = parts;
    this.#requests = requests;
  }

  /** Whether it can be used, as far as can be said without trying. Uses nothing up, and tells no more than using it would. */
  async isLive(purpose: 'reset-password' | 'verify-email', token: string): Promise<boolean> {
    const purposes = purpose === 'reset-password' ? RESET : CONFIRMING;
    return (
      isToken(token) && (await this.#parts.database.read(linkByToken, [hashOf(token), purposes])).length > 0
    );
  }

  /**
   * Gives the account a new password, which the caller has checked against the rules; also one that had none. All sessions
   * end. The e-mail is the owner's beyond doubt now; if it was not before, whatever else opens the account may be somebody
   * else's, who signed up with this address: API tokens and other ways to sign in go, too.
   * @throws AppError `invalid_link` (410)
   */
  async resetPassword(token: string, password: string, client: Client): Promise<void> {
    const { trail } = this.#parts;
    // Before the hash, which costs so much; whether it is still true is decided below.
    await this.#ownerIdOf(token, RESET);
    const hash = await hashPassword(password);
    await this.#use(token, RESET, async (transaction, owner) => {
      const userId = owner.id;
      if (!owner.email_verified) {
        transaction.queue(markEmailVerified, [userId]);
        transaction.queue(deleteApiTokensOf, [userId]);
        transaction.queue(deleteProvidersOf, [userId]);
        transaction.queue(deletePasskeysOf, [userId]);
      }
      transaction.queue(setPassword, [randomUUID(), userId, hash]);
      await transaction.query(lockSessions, [userId, null]);
      const [row] = await transaction.query(deleteSessionsOf, [userId]);
      const details = { ended_sessions: row?.ended ?? 0 };
      trail.add(transaction, { userId, kind: 'password_reset', client, details });
      await this.#requests.passwordChanged(transaction, userId);
    });
  }

  /** Confirms an e-mail, approves a change or makes it, whichever the link is for. @throws AppError `invalid_link` (410) */
  async confirm(token: string, client: Client): Promise<EmailConfirmed> {
    return this.#use(token, CONFIRMING, async (transaction, owner, { purpose, email }) => {
      if (purpose === 'verify_email') return this.#verify(transaction, owner, client);
      if (purpose === 'change_email') return this.#changeEmail(transaction, owner, email, client);
      await this.#requests.approved(transaction, owner.id, email);
      const message = 'Approved. Now open the link in the mail to the new address.';
      return { message, email: owner.email, email_verified: owner.email_verified };
    }).catch((error: unknown) => {
      // Somebody else took the address meanwhile.
      throw isUniqueViolation(error) ? invalidLink(error) : error;
    });
  }

  async #verify(transaction: Transaction, owner: Owner, client: Client): Promise<EmailConfirmed> {
    transaction.queue(markEmailVerified, [owner.id]);
    this.#parts.trail.add(transaction, { userId: owner.id, kind: 'email_verified', client });
    return { message: 'Your e-mail is confirmed.', email: owner.email, email_verified: true };
  }

  async #changeEmail(
    transaction: Transaction,
    { id: userId, email: old }: Owner,
    email: string,
    client: Client,
  ): Promise<EmailConfirmed> {
    const { queue, letters, trail } = this.#parts;
    transaction.queue(changeEmail, [userId, email]);
    trail.add(transaction, { userId, kind: 'email_changed', client });
    queue.post(transaction, letters.emailChanged({ userId, email: old }, email));
    return { message: 'Your e-mail has been changed.', email, email_verified: true };
  }

  async #ownerIdOf(token: string, purposes: Purpose[]): Promise<string> {
    if (!isToken(token)) throw invalidLink();
    const [link] = await this.#parts.database.read(linkByToken, [hashOf(token), purposes]);
    if (!link) throw invalidLink();
    return link.user_id;
  }

  async #use<Result>(
    token: string,
    purposes: Purpose[],
    run: (
      transaction: Transaction,
      owner: Owner,
      link: { purpose: Purpose; email: string },
    ) => Promise<Result>,
  ): Promise<Result> {
    const userId = await this.#ownerIdOf(token, purposes);
    return this.#parts.database.transaction(async (transaction) => {
      const [owner] = await transaction.query(lockOwner, [userId]);
      await transaction.query(lockPasswordRow, [userId]);
      const [link] = owner ? await transaction.query(takeLink, [hashOf(token), purposes]) : [];
      if (!owner || !link) throw invalidLink();
      if (ABOUT_PRESENT_EMAIL.has(link.purpose) && link.email !== owner.email) throw invalidLink();
      return run(transaction, owner, link);
    });
  }
}
