// Counting requests: fixed windows that start with their first request.
import type { FastifyReply } from 'fastify';
import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import { translate } from '../database/failure.ts';
import { AppError } from '../errors.ts';

export interface WindowOptions {
  name: string;
  /** Requests in one window. */
  points: number;
  /** Length of the window in seconds. */
  duration: number;
}

export interface WindowState {
  allowed: boolean;
  /** Counted so far in this window, refused ones included. */
  used: number;
  remaining: number;
  /** Seconds until the window ends, at least 1. */
  resetAfter: number;
}

export interface Counter {
  /** Counts one for a key: how many there are now in its window, which ends in so many milliseconds. */
  count(key: string): Promise<{ used: number; milliseconds: number }>;
  /** Takes one back. */
  refund(key: string): Promise<void>;
}

/** One counter a key. */
export class RateWindow {
  readonly options: WindowOptions;
  readonly #limiter: RateLimiterAbstract;
  readonly #counter: Counter | undefined;

  /** @param counter counts instead of the limiter, in the same place. */
  constructor(options: WindowOptions, limiter: RateLimiterAbstract, counter?: Counter) {
    this.options = options;
    this.#limiter = limiter;
    this.#counter = counter;
  }

  /** Counts one. @throws AppError 503 when the counters cannot be reached. */
  async consume(key: string): Promise<WindowState> {
    if (this.#counter) {
      const { used, milliseconds } = await this.#counter.count(key);
      const remaining = Math.max(0, this.options.points - used);
      return { allowed: used <= this.options.points, used, remaining, resetAfter: secondsOf(milliseconds) };
    }
    try {
      return stateOf(await this.#limiter.consume(key), true);
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return stateOf(refused, false);
      throw translate(refused);
    }
  }

  /** How it stands, without counting. @throws AppError 503 as `consume`. */
  async look(key: string): Promise<WindowState> {
    const { points, duration } = this.options;
    try {
      const result = await this.#limiter.get(key);
      if (result) return stateOf(result, result.consumedPoints < points);
    } catch (error) {
      throw translate(error);
    }
    return { allowed: true, used: 0, remaining: points, resetAfter: duration };
  }

  /** Takes one back. @throws AppError 503 as `consume`. */
  async refund(key: string): Promise<void> {
    if (this.#counter) return this.#counter.refund(key);
    try {
      await this.#limiter.reward(key, 1);
    } catch (error) {
      throw translate(error);
    }
  }
}

function stateOf(result: RateLimiterRes, allowed: boolean): WindowState {
  return {
    allowed,
    used: result.consumedPoints,
    remaining: result.remainingPoints,
    resetAfter: secondsOf(result.msBeforeNext),
  };
}

function secondsOf(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}

/** Where the counters live. */
export interface RateStore {
  window(options: WindowOptions): RateWindow;
  close(): Promise<void>;
}

/** Tells the client where it stands (draft-ietf-httpapi-ratelimit-headers). */
export function setRateHeaders(reply: FastifyReply, options: WindowOptions, state: WindowState): void {
  reply.header('ratelimit-policy', `"${options.name}";q=${options.points};w=${options.duration}`);
  reply.header('ratelimit', `"${options.name}";r=${state.remaining};t=${state.resetAfter}`);
}

export function rateLimited(detail: string, state: WindowState): AppError {
  const seconds = state.resetAfter === 1 ? 'a second' : `${state.resetAfter} seconds`;
  return new AppError('rate_limited', `${detail} Try again in ${seconds}.`, { retryAfter: state.resetAfter });
}
