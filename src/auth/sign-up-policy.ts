// Who may make an account: anybody, who has an invitation, or nobody.
import { createHash } from 'node:crypto';
import type { SignUpMode } from '../../contract/sign-up-modes.ts';
import type { Database } from '../database/database.ts';
import { AppError } from '../errors.ts';
import { invitationByToken, invitationForEmail } from './invitation-repository.ts';

/** What is kept of an invitation's code. */
export function invitationHash(code: string): Buffer {
  return createHash('sha256').update(code).digest();
}

export class SignUpPolicy {
  readonly mode: SignUpMode;
  readonly #database: Database;

  constructor(mode: SignUpMode, database: Database) {
    this.mode = mode;
    this.#database = database;
  }

  /**
   * Admits somebody who gives an e-mail and, perhaps, the code of an invitation. Whether that has been used meanwhile the
   * database decides when the account is made.
   * @returns the id of the invitation that the account takes, undefined when none is needed.
   * @throws AppError `signup_closed` or `invitation_required` (403).
   */
  async admit(email: string, code: unknown): Promise<string | undefined> {
    if (this.mode === 'open') return undefined;
    this.#assertNotClosed();
    if (typeof code !== 'string' || code === '') throw invitationRequired();
    const [invitation] = await this.#database.read(invitationByToken, [invitationHash(code)]);
    if (!invitation?.is_valid)
      throw invitationRequired('The invitation is not valid, has expired or was used.');
    if (invitation.email !== null && invitation.email !== email.toLowerCase())
      throw invitationRequired('The invitation is for another e-mail.');
    return invitation.id;
  }

  /** The same for somebody whose e-mail another service vouches for: an invitation to that e-mail is theirs. */
  async admitVerified(email: string): Promise<string | undefined> {
    if (this.mode === 'open') return undefined;
    this.#assertNotClosed();
    const [invitation] = await this.#database.read(invitationForEmail, [email.toLowerCase()]);
    if (!invitation) throw invitationRequired();
    return invitation.id;
  }

  /** Whether this code still lets somebody in, as far as that can be said without an e-mail. */
  async takes(code: string): Promise<boolean> {
    if (this.mode !== 'invite') return this.mode === 'open';
    const [invitation] = await this.#database.read(invitationByToken, [invitationHash(code)]);
    return invitation?.is_valid === true;
  }

  #assertNotClosed(): void {
    if (this.mode === 'closed') throw new AppError('signup_closed', 'This server takes no new accounts.');
  }
}

function invitationRequired(
  detail = 'This server takes new accounts by invitation only. Open the link of yours.',
): AppError {
  return new AppError('invitation_required', detail);
}
