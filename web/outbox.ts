// The queue of changes on their way to the server: one at a time, in order, kept until they are answered.
import { signal } from '@preact/signals';
import type { Task } from '../contract/task.ts';
import { call, delay, newKey, Refused, serverNow, Unreachable, whenAllowed } from './http.ts';
import { isOnlyOurs, isPending, isVisible, type Operation, overlaps, type TaskFields } from './operations.ts';
import type { Storage } from './storage.ts';

/** A change that met another one: both are shown, and a person chooses. */
export interface Conflict {
  operation: Operation;
  current: Task;
}

export interface OutboxEvents {
  /** The effect of the operations has changed. */
  onChange: () => void;
  /** An operation was answered with success. */
  onSettled: (operation: Operation) => void;
  /** The server said no: the operation is taken back. */
  onRefused: (operation: Operation, refusal: Refused) => void;
  /** The server's state. */
  base: () => ReadonlyMap<number, Task>;
  /** A task that was made here has got its real id. */
  onRealised: (madeId: number, realId: number) => void;
}

export const pendingCount = signal(0);
export const conflicts = signal<readonly Conflict[]>([]);
/** Nobody answers. */
export const isUnreachable = signal(false);

/** Nothing of one person is left for the next. */
export function forgetQueue(): void {
  pendingCount.value = 0;
  conflicts.value = [];
  isUnreachable.value = false;
}

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** Failures of the server's own, after which a change is given up with a word. */
const MOST_FAILURES = 4;

interface Request {
  method: string;
  path: string;
  json?: TaskFields;
  headers: Record<string, string>;
}

function requestFor({ kind, taskId, fields, ifMatch, key }: Operation): Request {
  const headers: Record<string, string> = { 'idempotency-key': key };
  if (ifMatch !== null) headers['if-match'] = `"${ifMatch}"`;
  const path = `api/tasks/${taskId}`;
  switch (kind) {
    case 'create':
      return { method: 'POST', path: 'api/tasks', json: fields, headers };
    case 'change':
      return { method: 'PATCH', path, json: fields, headers };
    case 'trash':
      return { method: 'DELETE', path, headers };
    case 'restore':
      return { method: 'POST', path: `${path}/restore`, headers };
    case 'purge':
      return { method: 'DELETE', path: `${path}?permanent=true`, headers };
  }
}

export class Outbox {
  readonly #storage: Storage;
  readonly #events: OutboxEvents;
  #operations: Operation[] = [];
  #isSending = false;
  #stopped = false;
  #lastSeq = 0;
  #failures = 0;
  /** Numbers of operations that are done with here, though storage may not know yet. */
  readonly #answered = new Set<number>();
  /** Revisions that followed on others by changes of ours alone, by `id:rev`. */
  readonly #successors = new Map<string, number>();
  #making: { title: string; after: number } | undefined;
  #wake: () => void = () => {};
  /** Real ids of tasks that were made here. */
  readonly realIds = new Map<number, number>();

  constructor(storage: Storage, events: OutboxEvents) {
    this.#storage = storage;
    this.#events = events;
  }

