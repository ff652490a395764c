// Follows a user's tasks: state and revision kept equal to the server's by events, and by /api/sync wherever these leave a gap.

import type { Stats } from '../contract/dashboard.ts';
import type { ServerToClientEvents, StatsEvent } from '../contract/events.ts';
import type { SyncPage } from '../contract/sync.ts';
import type { Task } from '../contract/task.ts';

/** What the follower needs of a Socket.IO client. */
export interface FollowedSocket {
  on(event: string, listener: (payload: never) => void): unknown;
  off(event: string, listener: (payload: never) => void): unknown;
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

/** Waits are spread by half, so that a thousand clients of one restarted node do not return in one moment. */
export function jittered(pause: number, random: () => number): number {
  return pause * (0.5 + random());
}

export class Follower {
  readonly #options: FollowerOptions;
  readonly #tasks = new Map<number, Task>();
  #rev = 0;
  #stats: Stats | undefined;
  #cursor: string | undefined;
  #syncing: Promise<void> | undefined;
  #syncAgain = false;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #detach: (() => void) | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  get state(): FollowerState {
    return { tasks: this.#tasks, rev: this.#rev, stats: this.#stats };
  }

  /** Applies what the socket brings, and syncs after every connect. */
  follow(socket: FollowedSocket): void {
    const listeners: [string, (payload: never) => void][] = [
      ['connect', () => void this.sync()],
      ['sync:required', () => void this.sync()],
      ['dashboard:stats', (payload: StatsEvent) => this.#applyStats(payload)],
      ...TASK_EVENTS.map((name): [string, (payload: never) => void] => [
        name,
        (payload: TaskPayload) => this.#applyEvent(payload),
      ]),
    ];
    for (const [event, listener] of listeners) socket.on(event, listener);
    this.#detach = () => {
      for (const [event, listener] of listeners) socket.off(event, listener);
    };
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
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
      } catch (error) {
        this.#syncAgain = true;
        if (error instanceof SyncResetError) this.#forget();
        else await this.#wait(jittered(pause, this.#options.random ?? Math.random));
        pause = Math.min(pause * 2, LONGEST_PAUSE);
      }
    } while (this.#syncAgain && !this.#stopped);
  }

  async #readPage(): Promise<boolean> {
    const page = await this.#options.readSync(this.#cursor);
    if (this.#stopped) return false;
    for (const task of page.tasks) this.#put(task);
    for (const { id, rev } of page.deleted) this.#remove(id, rev);
    this.#cursor = page.cursor;
    // In the middle of the pages only the cursor counts: an event must not be taken to follow on a part.
    if (!page.has_more && page.rev >= this.#rev) {
      this.#rev = page.rev;
      this.#stats = page.stats;
    }
    this.#options.onChange?.(this.state);
    return page.has_more;
  }

  #applyEvent({ rev, prev_rev, task, id }: TaskPayload): void {
    if (rev <= this.#rev) return;
    if (prev_rev !== this.#rev || this.#syncing) {
      void this.sync();
      return;
    }
    if (task) this.#put(task);
    else if (id !== undefined) this.#remove(id, rev);
    this.#rev = rev;
    this.#options.onChange?.(this.state);
  }

  #applyStats({ rev, ...stats }: StatsEvent): void {
    if (rev < this.#rev) return;
    this.#stats = stats;
    this.#options.onChange?.(this.state);
  }

  #put(task: Task): void {
    const known = this.#tasks.get(task.id);
    if (!known || known.rev <= task.rev) this.#tasks.set(task.id, task);
  }

  #remove(id: number, rev: number): void {
    const known = this.#tasks.get(id);
    if (known && known.rev <= rev) this.#tasks.delete(id);
  }

  #forget(): void {
    this.#tasks.clear();
    this.#rev = 0;
    this.#stats = undefined;
    this.#cursor = undefined;
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timer = setTimeout(resolve, milliseconds);
    });
  }
}
