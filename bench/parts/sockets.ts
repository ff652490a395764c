// Sockets: how soon a change is there, what an idle one holds, and how soon many are back after all were lost.
import { SYNC_LIMIT } from '../../contract/limits.ts';
import { startDonewell } from '../contenders.ts';
import { cpuBetween, cpuOf, residentKilobytes } from '../cpu.ts';
import type { BenchUser } from '../data.ts';
import { closedLoop, HttpConnection, openLoop } from '../load.ts';
import type { Running } from '../processes.ts';
import { attempt, isMeasured, keepResult, keptResult, progress } from '../results.ts';
import { type Hear, type Listener, listen, listenMany } from '../socket.ts';
import { quantile, summary } from '../statistics.ts';
import { requestsOf, WORKLOADS } from '../workloads.ts';
import { type Bench, throughputResults } from './throughput.ts';

/** Milliseconds from the request of a change to its event. */
interface Delay {
  p50: number;
  p99: number;
}

/** The same; until the request was answered, which is what the write itself took; and from that answer, which a commit precedes. */
export interface BusyDelay extends Delay {
  answer: Delay;
  fromAnswer: Delay;
}

export interface Sockets {
  /** While the server has half of the mixed requests to do that it can bear. */
  sameNode?: BusyDelay;
  otherNode?: BusyDelay;
  /** By how many sockets there are, all but one of them idle. */
  idle?: ({ sockets: number; kilobytesEach: number } & Delay)[];
  /**
   * One change, told to so many sockets of the user: until the last has it, and CPU microseconds for each, the change
   * itself included.
   */
  fanOut?: ({ sockets: number; cpuEach: number } & Delay)[];
  /** Of sockets that were all cut at once: seconds until all were signed in again and had what had changed meanwhile. */
  comeback?: { sockets: number; seconds: number; missed: number };
}

const PART = 'sockets';
const WRITERS = 20;
/** Changes a second that are timed. */
const CHANGE_RATE = 50;
const CHANGES = 200;
/** The first of them only warm. */
const WARMING = 40;
/** Of one user, who may have SOCKETS_PER_USER. */
const FAN_OUT = [1, 10, 50, 200];
const COMEBACK = 2_000;
const TRIES = 20;
/** Milliseconds. */
const SETTLING = 4_000;
const LOST_AFTER = 10_000;
const RETRY_AFTER = 500;

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function within<Value>(promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const lost = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('An event did not come')), LOST_AFTER);
  });
  return Promise.race([promise, lost]).finally(() => clearTimeout(timer));
}

interface Audience {
  users: readonly BenchUser[];
  /** The moment at which the last of the user's sockets has heard of the next change. */
  heard(user: BenchUser): Promise<number>;
  close(): void;
}

/** All listen when it returns: so many `sockets` of each user. */
async function openAudience(port: number, users: readonly BenchUser[], sockets: number): Promise<Audience> {
  const waiting = new Map<string, { left: number; resolve: (at: number) => void }>();
  const listeners: Listener[] = [];
  for (const user of users) {
    const hear = (name: string, at: number) => {
      const waits = waiting.get(user.id);
      if (name === 'task:created' && waits && --waits.left === 0) waits.resolve(at);
    };
    for (let socket = 0; socket < sockets; socket++) listeners.push(await listen(port, user, hear));
  }
  return {
    users,
    heard: (user) => new Promise((resolve) => waiting.set(user.id, { left: sockets, resolve })),
    close: () => {
      for (const listener of listeners) listener.close();
    },
  };
}

/** Makes changes one at a time and times each until the last of the user's sockets has heard of it. */
async function measureDelay(
  port: number,
  { users, heard }: Audience,
  isOver: (changes: number) => boolean,
): Promise<{ events: number[]; answers: number[] }> {
  const connection = new HttpConnection(port);
  const events: number[] = [];
  const answers: number[] = [];
  for (let change = 0; !isOver(change); change++) {
    const user = users[change % users.length] as BenchUser;
    const last = heard(user);
    const start = performance.now();
    await connection.send(WORKLOADS.create.request(user, change, user.taskIds));
    answers.push(performance.now() - start);
    events.push((await within(last)) - start);
    await pause(1000 / CHANGE_RATE);
  }
  connection.close();
  const warm = Math.min(WARMING, events.length / 4);
  return { events: events.slice(warm), answers: answers.slice(warm) };
}

const delayOf = (delays: readonly number[]): Delay => ({
  p50: quantile(delays, 0.5),
  p99: quantile(delays, 0.99),
});

