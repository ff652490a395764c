// Writes of one statement each, done together where several wait: one commit for all, and one statement for all of a kind.
import type pg from 'pg';
import { codeOf, overloaded } from './failure.ts';
import { ObjectRows } from './rows.ts';
import { MOST_AT_ONCE, type Owned, valuesForEach, type WriteForEach } from './statement.ts';
import { FailedTogether, sendTogether } from './statement-query.ts';

/** Writes that may wait; more than that are better told so at once. */
const MAXIMUM_WAITING = 2_000;
/** Milliseconds after which waiting is given up: behind a database that hangs, all would otherwise wait for all. */
const PATIENCE = 10_000;
/**
 * Refusals of a statement as it runs: all that it was sent with is undone. Of other failures nobody can be so sure, and
 * not of all in class 40: 40003 says that it is not known.
 */
const REFUSED = /^(2[1-4]|40001|40P01|4[24]|54|55|P0|DW)/;
/** Its lock was not free, or it was picked to end a deadlock: by itself it may do better. */
const NOT_ITS_FAULT = /^(40001|40P01|55P03)$/;

/** Nothing of the write has happened, for no fault of its own that is known of: it is to be done by itself. */
export class UndoneTogether extends Error {}

interface Waiting {
  since: number;
  statement: WriteForEach<Owned, Owned>;
  input: Owned;
  resolve: (row: unknown) => void;
  reject: (error: unknown) => void;
}

export class SharedCommits {
  readonly #pool: pg.Pool;
  /** Whose writes wait or are under way. */
  readonly #users = new Set<string>();
  #waiting: Waiting[] = [];
  #idle: number;
  #isDue = false;

  /** @param pool of these writes alone, each on its connection for as long as its commit takes. */
  constructor(pool: pg.Pool) {
    this.#pool = pool;
    this.#idle = pool.options.max;
  }

  /**
   * Runs a statement together with those that come in the same turn of the event loop, or wait already. A user's next write must
   * wait until this has ended.
   * @returns the user's row, if there is one.
   * @throws UndoneTogether when it has failed beside others.
   */
  async run<Input extends Owned, Row extends Owned>(
    statement: WriteForEach<Input, Row>,
    input: Input,
  ): Promise<Row | undefined> {
    if (this.#waiting.length >= MAXIMUM_WAITING) throw overloaded();
    const { user_id } = input;
    // Two changes of one row in one statement: only one of them would happen.
    if (this.#users.has(user_id)) throw new Error('A user cannot write twice at once');
    this.#users.add(user_id);
    try {
      return await new Promise<Row | undefined>((resolve, reject) => {
        const since = performance.now();
        this.#waiting.push({ since, statement, input, resolve: resolve as Waiting['resolve'], reject });
        this.#plan();
      });
    } finally {
      this.#users.delete(user_id);
    }
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
      // Not more: each is answered only when all are done.
      void this.#commit(this.#waiting.splice(0, Math.min(share, MOST_AT_ONCE)));
    }
  }

  async #commit(together: readonly Waiting[]): Promise<void> {
    const kinds = [...Map.groupBy(together, ({ statement }) => statement).values()];
    try {
      const client = await this.#connect();
      const results = await send(client, kinds);
      kinds.forEach((kind, index) => {
        const rows = new Map(results[index]?.map((row) => [row.user_id, row]));
        for (const { input, resolve } of kind) resolve(rows.get(input.user_id));
      });
    } catch (error) {
      this.#failed(kinds, error);
    }
    this.#idle++;
    if (this.#waiting.length > 0) this.#plan();
  }

  /** Where it is known which statement was refused, only those of it are told so; the others are sent again without it. */
  #failed(kinds: readonly Waiting[][], error: unknown): void {
    const { place, cause } = error instanceof FailedTogether ? error : { place: -1, cause: error };
    const code = codeOf(cause);
    const together = kinds.flat();
    if (!REFUSED.test(code) || (together.length === 1 && !NOT_ITS_FAULT.test(code))) {
      for (const { reject } of together) reject(cause);
      return;
    }
    const undone = new UndoneTogether(undefined, { cause });
    const refused = kinds[place] ?? together;
    for (const { reject } of refused) reject(undone);
    this.#waiting.unshift(...together.filter((one) => !refused.includes(one)));
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

/** @returns the rows of each kind. */
async function send(client: pg.PoolClient, kinds: readonly Waiting[][]): Promise<Owned[][]> {
  try {
    const sendings = kinds.map((kind) => ({
      statement: (kind[0] as Waiting).statement,
      values: valuesForEach(kind.map(({ input }) => input)),
      // Rows of their own at each attempt: those of one that was undone are not true.
      rows: new ObjectRows(),
    }));
    const results = await sendTogether(client, sendings);
    client.release();
    return results as Owned[][];
  } catch (error) {
    // It may be gone or out of step with its prepared statements: a new one is cheap.
    client.release(true);
    throw error;
  }
}
