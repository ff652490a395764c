// When each session was last used: noted in memory at every request, written down together once a minute.
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { writeSessionUses } from './repository.ts';

const EVERY = 60_000;
/** Sessions in one statement. */
const WRITTEN_AT_ONCE = 1_000;
/** Sessions that are noted in one interval; of more the rest stay as they were for that interval. */
const NOTED_AT_MOST = 100_000;

export class SessionUses {
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  /** Milliseconds since the epoch by session id. */
  #noted = new Map<string, number>();
  #writing = Promise.resolve();

  constructor(database: Database, logger: Logger) {
    this.#database = database;
    this.#logger = logger;
    this.#timer = setInterval(() => void this.write(), EVERY);
    this.#timer.unref();
  }

  note(sessionId: string): void {
    if (this.#noted.size < NOTED_AT_MOST || this.#noted.has(sessionId))
      this.#noted.set(sessionId, Date.now());
  }

  /** Writes down what has been noted. Never throws: what could not be written is lost, and the next use is noted again. */
  write(): Promise<void> {
    const noted = [...this.#noted];
    this.#noted = new Map();
    this.#writing = this.#writing
      .then(() => this.#writeAll(noted))
      .catch((error: unknown) => this.#logger.warn({ err: error }, 'uses of sessions could not be kept'));
    return this.#writing;
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.write();
  }

  async #writeAll(noted: [sessionId: string, at: number][]): Promise<void> {
    for (let start = 0; start < noted.length; start += WRITTEN_AT_ONCE) {
      const part = noted.slice(start, start + WRITTEN_AT_ONCE);
      const ids = part.map(([id]) => id);
      const times = part.map(([, at]) => new Date(at).toISOString());
      await this.#database.transaction(async (transaction) =>
        transaction.queue(writeSessionUses, [ids, times]),
      );
    }
  }
}
