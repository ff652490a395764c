// Changes that the database of the browser has not committed yet, written down at once: a page may be left at any moment.
import type { Operation } from './operations.ts';

/** By number, as they are to be sent. Where storage is closed or full, the database alone must do. */
export class Journal {
  readonly #name: string;

  constructor(userId: string) {
    this.#name = `donewell-${userId}-unsaved`;
  }

  read(): unknown[] {
    return Object.values(this.#entries());
  }

  /** False where storage is closed or full. */
  put(operations: readonly Operation[]): boolean {
    return this.#change((entries) => {
      for (const operation of operations) entries[operation.seq] = operation;
    });
  }

  /** Forgets what is committed by now, unless it has been written down anew since. */
  settle(committed: readonly Operation[]): void {
    this.#change((entries) => {
      for (const operation of committed) {
        if (JSON.stringify(entries[operation.seq]) === JSON.stringify(operation))
          delete entries[operation.seq];
      }
    });
  }

  remove(seq: number): void {
    this.#change((entries) => {
      delete entries[seq];
    });
  }

  erase(): void {
    try {
      localStorage.removeItem(this.#name);
    } catch {
      // Closed: there is nothing to erase.
    }
  }

  /** What cannot be read is as if it were not there: it must not keep anything else from being written. */
  #entries(): Record<string, Operation> {
    try {
      const entries: unknown = JSON.parse(localStorage.getItem(this.#name) ?? '{}');
      return typeof entries === 'object' && entries !== null ? (entries as Record<string, Operation>) : {};
    } catch {
      return {};
    }
  }

  #change(work: (entries: Record<string, Operation>) => void): boolean {
    try {
      const entries = this.#entries();
      work(entries);
      if (Object.keys(entries).length === 0) localStorage.removeItem(this.#name);
      else localStorage.setItem(this.#name, JSON.stringify(entries));
      return true;
    } catch {
      return false;
    }
  }
}
