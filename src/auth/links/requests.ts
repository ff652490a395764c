// Asking for a mail with a link. Each request posts one draft, whatever there is in the database: who it is for, and whether
// anybody is, is found out when the mail's turn comes. So an answer neither says nor shows by its time who has an account.
import {
  EMAIL_CHANGE_LINK_HOURS,
  RESET_LINK_MINUTES,
  VERIFICATION_LINK_HOURS,
} from '../../../contract/limits.ts';
import type { AuditTrail } from '../../audit/audit-trail.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { validationError } from '../../errors.ts';
import type { Client } from '../../http/client.ts';
import type { Draft, Letter } from '../../mail/letter.ts';
import type { MailQueue } from '../../mail/queue.ts';
import type { Actor } from '../caller.ts';
import { unauthenticated } from '../guard.ts';
import { lockAlive } from '../session-ends.ts';
import type { Letters } from './letters.ts';
import type { LinkLimits } from './limits.ts';
import {
  emailOf,
  linkOf,
  ownerByEmail,
  ownerById,
  type Purpose,
  putLink,
  userWithEmail,
} from './repository.ts';
import { hashOf, newToken } from './token.ts';

export interface LinkParts {
  database: Database;
  queue: MailQueue;
  trail: AuditTrail;
  letters: Letters;
  limits: LinkLimits;
}

const LIFETIMES: Record<Purpose, number> = {
  reset_password: RESET_LINK_MINUTES * 60,
  verify_email: VERIFICATION_LINK_HOURS * 3_600,
  approve_email_change: EMAIL_CHANGE_LINK_HOURS * 3_600,
  change_email: EMAIL_CHANGE_LINK_HOURS * 3_600,
};

interface NewLink {
  userId: string;
  purpose: Purpose;
  email: string;
  /** When it was asked for; now, if absent. */
  askedAt?: string;
}

/** @returns the token; undefined when somebody has asked again since: that one's link counts. */
async function makeLink(
  transaction: Transaction,
  { userId, purpose, email, askedAt }: NewLink,
): Promise<string | undefined> {
  const token = newToken();
  const values = [userId, purpose, hashOf(token), email, askedAt ?? null, LIFETIMES[purpose]];
  const [made] = await transaction.query(putLink, values);
  return made && token;
}

