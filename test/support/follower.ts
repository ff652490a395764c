// Followers for tests: the real one over a real Socket.IO client, and everything that came in on the way.
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { expect } from 'vitest';
import { Follower, SyncResetError } from '../../client/follower.ts';
import type { Stats } from '../../contract/dashboard.ts';
import type { ServerToClientEvents } from '../../contract/events.ts';
import type { SyncPage } from '../../contract/sync.ts';
import type { Task } from '../../contract/task.ts';
import { clientOf, type SeededUser } from './nodes.ts';
import { until } from './process.ts';

export type SocketSettings = Partial<ManagerOptions & SocketOptions>;
// biome-ignore lint/suspicious/noExplicitAny: payloads are asserted on, field by field
export type Received = [name: keyof ServerToClientEvents, payload: any];

export interface ListeningSocket extends Socket {
  /** Every event so far, in order. */
  received: Received[];
}

/** A socket of the user that notes all it hears. It connects by itself. */
export function openSocket(
  url: string,
  user: Pick<SeededUser, 'token'> | undefined,
  settings: SocketSettings = {},
): ListeningSocket {
  const socket = io(url, {
    forceNew: true,
    transports: ['websocket'],
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    ...(user ? { auth: { token: user.token } } : {}),
    ...settings,
  });
  const received: Received[] = [];
  socket.onAny((name: Received[0], payload: unknown) => received.push([name, payload]));
  return Object.assign(socket, { received });
}

/** Resolves once connected. @throws with the server's message when it refuses. */
export async function connected(socket: Socket): Promise<void> {
  if (socket.connected) return;
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
}

/** The message with which the server refuses. */
export async function refusal(socket: Socket): Promise<string> {
  const refused = await connected(socket).then(
    () => 'nothing: it let the socket in',
    (error: Error) => error.message,
  );
  socket.disconnect();
  return refused;
}

/** What a client knows, in a form that can be compared byte for byte. */
export interface Known {
  rev: number;
  tasks: string;
  stats: Stats | undefined;
}

function known(rev: number, tasks: Iterable<Task>, stats: Stats | undefined): Known {
  const sorted = [...tasks].sort((one, other) => one.id - other.id);
  return { rev, tasks: JSON.stringify(sorted), stats };
}

async function readPage(url: string, user: SeededUser, cursor: string | undefined, limit: number) {
  const query = new URLSearchParams({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) });
  return clientOf(url, user).get(`/api/sync?${query}`);
}

/** All that the server has for the user, read afresh. */
export async function freshRead(url: string, user: SeededUser, limit = 1_000): Promise<Known> {
  const tasks = new Map<number, Task>();
  for (let cursor: string | undefined; ; ) {
    const { status, body, text } = await readPage(url, user, cursor, limit);
    if (status !== 200) throw new Error(`/api/sync answered ${status}: ${text}`);
    for (const task of body.tasks) tasks.set(task.id, task);
    for (const { id } of body.deleted) tasks.delete(id);
    cursor = body.cursor;
    if (!body.has_more) return known(body.rev, tasks.values(), body.stats);
  }
}

export class TestFollower {
  readonly user: SeededUser;
  readonly follower: Follower;
  /** All events, over all its sockets. */
  readonly received: Received[] = [];
  /** What came that belongs to somebody else. */
  readonly foreign: Task[] = [];
  /** How often it asked /api/sync. */
  syncs = 0;
  socket: ListeningSocket;
  #url: string;
  readonly #settings: SocketSettings;

  constructor(url: string, user: SeededUser, settings: SocketSettings = {}, limit = 100) {
    this.user = user;
    this.#url = url;
    this.#settings = settings;
    this.follower = new Follower({ readSync: (cursor) => this.#read(cursor, limit) });
    this.socket = this.#open();
  }

  get known(): Known {
    const { rev, tasks, stats } = this.follower.state;
    return known(rev, tasks.values(), stats);
  }

  /** Leaves its node for another one. */
  moveTo(url: string): void {
    this.socket.disconnect();
    this.#url = url;
    this.socket = this.#open();
  }

  close(): void {
    this.follower.stop();
    this.socket.disconnect();
  }

  #open(): ListeningSocket {
    const socket = openSocket(this.#url, this.user, this.#settings);
    socket.onAny((name, payload) => {
      this.received.push([name, payload]);
      this.#check(payload.task === undefined ? [] : [payload.task]);
    });
    this.follower.follow(socket);
    return socket;
  }

  async #read(cursor: string | undefined, limit: number): Promise<SyncPage> {
    this.syncs++;
    const { status, body, text } = await readPage(this.#url, this.user, cursor, limit);
    if (status === 410) throw new SyncResetError();
    if (status !== 200) throw new Error(`/api/sync answered ${status}: ${text}`);
    this.#check(body.tasks);
    return body;
  }

  #check(tasks: Task[]): void {
    this.foreign.push(...tasks.filter((task) => task.user_id !== this.user.id));
  }
}

/** Waits until all followers know what the server at `url` has, and asserts that this is byte for byte the same. */
export async function expectConverged(url: string, followers: readonly TestFollower[]): Promise<void> {
  const users = new Map(followers.map(({ user }) => [user.id, user]));
  for (const user of users.values()) {
    const fresh = await freshRead(url, user);
    const own = followers.filter((follower) => follower.user.id === user.id);
    await until(
      () => own.every(({ known: { rev, stats } }) => rev === fresh.rev && stats?.updated_at !== undefined),
      `followers at revision ${fresh.rev}, and not ${own.map((follower) => follower.known.rev)}`,
    );
    await until(
      () => own.every(({ known: { stats } }) => JSON.stringify(stats) === JSON.stringify(fresh.stats)),
      `followers with the stats ${JSON.stringify(fresh.stats)}`,
    );
    for (const follower of own) expect(follower.known).toEqual(fresh);
  }
  expect(followers.flatMap(({ foreign }) => foreign)).toEqual([]);
}

/** All tasks' events of a socket, as `name rev<-prev`. */
export function chainOf(received: readonly Received[]): string[] {
  return received
    .filter(([name]) => name.startsWith('task:'))
    .map(([name, { rev, prev_rev }]) => `${name} ${prev_rev}→${rev}`);
}
