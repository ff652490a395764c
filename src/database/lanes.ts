// The few connections on which prepared readers follow one another without waiting for the answer before.
import type pg from 'pg';
import { overloaded } from './failure.ts';

/** Statements that may wait for their answers on one connection; more than that are better told so at once. */
const MAXIMUM_WAITING = 2_000;
/** A lane with fewer than these is taken before another one is used: together they need fewer system calls. */
const FULL = 16;
/** Milliseconds without any answer after which a lane is taken for held up by a slow statement, and left to itself. */
const HELD_UP = 30;

export type Send<Result> = (client: pg.PoolClient) => Promise<Result>;

interface Visit {
  client: Promise<pg.PoolClient>;
  waiting: number;
  broken: boolean;
}

/** One connection, kept from the pool for as long as somebody waits for an answer, and to the end of that turn. */
class Lane {
  readonly #pool: pg.Pool;
  #visit: Visit | undefined;
  /** When it was last idle or had an answer. */
  #lastAnswer = 0;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  get waiting(): number {
    return this.#visit?.waiting ?? 0;
  }

  isHeldUp(now: number): boolean {
    return this.waiting > 0 && now - this.#lastAnswer > HELD_UP;
  }

  async run<Result>(send: Send<Result>): Promise<Result> {
    this.#visit ??= { client: this.#pool.connect(), waiting: 0, broken: false };
    const visit = this.#visit;
    if (visit.waiting === 0) this.#lastAnswer = performance.now();
    visit.waiting++;
    try {
      return await send(await visit.client);
    } catch (error) {
      // It may be gone or out of step with its prepared statements: whoever comes now takes a new one.
      visit.broken = true;
      if (this.#visit === visit) this.#visit = undefined;
      throw error;
    } finally {
      visit.waiting--;
      this.#lastAnswer = performance.now();
      // What follows at once, as the reading follows the check of a session, goes on with the same connection.
      if (visit.waiting === 0 && visit.broken) giveBack(visit);
      else if (visit.waiting === 0) setImmediate(() => this.#end(visit));
    }
  }

  #end(visit: Visit): void {
    if (visit.waiting > 0 || this.#visit !== visit) return;
    this.#visit = undefined;
    giveBack(visit);
  }
}

function giveBack({ client, broken }: Visit): void {
  client.then(
    (client) => client.release(broken),
    () => {},
  );
}

export class Lanes {
  readonly #pool: pg.Pool;
  readonly #lanes: Lane[];

  /** @param pool of these readers alone; each of its connections is one lane. */
  constructor(pool: pg.Pool) {
    this.#pool = pool;
    this.#lanes = Array.from({ length: pool.options.max }, () => new Lane(pool));
  }

  /** How many of them have had no answer for a while, though somebody waits. */
  get heldUp(): number {
    const now = performance.now();
    return this.#lanes.filter((lane) => lane.isHeldUp(now)).length;
  }

  /** What `send` sends before it waits stays together. It changes nothing, and leaves the connection as it was. */
  run<Result>(send: Send<Result>): Promise<Result> {
    const now = performance.now();
    const open = this.#lanes.find((lane) => lane.waiting < FULL && !lane.isHeldUp(now));
    const lane = open ?? this.#shortest(now);
    if (lane.waiting >= MAXIMUM_WAITING) throw overloaded();
    return lane.run(send);
  }

  #shortest(now: number): Lane {
    const moving = this.#lanes.filter((lane) => !lane.isHeldUp(now));
    const lanes = moving.length > 0 ? moving : this.#lanes;
    return lanes.reduce((best, lane) => (lane.waiting < best.waiting ? lane : best));
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}
