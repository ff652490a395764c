// Wrong sign-ins and sign-ups are limited by address and e-mail, wrong current passwords by account, whichever door they
// come through.
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import {
  BEGINNINGS_PER_ADDRESS,
  SIGN_UP_MINUTES,
  SIGN_UPS_PER_ADDRESS,
  WRONG_CODE_HOURS,
  WRONG_CODES_PER_ACCOUNT,
  WRONG_PASSWORDS_PER_ACCOUNT,
  WRONG_SIGN_IN_MINUTES,
  WRONG_SIGN_INS_PER_ADDRESS,
  WRONG_SIGN_INS_PER_EMAIL,
} from '../../contract/limits.ts';
import type { Database } from '../database/database.ts';
import { overloaded } from '../database/failure.ts';
import { limitAddress } from '../http/client-address.ts';
import {
  type RateStore,
  type RateWindow,
  rateLimited,
  type WindowOptions,
  type WindowState,
} from '../http/rate-limit.ts';
import { HASHES_AT_ONCE } from './hashing.ts';
import { hasSignedInFrom, isAddressOf, rememberAddress } from './repository.ts';
import { Semaphore } from './semaphore.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** Sign-ins of this process that may wait for others to end, and for how many milliseconds. */
const LONGEST_QUEUE = 64;
const PATIENCE = 30_000;
/** While one password is checked the next sign-in is made ready. More would only come between those who are signed in and theirs. */
const SIGN_INS_AT_ONCE = 2 * HASHES_AT_ONCE;
/** Milliseconds after which one that waits asks again: another node does not tell when its attempts end. */
const ASK_AGAIN = 100;

/** How an attempt that was let through ended; a right one leaves no trace. */
type Settle = (right: boolean) => Promise<void>;

let waiting = 0;

/** @throws AppError `overloaded` (503) when too many wait already or this one has waited too long. */
async function waitForAnother(others: Iterable<Promise<void>>, since: number): Promise<void> {
  if (waiting >= LONGEST_QUEUE || Date.now() - since > PATIENCE) throw overloaded();
  waiting++;
  await Promise.race([...others, setTimeout(ASK_AGAIN, undefined, { ref: false })]);
  waiting--;
}

/**
 * Attempts on one key. Wrong ones and those under way together never exceed the limit, on all nodes: so however many come
 * at once, no more wrong ones than that are answered. But only wrong ones refuse: for one under way the next waits.
 */
class Attempts {
  readonly #wrong: RateWindow;
  readonly #underWay: RateWindow;
  readonly #limit: number;
  readonly #ends = new Map<string, Set<Promise<void>>>();

  constructor(store: RateStore, options: WindowOptions) {
    this.#wrong = store.window(options);
    // However long wrong ones count, what a node that died had under way is forgotten soon.
    const duration = Math.min(options.duration, WRONG_SIGN_IN_MINUTES * MINUTE);
    this.#underWay = store.window({ ...options, name: `${options.name}-now`, duration });
    this.#limit = options.points;
  }

  /** @returns what settles the attempt, or the state that refuses it. */
  async begin(key: string): Promise<Settle | WindowState> {
    for (const since = Date.now(); ; ) {
      // In this order, and the reverse at the end: one that ends meanwhile is seen twice rather than not at all.
      const underWay = await this.#underWay.consume(key);
      const wrong = await this.#wrong.look(key);
      if (underWay.used + wrong.used <= this.#limit) return this.#track(key);
      const others = this.#ends.get(key) ?? [];
      await this.#underWay.refund(key);
      if (!wrong.allowed) return wrong;
      await waitForAnother(others, since);
    }
  }

  #track(key: string): Settle {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ends = this.#ends.get(key) ?? new Set();
    this.#ends.set(key, ends.add(promise));
    return async (right) => {
      try {
        if (!right) await this.#wrong.consume(key);
        await this.#underWay.refund(key);
      } finally {
        ends.delete(promise);
        if (ends.size === 0) this.#ends.delete(key);
        resolve();
      }
    };
  }
}

/** How an attempt ended. */
interface Outcome<Result> {
  /** Whether what was given was right. */
  right: boolean;
  /** Who is signed in by it, whose address this therefore is; nobody where a second factor is still asked for. */
  userId?: string | undefined;
  result: Result;
}

/** Runs the attempt and settles it. Of a failure that is not the password's nothing counts. */
async function settled<Ended extends { right: boolean }>(
  settle: Settle,
  run: () => Promise<Ended>,
): Promise<Ended> {
  const outcome = await run().catch(async (error: unknown) => {
    await settle(true).catch(() => {});
    throw error;
  });
  // A wrong one that cannot be counted must not be answered; a right one has happened.
  await settle(outcome.right).catch((error: unknown) => {
    if (!outcome.right) throw error;
  });
  return outcome;
}

/** What an e-mail is counted under: of one length, and no e-mail. */
function keyOf(email: string): string {
  return createHash('sha256').update(email).digest('base64url');
}

export interface SignInAttempt {
  email: string;
  /** The client's address as `clientAddress` tells it. */
  address: string;
}

