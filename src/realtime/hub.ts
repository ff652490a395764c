// The sockets of this node by user and by session, and each connected user's feed.
import { SOCKETS_PER_USER } from '../../contract/limits.ts';
import type { SessionUses } from '../auth/session-uses.ts';
import type { Database } from '../database/database.ts';
import { type Emit, Feed } from './feed.ts';
import type { Hint } from './hints.ts';
import { liveSessions, revisionsOf } from './repository.ts';
import { deliver, type RealtimeSocket, revoke, seeOff } from './socket.ts';

interface UserEntry {
  feed: Feed;
  sockets: Set<RealtimeSocket>;
  /** In the middle of their handshakes: the feed must not be forgotten meanwhile. */
  arriving: Set<RealtimeSocket>;
}

/** Ended sessions are remembered this long, for a handshake that was under way. Milliseconds. */
const MEMORY = 30_000;
/** Users and sessions in one statement of the sweeper. */
const SWEPT_AT_ONCE = 1_000;

function* portions<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let start = 0; start < items.length; start += SWEPT_AT_ONCE)
    yield items.slice(start, start + SWEPT_AT_ONCE);
}

export class Hub {
  readonly #database: Database;
  readonly #report: (failure: unknown) => void;
  readonly #uses: SessionUses;
  readonly #users = new Map<string, UserEntry>();
  readonly #sessions = new Map<string, Set<RealtimeSocket>>();
  readonly #ended = new Map<string, number>();

  /** @param report hears of what failed and will be tried again. */
  constructor(database: Database, uses: SessionUses, report: (failure: unknown) => void) {
    this.#database = database;
    this.#uses = uses;
    this.#report = report;
  }

  /** Readies the user's feed for a socket that is about to connect. @returns false when the user has too many already. */
  async arrive(socket: RealtimeSocket): Promise<boolean> {
    const { userId } = socket.data;
    if ((socket.conn as { readyState: string }).readyState !== 'open') return true; // gone already: it never connects
    const entry = this.#entry(userId);
    if (entry.sockets.size + entry.arriving.size >= SOCKETS_PER_USER) return false;
    entry.arriving.add(socket);
    socket.conn.once('close', () => {
      entry.arriving.delete(socket);
      this.#forget(userId, entry);
    });
    await entry.feed.open();
    return true;
  }

  /** Takes a connected socket in, until it disconnects. */
  async add(socket: RealtimeSocket): Promise<void> {
    const { userId, sessionId } = socket.data;
    const entry = this.#entry(userId);
    entry.arriving.delete(socket);
    entry.sockets.add(socket);
    const ofSession = this.#sessions.get(sessionId) ?? new Set();
    this.#sessions.set(sessionId, ofSession.add(socket));
    socket.once('disconnect', (reason) => {
      if (reason === 'client namespace disconnect') seeOff(socket);
      entry.sockets.delete(socket);
      this.#forget(userId, entry);
      ofSession.delete(socket);
      if (ofSession.size === 0 && this.#sessions.get(sessionId) === ofSession)
        this.#sessions.delete(sessionId);
    });
    if (this.#ended.has(sessionId)) return revoke(socket);
    if (entry.feed.isOpen) return;
    // The feed was closed during the handshake (its user's row was gone for a moment): what it missed is not known.
    await entry.feed.open().catch(this.#report);
    socket.emit('sync:required', { rev: entry.feed.rev });
  }

  /** A user's tasks have changed; nothing happens when none of their sockets is here. */
  hint(userId: string, rev: number): void {
    this.#users.get(userId)?.feed.hint(rev);
  }

  hintAll(hints: readonly Hint[]): void {
    for (const [userId, rev] of hints) this.hint(userId, rev);
  }

  /** Closes the sockets of a session that has ended. */
  endSession(sessionId: string): void {
    this.#ended.set(sessionId, Date.now());
    for (const socket of this.#sessions.get(sessionId) ?? []) revoke(socket);
  }

  /** Finds what no hint has told: changes and ended sessions of those who are connected here. @throws when the database is away. */
  async sweep(): Promise<void> {
    for (const [sessionId, at] of this.#ended) if (Date.now() - at > MEMORY) this.#ended.delete(sessionId);
    for (const sessionIds of portions([...this.#sessions.keys()])) await this.#sweepSessions(sessionIds);
    for (const userIds of portions([...this.#users.keys()])) {
      const rows = await this.#database.read(revisionsOf, [userIds]);
      for (const { user_id, epoch, rev } of rows) this.#users.get(user_id)?.feed.compare(epoch, rev);
    }
  }

  /** Ends the sockets whose time is over, unless their session has been extended. */
  async sweepExpired(): Promise<void> {
    const now = Date.now();
    const due = [...this.#sessions].filter(([, sockets]) =>
      [...sockets].some(({ data }) => data.expiresAt <= now),
    );
    for (const sessionIds of portions(due.map(([sessionId]) => sessionId)))
      await this.#sweepSessions(sessionIds);
  }

  async #sweepSessions(sessionIds: string[]): Promise<void> {
    const rows = await this.#database.read(liveSessions, [sessionIds]);
    const live = new Map(rows.map((row) => [row.id, Date.parse(row.expires_at)]));
    for (const sessionId of sessionIds) {
      const expiresAt = live.get(sessionId);
      if (expiresAt === undefined) {
        this.endSession(sessionId);
        continue;
      }
      // A socket that is open is a use of its session.
      this.#uses.note(sessionId);
      for (const socket of this.#sessions.get(sessionId) ?? []) socket.data.expiresAt = expiresAt;
    }
  }

  #entry(userId: string): UserEntry {
    const known = this.#users.get(userId);
    if (known) return known;
    const sockets = new Set<RealtimeSocket>();
    const emit: Emit = (events) => {
      for (const socket of sockets) deliver(socket, events, feed);
    };
    const feed = new Feed(userId, this.#database, emit, this.#report);
    const entry = { feed, sockets, arriving: new Set<RealtimeSocket>() };
    this.#users.set(userId, entry);
    return entry;
  }

  #forget(userId: string, entry: UserEntry): void {
    if (entry.sockets.size > 0 || entry.arriving.size > 0 || this.#users.get(userId) !== entry) return;
    entry.feed.close();
    this.#users.delete(userId);
  }
}
