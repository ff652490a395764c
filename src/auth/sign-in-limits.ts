// Wrong sign-ins and sign-ups are limited by address and e-mail, whichever door they come through.
import {
  SIGN_UP_MINUTES,
  SIGN_UPS_PER_ADDRESS,
  WRONG_SIGN_IN_MINUTES,
  WRONG_SIGN_INS_PER_ADDRESS,
  WRONG_SIGN_INS_PER_EMAIL,
} from '../../contract/limits.ts';
import type { Database } from '../database/database.ts';
import { limitAddress } from '../http/client-address.ts';
import { type RateStore, type RateWindow, rateLimited, type WindowState } from '../http/rate-limit.ts';
import { hasSignedInFrom, rememberAddress } from './repository.ts';

const MINUTE = 60;

/**
 * Attempts on one key that may still turn out right. A wrong one has used up a point; a right one gives it back, so
 * while others are in flight a refusal is not final: it waits for one of them and asks again.
 */
class Reservations {
  readonly #window: RateWindow;
  readonly #inFlight = new Map<string, Set<Promise<void>>>();

  constructor(window: RateWindow) {
    this.#window = window;
  }

  /** @returns what settles the attempt (`right`: it does not count), or the state that refuses it. */
  async reserve(key: string): Promise<((right: boolean) => Promise<void>) | WindowState> {
    for (;;) {
      const others = [...(this.#inFlight.get(key) ?? [])];
      const state = await this.#window.consume(key);
      if (state.allowed) return this.#track(key);
      await this.#window.refund(key);
      if (others.length === 0) return state;
      await Promise.race(others);
    }
  }

  #track(key: string): (right: boolean) => Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const others = this.#inFlight.get(key) ?? new Set();
    this.#inFlight.set(key, others.add(promise));
    return async (right) => {
      try {
        if (right) await this.#window.refund(key);
      } finally {
        others.delete(promise);
        if (others.size === 0) this.#inFlight.delete(key);
        resolve();
      }
    };
  }
}

export interface SignInAttempt {
  email: string;
  /** The client's address as `clientAddress` tells it. */
  address: string;
}

export class SignInLimits {
  readonly #database: Database;
  readonly #byAddress: Reservations;
  readonly #byEmail: Reservations;
  readonly #signUps: RateWindow;

  constructor(database: Database, store: RateStore) {
    const duration = WRONG_SIGN_IN_MINUTES * MINUTE;
    this.#database = database;
    this.#byAddress = new Reservations(
      store.window({ name: 'sign-in-address', points: WRONG_SIGN_INS_PER_ADDRESS, duration }),
    );
    this.#byEmail = new Reservations(
      store.window({ name: 'sign-in-email', points: WRONG_SIGN_INS_PER_EMAIL, duration }),
    );
    this.#signUps = store.window({
      name: 'sign-up-address',
      points: SIGN_UPS_PER_ADDRESS,
      duration: SIGN_UP_MINUTES * MINUTE,
    });
  }

  /**
   * Runs a sign-in under the limits.
   * @param signIn the user's id when the password was right, undefined when it was wrong; when it throws, nothing counts.
   * @throws AppError `rate_limited` (429) without running it.
   */
  async attempt<Result>(
    attempt: SignInAttempt,
    signIn: () => Promise<{ userId: string | undefined; result: Result }>,
  ): Promise<Result> {
    const address = limitAddress(attempt.address);
    const email = attempt.email.toLowerCase().slice(0, 254);
    const settleAddress = await this.#byAddress.reserve(address);
    if (typeof settleAddress !== 'function')
      throw rateLimited('Too many wrong sign-ins from your address.', settleAddress);
    const settleEmail = await this.#byEmail.reserve(email).catch(async (error: unknown) => {
      await settleAddress(true);
      throw error;
    });
    let right = true; // of a failure that is not the password's nothing counts
    try {
      // The owner gets in from an address of theirs, however many wrong attempts others made.
      if (typeof settleEmail !== 'function' && !(await this.#isKnown(email, address))) {
        throw rateLimited('Too many wrong sign-ins for this e-mail.', settleEmail);
      }
      const { userId, result } = await signIn();
      right = userId !== undefined;
      if (userId !== undefined) await this.#remember(userId, address);
      return result;
    } finally {
      await settleAddress(right);
      if (typeof settleEmail === 'function') await settleEmail(right);
    }
  }

  /**
   * Counts a sign-up.
   * @returns what takes the count back, for an attempt that was refused for its form.
   * @throws AppError `rate_limited` (429).
   */
  async countSignUp(address: string): Promise<() => Promise<void>> {
    const key = limitAddress(address);
    const state = await this.#signUps.consume(key);
    if (!state.allowed) throw rateLimited('Too many accounts were made from your address.', state);
    return () => this.#signUps.refund(key);
  }

  /** Remembers that this address belongs to the account. */
  async remember(userId: string, address: string): Promise<void> {
    await this.#remember(userId, limitAddress(address));
  }

  async #remember(userId: string, address: string): Promise<void> {
    // The sign-in itself is done by now: a failure here must not turn it into an error.
    await this.#database
      .transaction(async (transaction) => transaction.queue(rememberAddress, [userId, address]))
      .catch(() => {});
  }

  async #isKnown(email: string, address: string): Promise<boolean> {
    const [row] = await this.#database.read(hasSignedInFrom, [email, address]);
    return row?.known ?? false;
  }
}
