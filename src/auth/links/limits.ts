// How often mails with links can be asked for: enough for anybody who waits for one, too few to bury a mailbox.
import { createHash } from 'node:crypto';
import {
  EMAIL_CHANGES_PER_ACCOUNT,
  LINK_REQUEST_MINUTES,
  LINK_REQUESTS_PER_ADDRESS,
  LINKS_PER_EMAIL,
} from '../../../contract/limits.ts';
import { limitAddress } from '../../http/client-address.ts';
import { type RateStore, type RateWindow, rateLimited } from '../../http/rate-limit.ts';
import type { Purpose } from './repository.ts';

export class LinkLimits {
  readonly #byAddress: RateWindow;
  readonly #byAccount: RateWindow;
  readonly #byEmail: RateWindow;

  constructor(store: RateStore) {
    const duration = LINK_REQUEST_MINUTES * 60;
    this.#byAddress = store.window({ name: 'link-address', points: LINK_REQUESTS_PER_ADDRESS, duration });
    this.#byAccount = store.window({ name: 'link-account', points: EMAIL_CHANGES_PER_ACCOUNT, duration });
    this.#byEmail = store.window({ name: 'link-email', points: LINKS_PER_EMAIL, duration });
  }

  /** Counts a request of somebody who need not be signed in. @throws AppError `rate_limited` (429). */
  async countRequest(address: string): Promise<void> {
    const state = await this.#byAddress.consume(limitAddress(address));
    if (!state.allowed) throw rateLimited('Too many e-mails were asked for from your address.', state);
  }

  /** Counts a change of the e-mail. @throws AppError `rate_limited` (429). */
  async countEmailChange(userId: string): Promise<void> {
    const state = await this.#byAccount.consume(userId);
    if (!state.allowed) throw rateLimited('You have asked for too many changes of your e-mail.', state);
  }

  /**
   * Counts a mail to this address, whether or not anybody has it. When there were too many the answer stays as it is and
   * nothing is sent: so nobody can keep the owner from asking, and the newest link still works.
   */
  async mayMail(purpose: Purpose | 'way_in_changed', email: string): Promise<boolean> {
    const key = createHash('sha256').update(`${purpose} ${email}`).digest('base64url');
    return (await this.#byEmail.consume(key)).allowed;
  }
}
