// Follows a user's tasks: state and revision kept equal to the server's by events, and by /api/sync wherever these leave a gap.

import type { Stats } from '../contract/dashboard.ts';
import type { ServerToClientEvents, StatsEvent } from '../contract/events.ts';
import type { SyncPage } from '../contract/sync.ts';
import type { Task } from '../contract/task.ts';

// biome-ignore lint/suspicious/noExplicitAny: what socket.io-client's own listeners take
type FollowerListener = (payload: any) => void;

/** What the follower needs of a Socket.IO client. */
export interface FollowedSocket {
  readonly connected?: boolean;
  on(event: string, listener: FollowerListener): unknown;
  off(event: string, listener: FollowerListener): unknown;
}

/** The server refused the cursor with 410: everything must be read again. */
export class SyncResetError extends Error {}

export interface FollowerOptions {
  /** `GET /api/sync`, without a cursor for everything. @throws SyncResetError on 410; anything else is tried again. */
  readSync: (cursor: string | undefined) => Promise<SyncPage>;
  /** Called after each change of the state. */
  onChange?: (state: FollowerState) => void;
  /** The random part of waiting between attempts; for tests. */
  random?: () => number;
}

export interface FollowerState {
  /** Live tasks by id. */
  readonly tasks: ReadonlyMap<number, Task>;
  readonly rev: number;
  readonly stats: Stats | undefined;
}

type TaskEventName = Exclude<
  keyof ServerToClientEvents,
  'dashboard:stats' | 'sync:required' | 'session:revoked'
>;
type TaskPayload = { rev: number; prev_rev: number; task?: Task; id?: number };

const TASK_EVENTS: TaskEventName[] = ['task:created', 'task:updated', 'task:restored', 'task:deleted'];

// Milliseconds between attempts to sync.
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 15_000;
/** Events that are kept during a sync; after more of them one more sync is cheaper. */
const KEPT_EVENTS = 1_000;

/** Waits are spread by half, so that a thousand clients of one restarted node do not return in one moment. */
export function jittered(pause: number, random: () => number): number {
  return pause * (0.5 + random());
}

export class Follower {
  readonly #options: FollowerOptions;
  readonly #tasks = new Map<number, Task>();
  #rev = 0;
  #stats: Stats | undefined;
  #statsRev = 0;
  #cursor: string | undefined;
  /** While everything is read again: the tasks that have not come yet, and are gone if they never do. */
  #doubtful: Set<number> | undefined;
  /** What came during a sync, to be applied on top of it. */
  #kept: TaskPayload[] = [];
  #syncing: Promise<void> | undefined;
  #syncAgain = false;
  #stopped = false;
  #wake: (() => void) | undefined;
  #detach: (() => void) | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  get state(): FollowerState {
    return { tasks: this.#tasks, rev: this.#rev, stats: this.#stats };
  }

  /** Applies what the socket brings, and syncs after every connect. One socket at a time: the one before is left alone. */
  follow(socket: FollowedSocket): void {
    this.#detach?.();
    const listeners: [string, FollowerListener][] = [
      ['connect', () => void this.sync()],
      ['sync:required', () => void this.sync()],
      ['dashboard:stats', ({ rev, ...stats }: StatsEvent) => this.#takeStats(stats, rev)],
      ...TASK_EVENTS.map((name): [string, FollowerListener] => [
        name,
        (payload: TaskPayload) => this.#take(payload),
      ]),
    ];
    for (const [event, listener] of listeners) socket.on(event, listener);
    this.#detach = () => {
      for (const [event, listener] of listeners) socket.off(event, listener);
    };
    if (socket.connected) void this.sync();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
    this.#detach?.();
  }

  /** Brings the state up to the server's. Calls during one are served by one more round after it. */
  sync(): Promise<void> {
    if (this.#syncing) this.#syncAgain = true;
    this.#syncing ??= this.#syncUntilDone().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  async #syncUntilDone(): Promise<void> {
    let pause = FIRST_PAUSE;
    do {
      this.#syncAgain = false;
      try {
        while (!this.#stopped && (await this.#readPage())) {
          /* the next page */
        }
        pause = FIRST_PAUSE;
        if (!this.#stopped) this.#takeKept();
      } catch (error) {
        this.#syncAgain = true;
        const useless = error instanceof SyncResetError && this.#cursor !== undefined;
        if (error instanceof SyncResetError) this.#startOver();
        if (!useless) await this.#wait(jittered(pause, this.#options.random ?? Math.random));
        pause = Math.min(pause * 2, LONGEST_PAUSE);
      }
    } while (this.#syncAgain && !this.#stopped);
  }

  async #readPage(): Promise<boolean> {
    const isFirst = this.#cursor === undefined;
    const page = await this.#options.readSync(this.#cursor);
    if (this.#stopped) return false;
    // An answer without a cursor says nothing of what was deleted: what it does not bring is gone.
    if (isFirst) this.#doubtful = new Set(this.#tasks.keys());
    for (const task of page.tasks) this.#put(task);
    for (const { id, rev } of page.deleted) this.#remove(id, rev);
    this.#cursor = page.cursor;
    // In the middle of the pages only the cursor counts: an event must not be taken to follow on a part.
    if (!page.has_more) this.#finish(page);
    this.#options.onChange?.(this.state);
    return page.has_more;
  }

  #finish({ rev, stats }: SyncPage): void {
    for (const id of this.#doubtful ?? []) this.#tasks.delete(id);
    this.#doubtful = undefined;
    this.#rev = Math.max(this.#rev, rev);
    if (rev < this.#statsRev) return;
    this.#stats = stats;
    this.#statsRev = rev;
  }

  #take(event: TaskPayload): void {
    if (this.#syncing) {
      if (this.#kept.length < KEPT_EVENTS) this.#kept.push(event);
      else this.#syncAgain = true;
    } else if (this.#apply(event)) this.#options.onChange?.(this.state);
    else if (event.rev > this.#rev) void this.sync();
  }

  #takeKept(): void {
    const kept = this.#kept;
    this.#kept = [];
    let changed = false;
    for (const event of kept) {
      if (event.rev <= this.#rev) continue;
      if (!this.#apply(event)) {
        this.#syncAgain = true;
        break;
      }
      changed = true;
    }
    if (changed) this.#options.onChange?.(this.state);
  }

  /**
   * An event says what became of all between `prev_rev` and `rev`, so that it also follows on a state in between.
   * @returns false when it does not follow, or is not news.
   */
  #apply({ rev, prev_rev, task, id }: TaskPayload): boolean {
    if (rev <= this.#rev || prev_rev > this.#rev) return false;
    if (task) this.#put(task);
    else if (id !== undefined) this.#remove(id, rev);
    this.#rev = rev;
    return true;
  }

  #takeStats(stats: Stats, rev: number): void {
    if (rev < this.#statsRev) return;
    this.#stats = stats;
    this.#statsRev = rev;
    this.#options.onChange?.(this.state);
  }

  #put(task: Task): void {
    const known = this.#doubtful?.delete(task.id) ? undefined : this.#tasks.get(task.id);
    if (!known || known.rev <= task.rev) this.#tasks.set(task.id, task);
  }

  #remove(id: number, rev: number): void {
    const known = this.#tasks.get(id);
    if (known && (known.rev <= rev || this.#doubtful?.has(id))) this.#tasks.delete(id);
  }

  /** What is shown stays until it has been read again: nobody wants to see an empty page meanwhile. */
  #startOver(): void {
    this.#rev = 0;
    this.#statsRev = 0;
    this.#cursor = undefined;
    this.#kept = [];
  }

  async #wait(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
