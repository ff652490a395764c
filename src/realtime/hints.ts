// Hints from node to node: that a user's tasks have changed, never what. They may be lost; the sweeper heals that.
import type { Database } from '../database/database.ts';
import { notifyChanges } from './repository.ts';

/** `[user id, revision]` */
export type Hint = [string, number];

/** Carries hints to the other nodes. */
export interface HintCarrier {
  publish(payload: string): Promise<void>;
}

/** NOTIFY takes payloads below 8,000 bytes. */
const HINTS_AT_ONCE = 120;
/** Milliseconds after a message in which hints are gathered for the next: many writes, one message; the first waits for none. */
const GATHERING = 10;

export function postgresCarrier(database: Database): HintCarrier {
  return {
    publish: async (payload) => void (await database.write(notifyChanges, [payload])),
  };
}

/** The first carrier, and the second whenever the first fails. */
export function withFallback(first: HintCarrier, second: HintCarrier): HintCarrier {
  return { publish: (payload) => first.publish(payload).catch(() => second.publish(payload)) };
}

export class HintBatch {
  readonly #carrier: HintCarrier;
  readonly #sending = new Set<Promise<void>>();
  #gathered = new Map<string, number>();
  /** Runs while hints are gathered. */
  #timer: NodeJS.Timeout | undefined;

  constructor(carrier: HintCarrier) {
    this.#carrier = carrier;
  }

  add(userId: string, rev: number): void {
    this.#gathered.set(userId, Math.max(rev, this.#gathered.get(userId) ?? 0));
    if (!this.#timer) this.#flush();
  }

  /** Sends what is still here and waits until it has been sent. */
  async close(): Promise<void> {
    this.#flush();
    clearTimeout(this.#timer);
    // What a write that ends later adds still goes out at once.
    this.#timer = undefined;
    await Promise.all(this.#sending);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gathered.size === 0) return;
    this.#timer = setTimeout(() => this.#flush(), GATHERING);
    const hints = [...this.#gathered];
    this.#gathered = new Map();
    const sent = this.#send(hints).finally(() => this.#sending.delete(sent));
    this.#sending.add(sent);
  }

  /** A failure is nobody's problem: the other nodes sweep. */
  async #send(hints: Hint[]): Promise<void> {
    for (let start = 0; start < hints.length; start += HINTS_AT_ONCE)
      await this.#carrier.publish(JSON.stringify(hints.slice(start, start + HINTS_AT_ONCE))).catch(() => {});
  }
}

/** The hints in a message; none in anything that is not one. */
export function hintsIn(payload: string): Hint[] {
  try {
    const parsed = JSON.parse(payload) as unknown;
    const isHint = (entry: unknown): entry is Hint =>
      Array.isArray(entry) && typeof entry[0] === 'string' && Number.isSafeInteger(entry[1]);
    return Array.isArray(parsed) ? parsed.filter(isHint) : [];
  } catch {
    return [];
  }
}
