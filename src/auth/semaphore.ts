// So much at once and no more; the others wait in a queue that is bounded, too.
import { overloaded } from '../database/failure.ts';

export class Semaphore {
  readonly #atOnce: number;
  readonly #longestQueue: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(atOnce: number, longestQueue: number) {
    this.#atOnce = atOnce;
    this.#longestQueue = longestQueue;
  }

  /** @throws AppError `overloaded` (503) when too many are waiting already. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.length >= this.#longestQueue) throw overloaded();
      // Whoever finishes hands its place over, so `#running` does not change.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
