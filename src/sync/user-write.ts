// A write to one user's tasks: the user's row is locked, each change takes the next revision, the counters follow.
import type { Priority } from '../../contract/task.ts';
import { unauthenticated } from '../auth/guard.ts';
import type { Database, Transaction } from '../database/database.ts';
import {
  type Owned,
  type ReadStatement,
  valuesForEach,
  type WriteForEach,
  type WriteStatement,
} from '../database/statement.ts';
import type { Value } from '../database/values.ts';
import { inTurn } from './turns.ts';
import { advanceUserRow, type Counts, lockUserRow } from './user-row.ts';

/** What of a task the counters see; undefined when it is not there (not yet, or in the trash). */
export type Countable = { priority: Priority; status: boolean } | undefined;

/** What a write changes in the counters. */
export class CountChanges {
  readonly #changes: Record<Priority, Counts> = {
    1: { total: 0, completed: 0 },
    2: { total: 0, completed: 0 },
    3: { total: 0, completed: 0 },
  };

  /** One task's counted state goes from `before` to `after`. */
  count(before: Countable, after: Countable): this {
    this.#add(before, -1);
    this.#add(after, 1);
    return this;
  }

  #add(task: Countable, by: 1 | -1): void {
    if (!task) return;
    const change = this.#changes[task.priority];
    change.total += by;
    if (task.status) change.completed += by;
  }

  /** As the statements on the user's row take them. */
  values(): number[] {
    const { 1: low, 2: medium, 3: high } = this.#changes;
    return [low, medium, high].flatMap(({ total, completed }) => [total, completed]);
  }
}

/** A change of one task by a statement that begins with `ADVANCING`. */
export interface Change {
  statement: WriteStatement<never>;
  before: Countable;
  after: Countable;
  /** What the statement takes besides what the user's row does. */
  values: readonly Value[];
}

/** What a statement that takes the next revision by itself tells of the task that it has written. */
export interface Advanced extends Owned {
  rev: number;
}

interface Locked {
  rev: number;
  now: string;
}

export class UserWrite {
  readonly transaction: Transaction;
  readonly userId: string;
  readonly #locking: Promise<Locked>;
  #locked: Locked | undefined;
  #taken = 0;
  #advanced: number | undefined;
  readonly #counts = new CountChanges();

  /** Sends the lock, without waiting for it. */
  constructor(transaction: Transaction, userId: string) {
    this.transaction = transaction;
    this.userId = userId;
    this.#locking = this.#lock();
    this.#locking.catch(() => {}); // told by whoever waits
  }

  async #lock(): Promise<Locked> {
    const [locked] = await this.transaction.query(lockUserRow, [this.userId]);
    // The account was deleted after the session had been found.
    if (!locked) throw unauthenticated();
    this.#locked = locked;
    return locked;
  }

  /** Waits for the lock. */
  async locked(): Promise<void> {
    await this.#locking;
  }

  /** Reads what is there under the lock: sent right behind it, so that it costs no round trip of its own. */
  async read<Row>(statement: ReadStatement<Row>, values: readonly (string | number)[]): Promise<Row[]> {
    const reading = this.transaction.query(statement, values);
    reading.catch(() => {});
    await this.#locking;
    return reading;
  }

  get #state(): Locked {
    if (!this.#locked) throw new Error('A write must wait for its lock: call read() or locked() first');
    return this.#locked;
  }

  /** The time of everything in this write. */
  get now(): string {
    return this.#state.now;
  }

  /** The user's revision as it will be after this write. */
  get rev(): number {
    return this.#state.rev + this.#taken;
  }

  /** Takes the next revision for one changed task, whose counted state goes from `before` to `after`. */
  change(before: Countable, after: Countable): number {
    this.#counts.count(before, after);
    this.#taken += 1;
    return this.rev;
  }

  /**
   * Makes the one change of this write by a statement that takes the revision itself: sent right behind the lock, too.
   * @returns nothing when it did nothing.
   */
  async advance<Input extends Owned, Row extends Advanced>(
    statement: WriteForEach<Input, Row>,
    input: Input,
  ): Promise<Row | undefined> {
    const advancing = this.transaction.query(statement, valuesForEach([input]));
    advancing.catch(() => {});
    await this.#locking;
    const [row] = await advancing;
    this.#advanced = row?.rev;
    return row;
  }

  /** Makes the one change of this write by a statement that begins with `ADVANCING`. @returns the new revision. */
  changeAtOnce({ statement, before, after, values }: Change): number {
    const rev = this.#state.rev + 1;
    const counts = new CountChanges().count(before, after).values();
    this.transaction.queue(statement, [this.userId, rev, this.now, ...counts, ...values]);
    this.#advanced = rev;
    return rev;
  }

  /** Writes the user's row. @returns its new revision, if anything changed. */
  async finish(): Promise<number | undefined> {
    await this.#locking;
    if (this.#taken === 0) return this.#advanced;
    this.transaction.queue(advanceUserRow, [this.userId, this.rev, this.now, ...this.#counts.values()]);
    return this.rev;
  }
}

/** Where writes go, and who hears of them. */
export interface Writes {
  database: Database;
  /** Called after each commit that changed tasks, with the user's new revision. It must not throw. */
  announce?: (userId: string, rev: number) => void;
}

/**
 * Runs `run` with the user's row locked: one user's writes follow one another, different users never wait.
 * Old rows must be read inside, in statements of their own: only those see what the writer before has committed.
 */
export async function writeForUser<Result>(
  { database, announce }: Writes,
  userId: string,
  run: (write: UserWrite) => Promise<Result>,
): Promise<Result> {
  const transact = () =>
    database.transaction(async (transaction) => {
      const write = new UserWrite(transaction, userId);
      const result = await run(write);
      return { result, rev: await write.finish() };
    });
  const { result, rev } = await inTurn(userId, transact);
  // After the commit, never before: what is announced can be read.
  if (rev !== undefined) announce?.(userId, rev);
  return result;
}

/**
 * Makes one change whose statement is the whole write, in one round trip.
 * @returns nothing when the statement found a reason to do nothing, as that the user's row is locked elsewhere, or not there any more.
 */
export async function writeAtOnce<Input extends Owned, Row extends Advanced>(
  { database, announce }: Writes,
  statement: WriteForEach<Input, Row>,
  input: Input,
): Promise<Row | undefined> {
  const { user_id } = input;
  const row = await inTurn(user_id, () => database.writeTogether(statement, input));
  if (row) announce?.(user_id, row.rev);
  return row;
}