export class LinkRequests {
  readonly #parts: LinkParts;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    const { queue } = parts;
    queue.onDraft('password_reset', (...asked) => this.#writeReset(...asked));
    queue.onDraft('verify_email', (...asked) => this.#writeVerification(...asked));
    queue.onDraft('email_change', (transaction, draft) => this.#writeEmailChange(transaction, draft));
    queue.onDraft('address_in_use', (transaction, draft) => this.#writeInUse(transaction, draft));
  }

  /**
   * For the owner of an e-mail, if there is one.
   * @param redirectTo a page of an allowed front end instead of the web app's. @throws AppError `rate_limited` (429).
   */
  async reset(address: string, client: Client, redirectTo?: string): Promise<void> {
    const email = address.toLowerCase();
    await this.#parts.limits.countRequest(client.address);
    if (!(await this.#parts.limits.mayMail('reset_password', email))) return;
    const { address: from, userAgent } = client;
    const facts = { email, address: from, userAgent: userAgent.slice(0, 512), redirectTo: redirectTo ?? '' };
    await this.#post({ kind: 'password_reset', facts, usefulFor: LIFETIMES.verify_email });
  }

  /** The same for a link that confirms the e-mail. @throws AppError `rate_limited` (429). */
  async verification(address: string, client: Client): Promise<void> {
    await this.#parts.limits.countRequest(client.address);
    await this.verificationAtSignIn(address);
  }

  /** For somebody who has just signed up, or has shown the right password. */
  async verificationAtSignIn(address: string): Promise<void> {
    const email = address.toLowerCase();
    if (await this.#parts.limits.mayMail('verify_email', email))
      await this.#post({ kind: 'verify_email', facts: { email } });
  }

  /** Tells the owner of an e-mail that somebody wanted to sign up with it. */
  async inUse(address: string): Promise<void> {
    const email = address.toLowerCase();
    if (await this.#parts.limits.mayMail('verify_email', email))
      await this.#post({ kind: 'address_in_use', facts: { email } });
  }

  /**
   * For somebody who has shown the password: the new address is asked, the old one told.
   * @throws AppError `rate_limited` (429), `validation_error` for the e-mail that it is already.
   */
  async emailChange(actor: Actor, address: string): Promise<void> {
    const { queue, letters } = this.#parts;
    await this.#forOwner(actor, address, 'change_email', (transaction, to, newEmail, token) => {
      queue.post(transaction, { kind: 'email_change', userId: to.userId, facts: { email: newEmail, token } });
      queue.post(transaction, letters.emailChangeAsked(to, newEmail));
    });
  }

  /** For somebody who has shown no more than a session: the old address is asked first. @throws as `emailChange` */
  async emailChangeApproval(actor: Actor, address: string): Promise<void> {
    const { queue, letters } = this.#parts;
    await this.#forOwner(actor, address, 'approve_email_change', (transaction, to, newEmail, token) => {
      const lifetime = LIFETIMES.approve_email_change;
      queue.post(transaction, letters.emailChangeApproval(to, newEmail, token, lifetime));
    });
  }

  /** Tells the owner of a new password, in the transaction that has set it. */
  async passwordChanged(transaction: Transaction, userId: string): Promise<void> {
    const { queue, letters } = this.#parts;
    const [owner] = await transaction.query(emailOf, [userId]);
    if (owner) queue.post(transaction, letters.passwordChanged({ userId, email: owner.email }));
  }

  /** The second half of an approved change, in the transaction that has taken the approval. */
  async approved(transaction: Transaction, userId: string, newEmail: string): Promise<void> {
    const token = await makeLink(transaction, { userId, purpose: 'change_email', email: newEmail });
    if (token === undefined) return;
    this.#parts.queue.post(transaction, { kind: 'email_change', userId, facts: { email: newEmail, token } });
  }

  async #post(draft: Draft): Promise<void> {
    const { database, queue } = this.#parts;
    await database.transaction(async (transaction) => queue.post(transaction, draft));
  }

  async #forOwner(
    actor: Actor,
    address: string,
    purpose: Purpose,
    post: (
      transaction: Transaction,
      to: { userId: string; email: string },
      newEmail: string,
      token: string,
    ) => void,
  ): Promise<void> {
    const { database, limits, trail } = this.#parts;
    const { userId, sessionId, client } = actor;
    const newEmail = address.toLowerCase();
    await limits.countEmailChange(userId);
    if (!(await limits.mayMail(purpose, newEmail))) return;
    await database.transaction(async (transaction) => {
      const [owner] = await transaction.query(ownerById, [userId]);
      if (!owner) throw unauthenticated();
      if (owner.email === newEmail)
        throw validationError([{ path: 'new_email', message: 'is your e-mail already' }]);
      const token = await makeLink(transaction, { userId, purpose, email: newEmail });
      if (token === undefined) return;
      // The password was compared before the owner's row was waited for: a new one may have ended this session meanwhile.
      await lockAlive(transaction, actor, [actor.sessionId]);
      post(transaction, { userId, email: owner.email }, newEmail, token);
      trail.add(transaction, { userId, kind: 'email_change_requested', client, sessionId });
    });
  }

  async #writeReset(
    transaction: Transaction,
    { facts }: Draft,
    askedAt: string,
  ): Promise<Letter | undefined> {
    const { email = '', address = '', userAgent = '', redirectTo } = facts;
    const [owner] = await transaction.query(ownerByEmail, [email]);
    if (!owner) return undefined;
    const userId = owner.id;
    const token = await makeLink(transaction, { userId, purpose: 'reset_password', email, askedAt });
    if (token === undefined) return undefined;
    const { queue, trail, letters } = this.#parts;
    queue.supersede(transaction, userId, 'password_reset', askedAt);
    trail.add(transaction, { userId, kind: 'password_reset_requested', client: { address, userAgent } });
    return letters.passwordReset({ userId, email }, token, redirectTo || undefined);
  }

  async #writeVerification(
    transaction: Transaction,
    { facts: { email = '' } }: Draft,
    askedAt: string,
  ): Promise<Letter | undefined> {
    const [owner] = await transaction.query(ownerByEmail, [email]);
    if (!owner || owner.email_verified) return undefined;
    const userId = owner.id;
    const token = await makeLink(transaction, { userId, purpose: 'verify_email', email, askedAt });
    if (token === undefined) return undefined;
    this.#parts.queue.supersede(transaction, userId, 'verify_email', askedAt);
    return this.#parts.letters.verification({ userId, email }, token);
  }

  /** To the new address or, when that is somebody's, to its owner: whoever asked learns nothing. */
  async #writeEmailChange(
    transaction: Transaction,
    { userId = '', facts }: Draft,
  ): Promise<Letter | undefined> {
    const { email = '', token = '' } = facts;
    const { letters } = this.#parts;
    if (!(await transaction.query(ownerById, [userId])).length) return undefined;
    // Asked again, cancelled by a new password, or too late.
    const [link] = await transaction.query(linkOf, [userId, hashOf(token)]);
    if (!link) return undefined;
    const [other] = await transaction.query(userWithEmail, [email]);
    if (other) return letters.addressInUse({ userId: other.id, email });
    return letters.emailChange({ userId, email }, token, LIFETIMES.change_email);
  }

  async #writeInUse(transaction: Transaction, { facts: { email = '' } }: Draft): Promise<Letter | undefined> {
    const [owner] = await transaction.query(ownerByEmail, [email]);
    return owner && this.#parts.letters.addressInUse({ userId: owner.id, email });
  }
}