async function measureHalfLoad(here: Running, listenPort: number, bench: Bench): Promise<BusyDelay> {
  const mixed = throughputResults().find(({ workload }) => workload === 'mixed')?.contenders.donewell;
  const rate = mixed ? summary(mixed.perSecond).median / 2 : 300;
  const seconds = Math.max(6, bench.settings.seconds * 4);
  // The writers' own tasks are left alone, so that each event is one that is waited for.
  const others = { users: bench.data.users.slice(WRITERS) };
  const next = requestsOf(WORKLOADS.mixed, others, 'donewell');
  // Code that is cold bears less than that, and what then piles up is late for the rest of the time.
  await closedLoop(here.port, next, { connections: 16, seconds: bench.settings.warmSeconds });
  const audience = await openAudience(listenPort, bench.data.users.slice(0, WRITERS), 1);
  let isOver = false;
  const load = openLoop(here.port, next, { connections: 32, seconds, rate }).finally(() => {
    isOver = true;
  });
  const [{ events, answers }] = await Promise.all([measureDelay(here.port, audience, () => isOver), load]);
  audience.close();
  const afterwards = events.map((event, change) => Math.max(0, event - (answers[change] ?? Number.NaN)));
  return { ...delayOf(events), answer: delayOf(answers), fromAnswer: delayOf(afterwards) };
}

async function measureIdle({ port, pid }: Running, bench: Bench): Promise<Sockets['idle']> {
  const writers = bench.data.users.slice(0, WRITERS);
  const others = bench.data.users.slice(WRITERS);
  const found: NonNullable<Sockets['idle']> = [];
  const warm = await listenMany(port, others, 200);
  for (const listener of warm) listener.close();
  await pause(SETTLING);
  const before = residentKilobytes(pid);
  const open: Listener[] = [];
  for (const sockets of [1, 10, 100, 1_000, bench.settings.idleSockets]) {
    open.push(...(await listenMany(port, others, sockets - open.length)));
    await pause(SETTLING);
    const kilobytesEach = (residentKilobytes(pid) - before) / sockets;
    const audience = await openAudience(port, writers.slice(0, 1), 1);
    const { events } = await measureDelay(port, audience, (changes) => changes >= CHANGES);
    audience.close();
    found.push({ sockets, kilobytesEach, ...delayOf(events) });
    progress(`${sockets} sockets: ${kilobytesEach.toFixed(1)} KB each`);
  }
  for (const listener of open) listener.close();
  return found;
}

async function measureFanOut({ port, pid }: Running, bench: Bench): Promise<Sockets['fanOut']> {
  const found: NonNullable<Sockets['fanOut']> = [];
  for (const sockets of FAN_OUT) {
    const audience = await openAudience(port, bench.data.users.slice(0, 1), sockets);
    const before = cpuOf([pid]);
    const { events } = await measureDelay(port, audience, (changes) => changes >= CHANGES);
    const cpu = cpuBetween(before, cpuOf([pid]));
    audience.close();
    found.push({ sockets, cpuEach: (cpu * 1000) / (CHANGES * sockets), ...delayOf(events) });
  }
  return found;
}

interface Task {
  id: number;
  rev: number;
}

interface SyncPage {
  cursor: string;
  has_more: boolean;
  rev: number;
  tasks: Task[];
}

