// What this browser keeps for one user: the tasks as last seen, and the changes that are still to be sent.
import { signal } from '@preact/signals';
import type { Stats } from '../contract/dashboard.ts';
import type { Task } from '../contract/task.ts';
import { Journal } from './journal.ts';
import { isOperation, soundSnapshot } from './kept.ts';
import type { Operation } from './operations.ts';

/** Nothing can be kept here: storage is closed or full, and what waits to be sent lasts as long as the page. */
export const isForgetful = signal(false);

export interface Snapshot {
  tasks: Task[];
  cursor: string;
  rev: number;
  stats: Stats;
}

type Place = Pick<Snapshot, 'cursor' | 'rev' | 'stats'>;

const VERSION = 1;
const STORES = ['tasks', 'operations', 'place'];
const nameFor = (userId: string) => `donewell-${userId}`;

function settled<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}

async function open(userId: string): Promise<IDBDatabase> {
  const request = indexedDB.open(nameFor(userId), VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore('tasks', { keyPath: 'id' });
    request.result.createObjectStore('operations', { keyPath: 'seq' });
    request.result.createObjectStore('place');
  };
  const database = await settled(request);
  // Another tab signs out: what is kept must go, also while this one is open.
  database.onversionchange = () => database.close();
  return database;
}

/** One that cannot be used is thrown away: it would stay so for good. */
async function openSound(userId: string): Promise<IDBDatabase> {
  try {
    const database = await open(userId);
    if (STORES.every((name) => database.objectStoreNames.contains(name))) return database;
    database.close();
  } catch (error) {
    if (!(error instanceof DOMException) || !['VersionError', 'UnknownError'].includes(error.name))
      throw error;
  }
  await settled(indexedDB.deleteDatabase(nameFor(userId)));
  return open(userId);
}

function revisionsOf(tasks: Iterable<Task>): Map<number, number> {
  const revisions = new Map<number, number>();
  for (const { id, rev } of tasks) revisions.set(id, rev);
  return revisions;
}

/** Everything here is a convenience: where storage is closed or full the app goes on without it. */
export class Storage {
  readonly #userId: string;
  readonly #database: Promise<IDBDatabase | undefined>;
  readonly #journal: Journal;
  /** Revisions that are in storage, by task id; undefined until this tab has written all of them once. */
  #written: Map<number, number> | undefined;
  /** One tab writes the tasks; all write their operations. */
  #isWriter = false;
  #release: () => void = () => {};

  constructor(userId: string) {
    this.#userId = userId;
    this.#journal = new Journal(userId);
    this.#database = openSound(userId).catch(() => undefined);
    this.#becomeWriter();
  }

  #becomeWriter(): void {
    // Without locks (plain HTTP) every tab writes; the sync after each start mends what crosses.
    if (!('locks' in navigator)) {
      this.#isWriter = true;
      return;
    }
    const held = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    const name = `${nameFor(this.#userId)}-writer`;
    const write = () => {
      this.#isWriter = true;
      return held;
    };
    const writeAfterAnother = () => {
      // It has written what this tab does not know of.
      this.#written = undefined;
      return write();
    };
    void navigator.locks
      .request(name, { ifAvailable: true }, (lock) =>
        lock ? write() : void navigator.locks.request(name, writeAfterAnother).catch(() => {}),
      )
      .catch(() => {});
  }

  async readSnapshot(): Promise<Snapshot | undefined> {
    const database = await this.#database;
    if (!database) return undefined;
    try {
      const transaction = database.transaction(['tasks', 'place']);
      const [place, tasks] = await Promise.all([
        settled<unknown>(transaction.objectStore('place').get('place')),
        settled<unknown[]>(transaction.objectStore('tasks').getAll()),
      ]);
      const found = soundSnapshot(place, tasks, this.#userId);
      // Only the one writer may take what it read for what is there.
      if (found && this.#isWriter && 'locks' in navigator) this.#written = revisionsOf(found.tasks);
      return found;
    } catch {
      return undefined;
    }
  }

  async writeSnapshot(tasks: ReadonlyMap<number, Task>, place: Place): Promise<void> {
    const database = await this.#database;
    if (!database || !this.#isWriter) return;
    const before = this.#written;
    const now = revisionsOf(tasks.values());
    try {
      const transaction = database.transaction(['tasks', 'place'], 'readwrite');
      const store = transaction.objectStore('tasks');
      if (!before) store.clear();
      for (const id of before?.keys() ?? []) if (!now.has(id)) store.delete(id);
      for (const task of tasks.values()) if (before?.get(task.id) !== task.rev) store.put(task);
      transaction.objectStore('place').put({ ...place, count: tasks.size }, 'place');
      await finished(transaction);
      this.#written = now;
    } catch {
      this.#written = undefined;
    }
  }

  async forgetSnapshot(): Promise<void> {
    await this.#change(['tasks', 'place'], (transaction) => {
      transaction.objectStore('tasks').clear();
      transaction.objectStore('place').clear();
    });
    this.#written = undefined;
  }

  /** What waits to be sent, including what a page was left with before it could be committed. */
  async readOperations(): Promise<Operation[]> {
    const unsaved = this.#journal.read().filter(isOperation);
    const committed = (await this.#readCommitted()).filter(isOperation);
    const bySeq = new Map(committed.map((operation) => [operation.seq, operation]));
    for (const operation of unsaved) bySeq.set(operation.seq, operation);
    void this.putOperations(unsaved);
    return [...bySeq.values()];
  }

  async #readCommitted(): Promise<unknown[]> {
    try {
      const database = await this.#database;
      if (!database) return [];
      const store = database.transaction('operations').objectStore('operations');
      return await settled<unknown[]>(store.getAll());
    } catch {
      return [];
    }
  }

  /** Kept from the moment of the call, whatever becomes of the page. */
  async putOperations(operations: readonly Operation[]): Promise<void> {
    if (operations.length === 0) return;
    // A copy: an operation may change while it is being committed.
    const copies = structuredClone(operations);
    const isWritten = this.#journal.put(copies);
    const isCommitted = await this.#change(['operations'], (transaction) => {
      for (const operation of copies) transaction.objectStore('operations').put(operation);
    });
    if (isCommitted) this.#journal.settle(copies);
    isForgetful.value = !isCommitted && !isWritten;
  }

  async removeOperation(seq: number): Promise<void> {
    this.#journal.remove(seq);
    await this.#change(['operations'], (transaction) => transaction.objectStore('operations').delete(seq));
  }

  /** True once it is committed. */
  async #change(stores: string[], work: (transaction: IDBTransaction) => void): Promise<boolean> {
    const database = await this.#database;
    if (!database) return false;
    try {
      const transaction = database.transaction(stores, 'readwrite');
      work(transaction);
      await finished(transaction);
      return true;
    } catch {
      // Full or closed: the change is in memory.
      return false;
    }
  }

  async close(): Promise<void> {
    this.#release();
    (await this.#database)?.close();
  }

  /** At sign-out nothing stays behind on a machine that others may use. */
  async erase(): Promise<void> {
    await this.close();
    this.#journal.erase();
    try {
      indexedDB.deleteDatabase(nameFor(this.#userId));
    } catch {
      // Closed: there is nothing to erase.
    }
  }
}
