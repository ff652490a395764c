// One connected user's stream on this node: reads the changes after what it last emitted, and emits them in order.
import type { ServerToClientEvents, StatsEvent } from '../../contract/events.ts';
import { PUSHED_CHANGES, STATS_INTERVAL } from '../../contract/limits.ts';
import type { Database } from '../database/database.ts';
import { type ChangedTask, changesAfter } from '../sync/changes.ts';
import { statsOf, type UserRow, userRow } from '../sync/user-row.ts';

export type EventName = keyof ServerToClientEvents;

/** Sends one event to all of the user's sockets on this node. */
export type Emit = <Name extends EventName>(
  event: Name,
  payload: Parameters<ServerToClientEvents[Name]>[0],
) => void;

interface Position {
  epoch: number;
  rev: number;
}

/**
 * Several changes since the last event arrive as one: the one that the client must know of first.
 * @param known the revision up to which clients have heard of everything.
 */
function emitChange(emit: Emit, change: ChangedTask, prev_rev: number, known: number): void {
  const { deleted_at, created_rev, restored_rev, ...task } = change;
  const { id, rev, updated_at } = task;
  if (deleted_at !== null) emit('task:deleted', { rev, prev_rev, at: deleted_at, id });
  else if (created_rev > known) emit('task:created', { rev, prev_rev, at: updated_at, task });
  else if ((restored_rev ?? 0) > known) emit('task:restored', { rev, prev_rev, at: updated_at, task });
  else emit('task:updated', { rev, prev_rev, at: updated_at, task });
}

export class Feed {
  readonly userId: string;
  readonly #database: Database;
  readonly #emit: Emit;
  /** Up to where everything has been emitted; undefined until it is known where the stream starts. */
  #position: Position | undefined;
  /** The newest revision heard of. */
  #target = 0;
  #pulling = false;
  #stats: StatsEvent | undefined;
  #statsSentAt = 0;
  #statsTimer: NodeJS.Timeout | undefined;

  constructor(userId: string, database: Database, emit: Emit) {
    this.userId = userId;
    this.#database = database;
    this.#emit = emit;
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
  compare(rev: number): void {
    if (!this.#position || rev === this.#position.rev) return;
    if (rev < this.#position.rev) this.#target = Number.POSITIVE_INFINITY;
    this.hint(rev);
  }

  close(): void {
    clearTimeout(this.#statsTimer);
    this.#statsTimer = undefined;
    this.#target = 0;
    this.#position = undefined;
  }

  async #pump(): Promise<void> {
    if (this.#pulling) return;
    this.#pulling = true;
    try {
      while (this.#position && this.#target > this.#position.rev) await this.#pull(this.#position);
    } catch {
      // The database is away: the next sweep that reaches it finds the difference again.
    } finally {
      this.#pulling = false;
    }
  }

  async #pull(from: Position): Promise<void> {
    const { row, changes } = await this.#database.snapshot(async (transaction) => {
      const values = [this.userId, from.rev, from.rev, PUSHED_CHANGES + 1];
      const [[user], rows] = await Promise.all([
        transaction.query(userRow, [this.userId]),
        transaction.query(changesAfter, values),
      ]);
      return { row: user, changes: rows };
    });
    if (this.#position !== from) return;
    if (!row) return this.close();
    const next = { epoch: row.epoch, rev: row.rev };
    // What was heard of and is not there (a lost commit, a restored backup) is not waited for.
    if (this.#target > row.rev) this.#target = row.rev;
    this.#position = next;
    if (row.epoch !== from.epoch || row.rev < from.rev || changes.length > PUSHED_CHANGES)
      this.#emit('sync:required', { rev: row.rev });
    else this.#emitAll(changes, from.rev);
    this.#offerStats(row);
  }

  #emitAll(changes: ChangedTask[], from: number): void {
    let prev = from;
    for (const change of changes) {
      emitChange(this.#emit, change, prev, from);
      prev = change.rev;
    }
  }

  #offerStats(row: UserRow): void {
    this.#stats = { ...statsOf(row), rev: row.rev };
    if (this.#statsTimer) return;
    const wait = Math.max(0, this.#statsSentAt + STATS_INTERVAL - Date.now());
    if (wait === 0) {
      this.#sendStats();
      return;
    }
    this.#statsTimer = setTimeout(() => {
      this.#statsTimer = undefined;
      this.#sendStats();
    }, wait);
  }

  #sendStats(): void {
    if (!this.#stats) return;
    this.#statsSentAt = Date.now();
    this.#emit('dashboard:stats', this.#stats);
    this.#stats = undefined;
  }
}