async function syncFrom(connection: HttpConnection, user: BenchUser, cursor: string): Promise<SyncPage> {
  const query = `limit=${SYNC_LIMIT}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
  const request = `GET /api/sync?${query} HTTP/1.1\r\nhost: localhost\r\ncookie: ${user.cookie}\r\n\r\n`;
  const { status, body } = await connection.send(request, true);
  if (status !== 200) throw new Error(`Sync answered ${status}`);
  return JSON.parse(body) as SyncPage;
}

/** How far a client has read. */
type Place = Pick<SyncPage, 'cursor' | 'rev'>;

/** Where a client of that user stands who has everything. */
async function placeOf(connection: HttpConnection, user: BenchUser): Promise<Place> {
  for (let cursor = ''; ; ) {
    const { has_more, rev, ...page } = await syncFrom(connection, user, cursor);
    cursor = page.cursor;
    if (!has_more) return { cursor, rev };
  }
}

/** As a client does that is turned away because the server is busy: it tries again, after a pause of its own. */
async function persist<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES) throw error;
      await pause(RETRY_AFTER * (0.5 + Math.random()));
    }
  }
}

/** A client that keeps the rule of docs/realtime.md, with the tasks that it has heard of. */
class Follower {
  readonly user: BenchUser;
  readonly #port: number;
  readonly #tasks = new Map<number, number>();
  #cursor: string;
  #rev: number;
  #listener: Listener | undefined;
  #turn = Promise.resolve();

  constructor(port: number, user: BenchUser, { cursor, rev }: Place) {
    this.user = user;
    this.#port = port;
    this.#cursor = cursor;
    this.#rev = rev;
  }

  /** @returns when it listens and has everything. */
  async connect(): Promise<void> {
    const hear: Hear = (name, _at, payload) => {
      if (name === 'sync:required') void this.#inTurn(() => this.#sync());
      if (/^task:(created|updated)$/.test(name)) void this.#inTurn(() => this.#apply(JSON.parse(payload)));
    };
    this.#listener = await persist(() => listen(this.#port, this.user, hear));
    await this.#inTurn(() => this.#sync());
  }

  /** No event is applied to half a sync. What fails for good is missed. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work).catch((error) => progress(`a client: ${String(error)}`));
    return this.#turn;
  }

  async #sync(): Promise<void> {
    const connection = new HttpConnection(this.#port);
    for (let hasMore = true; hasMore; ) {
      const page = await persist(() => syncFrom(connection, this.user, this.#cursor));
      for (const { id, rev } of page.tasks) this.#tasks.set(id, rev);
      this.#cursor = page.cursor;
      hasMore = page.has_more;
      if (!hasMore) this.#rev = page.rev;
    }
    connection.close();
  }

  async #apply(event: { rev: number; prev_rev: number; task: Task }): Promise<void> {
    if (event.rev <= this.#rev) return;
    if (event.prev_rev !== this.#rev) return this.#sync();
    this.#tasks.set(event.task.id, event.task.rev);
    this.#rev = event.rev;
  }

  has({ id, rev }: Task): boolean {
    return this.#tasks.get(id) === rev;
  }

  cut(): void {
    this.#listener?.cut();
  }

  close(): void {
    this.#listener?.close();
  }
}

async function change(connection: HttpConnection, user: BenchUser, name: 'create' | 'update'): Promise<Task> {
  const { status, body } = await connection.send(WORKLOADS[name].request(user, 0, user.taskIds), true);
  if (status >= 300) throw new Error(`A change answered ${status}`);
  return JSON.parse(body) as Task;
}

/** Connected, a hundred at a time. */
async function gather(connection: HttpConnection, port: number, users: readonly BenchUser[]) {
  const places = new Map<string, Place>();
  for (const user of users) places.set(user.id, await placeOf(connection, user));
  const followers = Array.from({ length: COMEBACK }, (_, index) => {
    const user = users[index % users.length] as BenchUser;
    return new Follower(port, user, places.get(user.id) as Place);
  });
  for (let start = 0; start < COMEBACK; start += 100)
    await Promise.all(followers.slice(start, start + 100).map((follower) => follower.connect()));
  return followers;
}

/** Those who do not have all the changes of their user's, though they have had the time. */
async function withoutAll(followers: readonly Follower[], changes: Map<string, Task[]>): Promise<Follower[]> {
  for (const deadline = performance.now() + LOST_AFTER; ; await pause(100)) {
    const without = followers.filter(
      (follower) => !changes.get(follower.user.id)?.every((task) => follower.has(task)),
    );
    if (without.length === 0 || performance.now() > deadline) return without;
  }
}

/**
 * All are connected and lose the network at once, tasks are made and changed meanwhile, and then all connect at once and ask
 * what they missed. Whoever is back must hear of what comes next, too.
 */
async function measureComeback(port: number, all: readonly BenchUser[]): Promise<Sockets['comeback']> {
  // Of those that come last, tasks were inserted past all revisions, see pgbench.ts.
  const users = all.slice(0, Math.min(COMEBACK / 4, Math.floor(all.length * 0.8)));
  const connection = new HttpConnection(port);
  const followers = await gather(connection, port, users);
  for (const follower of followers) follower.cut();
  const meanwhile = new Map<string, Task[]>();
  for (const user of users) {
    const made = await change(connection, user, 'create');
    meanwhile.set(user.id, [made, await change(connection, user, 'update')]);
  }
  const start = performance.now();
  await Promise.all(followers.map((follower) => follower.connect()));
  const seconds = (performance.now() - start) / 1000;
  const missed = new Set(await withoutAll(followers, meanwhile));
  const next = new Map<string, Task[]>();
  for (const user of users) next.set(user.id, [await change(connection, user, 'create')]);
  for (const follower of await withoutAll(followers, next)) missed.add(follower);
  connection.close();
  for (const follower of followers) follower.close();
  return { sockets: COMEBACK, seconds, missed: missed.size };
}

export async function measureSockets(bench: Bench): Promise<void> {
  if (isMeasured(PART)) return;
  const { connection, users } = bench.data;
  const here = await startDonewell(connection, { name: 'sockets-here' });
  const there = await startDonewell(connection, { name: 'sockets-there' });
  try {
    progress('sockets: from a change to its event, on one node and on another');
    const found = {
      sameNode: await attempt('events on one node', () => measureHalfLoad(here, here.port, bench)),
      otherNode: await attempt('events on another node', () => measureHalfLoad(here, there.port, bench)),
      fanOut: await attempt('events for many sockets', () => measureFanOut(here, bench)),
      idle: await attempt('idle sockets', () => measureIdle(there, bench)),
    };
    progress('sockets: all come back at once');
    const comeback = await attempt('sockets that come back', () => measureComeback(here.port, users));
    keepResult(PART, { ...found, comeback });
  } finally {
    await Promise.all([here.stop(), there.stop()]);
  }
}

export function socketResults(): Sockets | undefined {
  return keptResult<Sockets>(PART);
}
