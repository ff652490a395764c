// Work that is bounded by number: some at once in this process, and fewer of one user, so that nobody alone keeps others out.
import { overloaded } from '../database/failure.ts';

/** In one process; an export holds a connection for as long as it is read, an import for as long as it writes. */
export const EXPORTS_AT_ONCE = 3;
export const EXPORTS_OF_ONE_USER = 2;
export const IMPORTS_AT_ONCE = 2;
export const IMPORTS_OF_ONE_USER = 1;
/** Of these alone, so that nobody else waits for one. */
export const BULK_CONNECTIONS = EXPORTS_AT_ONCE + IMPORTS_AT_ONCE;

export class Slots {
  readonly #total: number;
  readonly #perUser: number;
  readonly #users = new Map<string, number>();
  #taken = 0;

  constructor(total: number, perUser: number) {
    this.#total = total;
    this.#perUser = perUser;
  }

  /** @returns what gives the place back; twice is once. @throws AppError `overloaded` (503) when there is none. */
  take(userId: string): () => void {
    const own = this.#users.get(userId) ?? 0;
    if (this.#taken >= this.#total || own >= this.#perUser) throw overloaded();
    this.#taken++;
    this.#users.set(userId, own + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken--;
      const left = (this.#users.get(userId) ?? 1) - 1;
      if (left === 0) this.#users.delete(userId);
      else this.#users.set(userId, left);
    };
  }
}
