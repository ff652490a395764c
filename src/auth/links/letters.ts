// What the mails about accounts say. No name is in them: anybody can sign up with anybody's address, and a name of their choice.
import { RESET_LINK_MINUTES, VERIFICATION_LINK_HOURS } from '../../../contract/limits.ts';
import type { Letter } from '../../mail/letter.ts';

const IGNORE = 'If it was not you, do nothing: without the link nothing happens.';

export interface To {
  userId: string;
  email: string;
}

export class Letters {
  readonly #publicUrl: string;

  /** @param publicUrl by which browsers reach the web app. */
  constructor(publicUrl: string) {
    this.#publicUrl = publicUrl;
  }

  /** @param redirectTo a page of a front end's own, which expects the token in its query as Better Auth documents it. */
  passwordReset({ userId, email }: To, token: string, redirectTo: string | undefined): Letter {
    return {
      kind: 'password_reset',
      userId,
      to: email,
      subject: 'Choose a new Donewell password',
      paragraphs: [
        `Somebody asked for a new password for the account ${email} at ${this.#publicUrl}. To choose one, open this link within ${RESET_LINK_MINUTES} minutes:`,
        'It ends all sessions of the account.',
        IGNORE,
      ],
      link: { label: 'Choose a new password', url: this.#resetUrl(token, redirectTo) },
      usefulFor: RESET_LINK_MINUTES * 60,
    };
  }

  verification({ userId, email }: To, token: string): Letter {
    return {
      kind: 'verify_email',
      userId,
      to: email,
      subject: 'Confirm your e-mail for Donewell',
      paragraphs: [
        `An account was made with ${email} at ${this.#publicUrl}. To confirm that the address is yours, open this link within ${VERIFICATION_LINK_HOURS} hours:`,
        'If you did not make an account, do nothing: do not confirm what is not yours.',
      ],
      link: { label: 'Confirm your e-mail', url: this.#confirmUrl(token) },
      usefulFor: VERIFICATION_LINK_HOURS * 3_600,
    };
  }

  emailChange({ userId, email }: To, token: string, usefulFor: number): Letter {
    return {
      kind: 'email_change',
      userId,
      to: email,
      subject: 'Confirm your new e-mail for Donewell',
      paragraphs: [
        `Somebody wants to use ${email} for an account at ${this.#publicUrl}. To confirm that the address is yours and make the change, open this link:`,
        IGNORE,
      ],
      link: { label: 'Confirm your new e-mail', url: this.#confirmUrl(token) },
      usefulFor,
    };
  }

  emailChangeApproval({ userId, email }: To, newEmail: string, token: string, usefulFor: number): Letter {
    return {
      kind: 'email_change_approval',
      userId,
      to: email,
      subject: 'Approve the new e-mail of your Donewell account',
      paragraphs: [
        `Somebody who is signed in to your account ${email} at ${this.#publicUrl} wants to change its e-mail to ${newEmail}. To approve it, open this link; the new address is asked next:`,
        'If it was not you, do not open the link. Change your password: that ends all other sessions.',
      ],
      link: { label: 'Approve the new e-mail', url: this.#confirmUrl(token) },
      usefulFor,
    };
  }

  emailChangeAsked({ userId, email }: To, newEmail: string): Letter {
    return {
      kind: 'email_change_asked',
      userId,
      to: email,
      subject: 'Your Donewell account is to get a new e-mail',
      paragraphs: [
        `Somebody who knows your password asked to change the e-mail of your account ${email} at ${this.#publicUrl} to ${newEmail}. It changes as soon as the new address is confirmed.`,
        'If it was not you, change your password now: that ends all other sessions and stops the change.',
      ],
    };
  }

  emailChanged({ userId, email }: To, newEmail: string): Letter {
    return {
      kind: 'email_changed',
      userId,
      to: email,
      subject: 'The e-mail of your Donewell account was changed',
      paragraphs: [
        `The account at ${this.#publicUrl} that had the e-mail ${email} now has ${newEmail}.`,
        'If it was not you, tell the operator of the server at once.',
      ],
    };
  }

  passwordChanged({ userId, email }: To): Letter {
    return {
      kind: 'password_changed',
      userId,
      to: email,
      subject: 'The password of your Donewell account was changed',
      paragraphs: [
        `The password of your account ${email} at ${this.#publicUrl} was changed. Sessions elsewhere were ended; API tokens, passkeys and other ways to sign in were not.`,
        `If it was not you, choose a new one at once: ${this.#publicUrl}/forgot-password`,
      ],
    };
  }

  /** @param what was done, up to the account. */
  wayInChanged({ userId, email }: To, what: string): Letter {
    return {
      kind: 'way_in_changed',
      userId,
      to: email,
      subject: 'What signs in to your Donewell account was changed',
      paragraphs: [
        `${what} your account ${email} at ${this.#publicUrl}.`,
        `If it was not you, choose a new password at once, which ends all sessions: ${this.#publicUrl}/forgot-password. Then look through what signs in to your account: ${this.#publicUrl}/account/security`,
      ],
    };
  }

  addressInUse({ userId, email }: To): Letter {
    return {
      kind: 'address_in_use',
      userId,
      to: email,
      subject: 'You already have a Donewell account',
      paragraphs: [
        `Somebody tried to use ${email} for an account at ${this.#publicUrl}. You already have one with this address, and nothing was changed.`,
        `If it was you: sign in with it, or choose a new password at ${this.#publicUrl}/forgot-password`,
        'If it was not you, there is nothing to do.',
      ],
    };
  }

  #resetUrl(token: string, redirectTo: string | undefined): string {
    if (redirectTo === undefined) return `${this.#publicUrl}/reset-password#token=${token}`;
    const url = new URL(redirectTo, this.#publicUrl);
    url.searchParams.set('token', token);
    return url.href;
  }

  /** The token is in the fragment: it reaches no server, no log and no other page with the address. */
  #confirmUrl(token: string): string {
    return `${this.#publicUrl}/verify-email#token=${token}`;
  }
}
