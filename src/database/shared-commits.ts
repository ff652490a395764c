// Writes of one statement each, committed together where several wait: the commit costs as much as the writing.
import type pg from 'pg';
import { codeOf, overloaded } from './failure.ts';
import { ObjectRows } from './rows.ts';
import type { WriteStatement } from './statement.ts';
import { FailedTogether, sendTogether } from './statement-query.ts';
import type { Value } from './values.ts';

/** Writes that may wait; more than that are better told so at once. */
const MAXIMUM_WAITING = 2_000;
/** Writes of one commit, at most: each is answered only when all are done. */
const MAXIMUM_TOGETHER = 16;
/** Milliseconds after which waiting is given up: behind a database that hangs, all would otherwise wait for all. */
const PATIENCE = 10_000;
/**
 * Refusals of a statement as it runs: all that it was sent with is undone. Of other failures nobody can be so sure, and
 * not of all in class 40: 40003 says that it is not known.
 */
const REFUSED = /^(2[1-4]|40001|40P01|4[24]|54|55|P0|DW)/;
/** Its lock was not free, or it was picked to end a deadlock: by itself it may do better. */
const NOT_ITS_FAULT = /^(40001|40P01|55P03)$/;
/** Milliseconds for which an owner whose lock was not free writes alone: another node is writing for the same one, and goes on. */
const ALONE = 10_000;

/** Nothing of the write has happened, for no fault of its own that is known of: it is to be done by itself. */
export class UndoneTogether extends Error {}

interface Waiting {
  since: number;
  owner: string;
  statement: WriteStatement<unknown>;
  values: readonly Value[];
  resolve: (rows: unknown) => void;
  reject: (error: unknown) => void;
}

/** All nodes lock in this order, so that no two of their groups wait for each other. */
const byOwner = (one: Waiting, other: Waiting) =>
  one.owner < other.owner ? -1 : Number(one.owner > other.owner);

export class SharedCommits {
  readonly #pool: pg.Pool;
  /** Owners that write alone, and until when; the first to end come first. */
  readonly #alone = new Map<string, number>();
  #waiting: Waiting[] = [];
  #idle: number;
  #isDue = false;

  /** @param pool of these writes alone, each on its connection for as long as its commit takes. */
  constructor(pool: pg.Pool) {
    this.#pool = pool;
    this.#idle = pool.options.max;
  }

  /**
   * Runs a statement together with those that come in the same turn of the event loop, or wait already.
   * @param owner whose rows it locks.
   * @throws UndoneTogether when it has failed beside others, or its lock was not free, now or a while ago, for which they
   * are not to wait.
   */
  async run<Row>(owner: string, statement: WriteStatement<Row>, values: readonly Value[]): Promise<Row[]> {
    if (this.#isAlone(owner)) throw new UndoneTogether();
    if (this.#waiting.length >= MAXIMUM_WAITING) throw overloaded();
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        since: performance.now(),
        owner,
        statement,
        values,
        resolve: resolve as Waiting['resolve'],
        reject,
      });
      this.#plan();
    });
  }

  #isAlone(owner: string): boolean {
    return (this.#alone.get(owner) ?? 0) > performance.now();
  }

  #leaveAlone(owner: string): void {
    const now = performance.now();
    for (const [other, until] of this.#alone) {
      if (until > now) break;
      this.#alone.delete(other);
    }
    this.#alone.delete(owner);
    this.#alone.set(owner, now + ALONE);
  }

  #plan(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#begin();
    });
  }

  /** All idle connections take an equal share, so that none is idle while another has several to do. */
  #begin(): void {
    const late = performance.now() - PATIENCE;
    while ((this.#waiting[0]?.since ?? late) < late) this.#waiting.shift()?.reject(overloaded());
    for (; this.#idle > 0 && this.#waiting.length > 0; this.#idle--) {
      const share = Math.ceil(this.#waiting.length / this.#idle);
      const together = this.#waiting.splice(0, Math.min(share, MAXIMUM_TOGETHER));
      void this.#commit(together.sort(byOwner));
    }
  }

  async #commit(together: readonly Waiting[]): Promise<void> {
    try {
      const client = await this.#connect();
      const results = await send(client, together);
      together.forEach(({ resolve }, index) => {
        resolve(results[index]);
      });
    } catch (error) {
      this.#failed(together, error);
    }
    this.#idle++;
    if (this.#waiting.length > 0) this.#plan();
  }

  /** Where it is known that one was refused, only that one is told so; the others are sent again without it. */
  #failed(together: readonly Waiting[], error: unknown): void {
    const { place, cause } = error instanceof FailedTogether ? error : { place: -1, cause: error };
    const code = codeOf(cause);
    if (!REFUSED.test(code) || (together.length === 1 && !NOT_ITS_FAULT.test(code))) {
      for (const { reject } of together) reject(cause);
      return;
    }
    const undone = new UndoneTogether(undefined, { cause });
    const refused = together[place];
    if (refused && NOT_ITS_FAULT.test(code)) this.#leaveAlone(refused.owner);
    for (const { reject } of refused ? [refused] : together) reject(undone);
    if (refused) this.#waiting.unshift(...together.filter((one) => one !== refused));
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      // Those behind would try in vain, too, one group after the other.
      for (const { reject } of this.#waiting.splice(0)) reject(error);
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

async function send(client: pg.PoolClient, together: readonly Waiting[]): Promise<unknown[]> {
  try {
    const results = await sendTogether(
      client,
      // Rows of their own at each attempt: those of one that was undone are not true.
      together.map(({ statement, values }) => ({ statement, values, rows: new ObjectRows() })),
    );
    client.release();
    return results;
  } catch (error) {
    // It may be gone or out of step with its prepared statements: a new one is cheap.
    client.release(true);
    throw error;
  }
}