export interface CodeAttempt {
  userId: string;
  /** As above. */
  address: string;
  /** Recovery codes cannot be guessed: of them only the address's share is counted, so that they work when all else is used up. */
  kind: 'code' | 'recovery code';
}

export class SignInLimits {
  readonly #database: Database;
  readonly #byAddress: Attempts;
  readonly #byEmail: Attempts;
  readonly #codes: Attempts;
  readonly #byAccount: Attempts;
  readonly #signUps: RateWindow;
  readonly #beginnings: RateWindow;
  readonly #semaphore = new Semaphore(SIGN_INS_AT_ONCE, LONGEST_QUEUE);

  constructor(database: Database, store: RateStore) {
    const duration = WRONG_SIGN_IN_MINUTES * MINUTE;
    this.#database = database;
    this.#byAddress = new Attempts(store, {
      name: 'sign-in-address',
      points: WRONG_SIGN_INS_PER_ADDRESS,
      duration,
    });
    this.#byEmail = new Attempts(store, {
      name: 'sign-in-email',
      points: WRONG_SIGN_INS_PER_EMAIL,
      duration,
    });
    this.#codes = new Attempts(store, {
      name: 'two-factor-account',
      points: WRONG_CODES_PER_ACCOUNT,
      duration: WRONG_CODE_HOURS * HOUR,
    });
    this.#byAccount = new Attempts(store, {
      name: 'password-check',
      points: WRONG_PASSWORDS_PER_ACCOUNT,
      duration,
    });
    this.#beginnings = store.window({
      name: 'begin-address',
      points: BEGINNINGS_PER_ADDRESS,
      duration,
    });
    this.#signUps = store.window({
      name: 'sign-up-address',
      points: SIGN_UPS_PER_ADDRESS,
      duration: SIGN_UP_MINUTES * MINUTE,
    });
  }

  /**
   * Runs a sign-in under the limits.
   * @param signIn tells whether the password was right; when it throws, nothing counts.
   * @throws AppError `rate_limited` (429) without running it.
   */
  async attempt<Result>(attempt: SignInAttempt, signIn: () => Promise<Outcome<Result>>): Promise<Result> {
    const address = limitAddress(attempt.address);
    const email = attempt.email.toLowerCase();
    const inTurn = () => this.#semaphore.run(signIn);
    const { userId, result } = await this.#fromAddress(address, async () => {
      const settleEmail = await this.#byEmail.begin(keyOf(email));
      if (typeof settleEmail === 'function') return settled(settleEmail, inTurn);
      // The owner gets in from an address of theirs, however many wrong attempts others made.
      if (await this.#isKnown(email, address)) return inTurn();
      throw rateLimited('Too many wrong sign-ins for this e-mail.', settleEmail);
    });
    if (userId !== undefined) await this.#remember(userId, address);
    return result;
  }

  /**
   * Checks a second factor under the limits: a wrong one counts as a wrong sign-in from the address, and for the account.
   * Each address that the account knows has a count of its own; all others share one, and cannot use up the owner's.
   * @throws AppError `rate_limited` (429) without running it.
   */
  async attemptCode(attempt: CodeAttempt, isRight: () => Promise<boolean>): Promise<boolean> {
    const { userId, kind } = attempt;
    const address = limitAddress(attempt.address);
    const run = async () => ({ right: await isRight() });
    const { right } = await this.#fromAddress(address, async () => {
      if (kind === 'recovery code') return run();
      const [row] = await this.#database.read(isAddressOf, [userId, address]);
      const settle = await this.#codes.begin(row?.known ? keyOf(`${userId} ${address}`) : keyOf(userId));
      if (typeof settle === 'function') return settled(settle, run);
      throw rateLimited('Too many wrong codes for this account: use a recovery code.', settle);
    });
    return right;
  }

  /**
   * Runs a check of the current password of somebody who is signed in. It has a count of its own: who guesses with a
   * stolen session is stopped, and its owner can still sign in.
   * @param check when it throws, nothing counts.
   * @throws AppError `rate_limited` (429) without running it.
   */
  async attemptCheck<Result>(userId: string, check: () => Promise<Outcome<Result>>): Promise<Result> {
    const settle = await this.#byAccount.begin(userId);
    if (typeof settle !== 'function') throw rateLimited('Too many wrong passwords for this account.', settle);
    return (await settled(settle, check)).result;
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

  /** Counts what anybody may begin and what costs us a row until it is over. @throws AppError `rate_limited` (429). */
  async countBeginning(address: string): Promise<void> {
    const state = await this.#beginnings.consume(limitAddress(address));
    if (!state.allowed) throw rateLimited('Too many sign-ins were begun from your address.', state);
  }

  /** Remembers that this address belongs to the account. */
  async remember(userId: string, address: string): Promise<void> {
    await this.#remember(userId, limitAddress(address));
  }

  async #fromAddress<Ended extends { right: boolean }>(
    address: string,
    run: () => Promise<Ended>,
  ): Promise<Ended> {
    const settle = await this.#byAddress.begin(address);
    if (typeof settle === 'function') return settled(settle, run);
    throw rateLimited('Too many wrong sign-ins from your address.', settle);
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
