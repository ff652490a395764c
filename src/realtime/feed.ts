// One connected user's stream on this node: reads the changes after what it last emitted, and emits them in order.
import type { ServerToClientEvents, StatsEvent } from '../../contract/events.ts';
import { PUSHED_CHANGES, STATS_INTERVAL } from '../../contract/limits.ts';
import type { Database } from '../database/database.ts';
import { type ChangedTask, changesAfter } from '../sync/changes.ts';
import { statsOf, type UserRow, userRow } from '../sync/user-row.ts';

/** An event's name and payload. */
export type PushedEvent = {
  [Name in keyof ServerToClientEvents]: readonly [Name, Parameters<ServerToClientEvents[Name]>[0]];
}[keyof ServerToClientEvents];

/** Sends what belongs together to all of the user's sockets on this node. */
export type Emit = (events: readonly PushedEvent[]) => void;

interface Position {
  epoch: number;
  rev: number;
}

/**
 * Several changes of a task since the last event arrive as one: the one that the client must know of first.
 * @param known the revision up to which clients have heard of everything.
 */
function eventOf(change: ChangedTask, prev_rev: number, known: number): PushedEvent {
  const { deleted_at, created_rev, restored_rev, ...task } = change;
  const { id, rev, updated_at: at } = task;
  if (deleted_at !== null) return ['task:deleted', { rev, prev_rev, at, id }];
  if (created_rev > known) return ['task:created', { rev, prev_rev, at, task }];
  if ((restored_rev ?? 0) > known) return ['task:restored', { rev, prev_rev, at, task }];
  return ['task:updated', { rev, prev_rev, at, task }];
}

export class Feed {
  readonly userId: string;
  readonly #database: Database;
  readonly #emit: Emit;
  readonly #report: (failure: unknown) => void;
  /** Up to where everything has been emitted; undefined until it is known where the stream starts. */
  #position: Position | undefined;
  /** The newest revision heard of. */
  #target = 0;
  /** The table said something that does not follow on the position: a backup has been restored, perhaps. */
  #suspicious = false;
  #pulling = false;
  /** The last, sent or to be sent. */
  #stats: StatsEvent | undefined;
  #statsSentAt = Number.NEGATIVE_INFINITY;
  #statsTimer: NodeJS.Timeout | undefined;

  /** @param report hears of what failed and will be tried again. */
  constructor(userId: string, database: Database, emit: Emit, report: (failure: unknown) => void) {
    this.userId = userId;
    this.#database = database;
    this.#emit = emit;
    this.#report = report;
  }

  /** The revision up to which everything has been emitted. */
  get rev(): number {
    return this.#position?.rev ?? 0;
  }

  get isOpen(): boolean {
    return this.#position !== undefined;
  }

  /** Fixes where the stream starts: a client that connects after this misses nothing by its first sync. */
  async open(): Promise<void> {
    if (this.#position) return;
    const [row] = await this.#database.read(userRow, [this.userId]);
    if (row) this.#position ??= { epoch: row.epoch, rev: row.rev };
  }

  /** Somebody says that the user's revision is `rev` now. Never throws. */
  hint(rev: number): void {
    this.#target = Math.max(this.#target, rev);
    void this.#pump();
  }

  /** As `hint`, from the table itself, which is also right when it says less: a backup has been restored. */
  compare(epoch: number, rev: number): void {
    if (!this.#position) return;
    this.#suspicious ||= epoch !== this.#position.epoch || rev < this.#position.rev;
    this.hint(rev);
  }

  close(): void {
    clearTimeout(this.#statsTimer);
    this.#statsTimer = undefined;
    this.#stats = undefined;
    this.#target = 0;
    this.#suspicious = false;
    this.#position = undefined;
  }

  async #pump(): Promise<void> {
    if (this.#pulling) return;
    this.#pulling = true;
    try {
      while (this.#position && (this.#suspicious || this.#target > this.#position.rev))
        await this.#pull(this.#position);
    } catch (failure) {
      // The database is away, it may be: the next sweep that reaches it finds the difference again.
      this.#report(failure);
    } finally {
      this.#pulling = false;
    }
  }

  async #pull(from: Position): Promise<void> {
    const heard = this.#target;
    this.#suspicious = false;
    const { row, changes } = await this.#read(from);
    if (this.#position !== from) return;
    if (!row) return this.close();
    // What was heard of before the look and is not there (a commit lost in a failover) is not waited for. What was heard
    // of during the look may only have been too new for it.
    if (this.#target === heard) this.#target = Math.min(heard, row.rev);
    if (row.epoch === from.epoch && row.rev === from.rev) return;
    this.#position = { epoch: row.epoch, rev: row.rev };
    const follows = row.epoch === from.epoch && row.rev > from.rev && changes.length <= PUSHED_CHANGES;
    const events: PushedEvent[] = follows
      ? this.#eventsOf(changes, from.rev)
      : [['sync:required', { rev: row.rev }]];
    this.#emit([...events, ...this.#statsNow(row)]);
  }

  async #read(from: Position): Promise<{ row: UserRow | undefined; changes: ChangedTask[] }> {
    const [[row], changes] = await this.#database.readTogether(
      { statement: userRow, values: [this.userId] },
      { statement: changesAfter, values: [this.userId, from.rev, from.rev, PUSHED_CHANGES + 1] },
    );
    return { row, changes };
  }

  #eventsOf(changes: ChangedTask[], from: number): PushedEvent[] {
    return changes.map((change, index) => eventOf(change, changes[index - 1]?.rev ?? from, from));
  }

  #statsNow(row: UserRow): PushedEvent[] {
    this.#stats = { ...statsOf(row), rev: row.rev };
    return this.#statsWhenAllowed();
  }

  /** Sends the last stats once more: somebody has not got them. */
  repeatStats(): void {
    const events = this.#statsWhenAllowed();
    if (events.length > 0) this.#emit(events);
  }

  /** The stats, if they may be sent now; else they, or later ones, are sent as soon as they may. */
  #statsWhenAllowed(): PushedEvent[] {
    if (!this.#stats || this.#statsTimer) return [];
    const wait = this.#statsSentAt + STATS_INTERVAL - performance.now();
    if (wait <= 0) return this.#takeStats(this.#stats);
    this.#statsTimer = setTimeout(() => {
      this.#statsTimer = undefined;
      if (this.#stats) this.#emit(this.#takeStats(this.#stats));
    }, Math.ceil(wait));
    return [];
  }

  #takeStats(stats: StatsEvent): PushedEvent[] {
    this.#statsSentAt = performance.now();
    return [['dashboard:stats', stats]];
  }
}