  /**
   * Whether this is the task that is being made right now: the socket may bring it before the answer does, and it must
   * not be seen twice.
   */
  isBeingMade({ id, title }: Task): boolean {
    return this.#making !== undefined && id > this.#making.after && title === this.#making.title;
  }

  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** Takes up what an earlier visit or a closed tab has left. */
  async load(): Promise<void> {
    const kept = await this.#storage.readOperations();
    if (this.#stopped) return;
    const known = new Set(this.#operations.map(({ seq }) => seq));
    const left = kept.filter(({ seq }) => !known.has(seq) && !this.#answered.has(seq));
    if (left.length === 0) return this.send();
    left.sort((a, b) => a.seq - b.seq);
    this.#followOn(left.at(-1)?.seq ?? 0);
    this.#operations = [...left, ...this.#operations];
    this.#changed();
    this.send();
  }

  /** What is left was made before what this page has added, whatever the clock says by now. */
  #followOn(seq: number): void {
    const early = this.#operations.filter((operation) => isPending(operation) && operation.seq <= seq);
    this.#lastSeq = Math.max(this.#lastSeq, seq);
    for (const operation of early) {
      void this.#storage.removeOperation(operation.seq);
      this.#lastSeq += 1;
      operation.seq = this.#lastSeq;
    }
    void this.#storage.putOperations(early);
  }

  add(operations: Pick<Operation, 'kind' | 'taskId' | 'fields' | 'ifMatch' | 'before'>[]): Operation[] {
    const added = operations.map((operation): Operation => {
      this.#lastSeq = Math.max(this.#lastSeq + 1, Date.now() * 1000);
      const taskId = this.realIds.get(operation.taskId) ?? operation.taskId;
      const ifMatch = this.#latestOwn(taskId, operation.ifMatch);
      return { ...operation, taskId, ifMatch, seq: this.#lastSeq, key: newKey(), at: serverNow() };
    });
    this.#operations.push(...added);
    void this.#storage.putOperations(added);
    this.#changed();
    this.send();
    return added;
  }

  /** Takes back what has not been sent; false when it is on its way or done. */
  withdraw(taskId: number): boolean {
    const mine = this.#operations.filter((operation) => operation.taskId === taskId && isPending(operation));
    if (mine.length === 0 || this.#isSending) return false;
    for (const operation of mine) this.#drop(operation);
    this.#changed();
    return true;
  }

  /** Forgets what the server's state now shows by itself. */
  forgetVisible(base: ReadonlyMap<number, Task>, rev: number): void {
    const kept = this.#operations.filter((operation) => !isVisible(operation, base, rev));
    if (kept.length === this.#operations.length) return;
    this.#operations = kept;
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  /** Starts sending, or ends a wait for better times. */
  send(): void {
    this.#wake();
    if (this.#isSending || this.#stopped) return;
    this.#isSending = true;
    void this.#sendAll().finally(() => {
      this.#isSending = false;
      if (!this.#stopped && this.#next() && !this.#isHeld) this.send();
    });
  }

  /** No session: whatever is here waits for one. */
  #isHeld = false;

  resume(): void {
    this.#isHeld = false;
    this.send();
  }

  #next(): Operation | undefined {
    return this.#operations.find(isPending);
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#next(); next && !this.#stopped && !this.#isHeld; next = this.#next()) {
      await whenAllowed();
      if (this.#stopped) return;
      await this.#sendOne(next);
    }
  }

  async #sendOne(operation: Operation): Promise<void> {
    const { method, path, ...options } = requestFor(operation);
    if (operation.kind === 'create') {
      let newest = 0;
      for (const id of this.#events.base().keys()) newest = Math.max(newest, id);
      this.#making = { title: operation.fields.title ?? '', after: newest };
    }
    try {
      const answer = await call<Task | { message: string }>(method, path, options);
      this.#failures = 0;
      isUnreachable.value = false;
      this.#settle(operation, 'id' in answer ? answer : null);
    } catch (error) {
      if (error instanceof Refused) await this.#refused(operation, error);
      else if (error instanceof Unreachable) {
        isUnreachable.value = true;
        await this.#pause();
      } else throw error;
    } finally {
      this.#making = undefined;
    }
  }

  #settle(operation: Operation, task: Task | null): void {
    // From here on it is known by its id, and no longer to be hidden.
    this.#making = undefined;
    const baseRev = this.#events.base().get(operation.taskId)?.rev ?? null;
    if (operation.kind === 'create' && task) this.#realise(operation.taskId, task.id);
    if (task) this.#moveOn(operation, task);
    operation.outcome = { task, baseRev };
    this.#forget(operation);
    this.#events.onSettled(operation);
    this.#changed();
  }

  /** Later changes of a task that was made here now have an address. */
  #realise(madeId: number, realId: number): void {
    this.realIds.set(madeId, realId);
    this.#events.onRealised(madeId, realId);
    const later = this.#operations.filter((operation) => operation.taskId === madeId);
    for (const operation of later) operation.taskId = realId;
    void this.#storage.putOperations(
      later.filter((operation) => isPending(operation) && operation.kind !== 'create'),
    );
  }

  /** The revision that our own changes have made of another: whoever saw the one may save on the other. */
  #latestOwn(taskId: number, rev: number | null): number | null {
    if (rev === null) return null;
    let latest = rev;
    let next: number | undefined = rev;
    while (next !== undefined) {
      latest = next;
      next = this.#successors.get(`${taskId}:${latest}`);
    }
    return latest;
  }

  /** A later change of ours was made on this one, unless somebody else came between. */
  #moveOn(operation: Operation, answer: Task): void {
    if (operation.kind === 'change' && operation.ifMatch === null && !isOnlyOurs(operation, answer)) return;
    const from = operation.ifMatch ?? operation.before?.rev;
    if (from !== undefined && from < answer.rev) this.#successors.set(`${answer.id}:${from}`, answer.rev);
    const later = this.#operations.filter(
      (other) =>
        other.taskId === answer.id && other !== operation && isPending(other) && other.kind === 'change',
    );
    for (const other of later) if (other.ifMatch !== null) other.ifMatch = answer.rev;
    if (later.length > 0) void this.#storage.putOperations(later);
  }

  async #refused(operation: Operation, refusal: Refused): Promise<void> {
    const { status, code } = refusal;
    if (status === 401) {
      this.#isHeld = true;
    } else if (status === 412) {
      this.#conflict(operation, refusal.body.current as Task);
    } else if (status === 404 && (operation.kind === 'trash' || operation.kind === 'purge')) {
      this.#settle(operation, null);
    } else if (status === 429 || code === 'idempotency_in_progress' || status === 503) {
      await this.#pause(refusal.retryAfter);
    } else if (status >= 500 && this.#failures < MOST_FAILURES) {
      this.#failures += 1;
      await this.#pause(refusal.retryAfter);
    } else {
      this.#failures = 0;
      this.#rollBack(operation, refusal);
    }
  }

  #rollBack(operation: Operation, refusal: Refused): void {
    this.#drop(operation);
    // What was built on a task that never came to be goes with it.
    if (operation.kind === 'create')
      for (const later of this.#operations.filter(({ taskId }) => taskId === operation.taskId))
        this.#drop(later);
    this.#events.onRefused(operation, refusal);
    this.#changed();
  }

  #conflict(operation: Operation, current: Task): void {
    this.#drop(operation);
    if (overlaps(operation.fields, operation.before, current)) {
      conflicts.value = [...conflicts.value, { operation, current }];
      this.#changed();
    } else {
      // Two people changed different things of one task: both hold.
      this.add([{ ...operation, ifMatch: current.rev, before: current }]);
    }
  }

  #drop(operation: Operation): void {
    this.#operations = this.#operations.filter((other) => other !== operation);
    this.#forget(operation);
  }

  #forget({ seq }: Operation): void {
    this.#answered.add(seq);
    void this.#storage.removeOperation(seq);
  }

  #changed(): void {
    if (this.#stopped) return;
    pendingCount.value = this.#operations.filter(isPending).length;
    this.#events.onChange();
  }

  #pauseLength = FIRST_PAUSE;

  /** Waits, longer each time; `send` ends it early. */
  async #pause(given?: number): Promise<void> {
    const length = given ?? this.#pauseLength;
    this.#pauseLength = Math.min(this.#pauseLength * 2, LONGEST_PAUSE);
    await Promise.race([
      delay(length),
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
    ]);
    this.#wake = () => {};
    if (!isUnreachable.value) this.#pauseLength = FIRST_PAUSE;
  }
}
