// A write to one user's tasks: the user's row is locked, each change takes the next revision, the counters follow.
import type { Priority } from '../../contract/task.ts';
import { unauthenticated } from '../auth/guard.ts';
import type { Database, Transaction } from '../database/database.ts';
import { inTurn } from './turns.ts';
import { advanceUserRow, type Counts, lockUserRow } from './user-row.ts';

/** What of a task the counters see; undefined when it is not there (not yet, or in the trash). */
export type Countable = { priority: Priority; status: boolean } | undefined;

export class UserWrite {
  readonly transaction: Transaction;
  readonly userId: string;
  /** The time of everything in this write. */
  readonly now: string;
  #rev: number;
  readonly #lockedRev: number;
  readonly #deltas: Record<Priority, Counts> = {
    1: { total: 0, completed: 0 },
    2: { total: 0, completed: 0 },
    3: { total: 0, completed: 0 },
  };

  constructor(transaction: Transaction, userId: string, locked: { rev: number; now: string }) {
    this.transaction = transaction;
    this.userId = userId;
    this.now = locked.now;
    this.#rev = locked.rev;
    this.#lockedRev = locked.rev;
  }

  /** The user's revision as it will be after this write. */
  get rev(): number {
    return this.#rev;
  }

  /** Takes the next revision for one changed task, whose counted state goes from `before` to `after`. */
  change(before: Countable, after: Countable): number {
    this.#count(before, -1);
    this.#count(after, 1);
    this.#rev += 1;
    return this.#rev;
  }

  #count(task: Countable, by: 1 | -1): void {
    if (!task) return;
    const delta = this.#deltas[task.priority];
    delta.total += by;
    if (task.status) delta.completed += by;
  }

  /** Writes the user's row, if anything changed. */
  finish(): void {
    if (this.#rev === this.#lockedRev) return;
    const { 1: low, 2: medium, 3: high } = this.#deltas;
    const deltas = [low, medium, high].flatMap(({ total, completed }) => [total, completed]);
    this.transaction.queue(advanceUserRow, [this.userId, this.#rev, this.now, ...deltas]);
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
      const [locked] = await transaction.query(lockUserRow, [userId]);
      // The account was deleted after the session had been found.
      if (!locked) throw unauthenticated();
      const write = new UserWrite(transaction, userId, locked);
      const result = await run(write);
      write.finish();
      return { result, rev: write.rev > locked.rev ? write.rev : undefined };
    });
  const { result, rev } = await inTurn(userId, transact);
  // After the commit, never before: what is announced can be read.
  if (rev !== undefined) announce?.(userId, rev);
  return result;
}
