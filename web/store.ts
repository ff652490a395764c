// The tasks of the app: the follower's state, with this browser's own changes laid over it.
import { computed, signal } from '@preact/signals';
import { type FollowedSocket, Follower, SyncResetError } from '../client/follower.ts';
import type { Stats } from '../contract/dashboard.ts';
import type { SyncPage } from '../contract/sync.ts';
import type { Task } from '../contract/task.ts';
import { call, Refused, Unreachable, whenAllowed } from './http.ts';
import { connection, goLive, type Live } from './live.ts';
import { effectOf, type Operation, type TaskFields } from './operations.ts';
import { forgetQueue, Outbox } from './outbox.ts';
import { isForgetful, Storage } from './storage.ts';
import { say } from './toasts.ts';

/** All live tasks, in no order. */
export const tasks = signal<readonly Task[]>([]);
export const tasksById = computed(() => new Map(tasks.value.map((task) => [task.id, task])));
/** False until the first state is there, from the server or from this browser. */
export const isLoaded = signal(false);
/** The server's revision that the state has reached. */
export const revision = signal(0);
export const isSyncing = signal(false);
/** What was typed into a new task that the server refused. */
export const refusedText = signal<string | undefined>(undefined);

/** A task that was made here has got its real id. */
export const realised = signal<{ madeId: number; realId: number } | undefined>(undefined);
const madeIds = new Map<number, number>();

const SYNC_LIMIT = 1_000;
const SAVE_PAUSE = 600;
const FRAME = 40;

interface Opened {
  follower: Follower;
  outbox: Outbox;
  storage: Storage;
  live: Live;
  close: () => Promise<void>;
}

let opened: Opened | undefined;
let lastMadeId = 0;

const name = (task: Task | null | undefined) => (task ? `“${task.title}”` : 'The change');

function refusedWord({ kind, before, fields }: Operation, { message, status }: Refused): string {
  if (kind === 'create') return `“${fields.title}” was not saved: ${message}`;
  if (status === 404) return `${name(before)} is not there any more: your change was taken back.`;
  return `${name(before)} stays as it was: ${message}`;
}

function offerAgain(title: string): void {
  refusedText.value = title;
}

function onRefused(operation: Operation, refusal: Refused): void {
  const text = refusedWord(operation, refusal);
  const title = operation.fields.title;
  const again =
    operation.kind === 'create' && title !== undefined
      ? { action: { label: 'Edit again', run: () => offerAgain(title) } }
      : {};
  say(text, { tone: 'problem', ...again });
}

/** After the follower has taken in what was read. */
function loaded(): void {
  setTimeout(() => {
    isLoaded.value = true;
  });
}

interface SyncReaderOptions {
  note: (page: SyncPage) => void;
  isClosed: () => boolean;
}

/** Reads from the server; the very first page comes from this browser, so that only what is new is asked for. */
function syncReader(storage: Storage, { note, isClosed }: SyncReaderOptions) {
  let isFirst = true;
  return async (cursor: string | undefined): Promise<SyncPage> => {
    if (isFirst) {
      isFirst = false;
      const kept = await storage.readSnapshot();
      if (kept) {
        loaded();
        return { ...kept, deleted: [], has_more: true };
      }
    }
    await whenAllowed();
    // Whoever is signed in now may be somebody else.
    if (isClosed()) throw new Unreachable('The page was left.');
    isSyncing.value = true;
    try {
      const query = new URLSearchParams({ limit: String(SYNC_LIMIT), ...(cursor ? { cursor } : {}) });
      const page = await call<SyncPage>('GET', `api/sync?${query}`);
      note(page);
      return page;
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 410) throw error;
      await storage.forgetSnapshot();
      throw new SyncResetError();
    } finally {
      isSyncing.value = false;
    }
  };
}

/** Runs the work once per frame, however often it is asked for, hidden tabs included. */
function oncePerFrame(work: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      work();
    }, FRAME);
  };
}

function afterPause(work: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, SAVE_PAUSE);
  };
}

export interface StoreOptions {
  userId: string;
  onUnauthorized: () => void;
}

function forgetState(): void {
  tasks.value = [];
  isLoaded.value = false;
  revision.value = 0;
  refusedText.value = undefined;
  realised.value = undefined;
  madeIds.clear();
  isForgetful.value = false;
  forgetQueue();
}

/** The server's tasks, with what this browser has done to them since. */
function shownOf(base: ReadonlyMap<number, Task>, outbox: Outbox): Task[] {
  const effect = effectOf(base, outbox.operations);
  const shown: Task[] = [];
  for (const task of base.values()) if (!effect.has(task.id) && !outbox.isBeingMade(task)) shown.push(task);
  for (const task of effect.values()) if (task) shown.push(task);
  return shown;
}

/** Opens the tasks of a user: from this browser first, then from the server, then live. */
export function openStore({ userId, onUnauthorized }: StoreOptions): void {
  const storage = new Storage(userId);
  let cursor: string | undefined;
  let firstPage = true;
  let isClosed = false;

  const show = () => {
    // An answer that comes after the door was closed is nobody's.
    if (isClosed) return;
    const { tasks: base, rev } = follower.state;
    outbox.forgetVisible(base, rev);
    tasks.value = shownOf(base, outbox);
    revision.value = rev;
  };
  const save = afterPause(() => {
    const { tasks: base, rev, stats } = follower.state;
    if (cursor !== undefined && stats) void storage.writeSnapshot(base, { cursor, rev, stats });
  });
  const showSoon = oncePerFrame(show);
  const note = (page: SyncPage) => {
    cursor = page.has_more ? undefined : page.cursor;
    if (!page.has_more) loaded();
  };
  const follower: Follower = new Follower({
    readSync: syncReader(storage, { note, isClosed: () => isClosed }),
    onChange: () => {
      if (firstPage && follower.state.tasks.size > 0) {
        firstPage = false;
        show();
        isLoaded.value = true;
      } else showSoon();
      save();
    },
  });
  const outbox: Outbox = new Outbox(storage, {
    onChange: show,
    onSettled: () => {
      if (connection.value !== 'live') void follower.sync();
    },
    onRefused,
    base: () => follower.state.tasks,
    onRealised: (madeId, realId) => {
      madeIds.set(realId, madeId);
      realised.value = { madeId, realId };
    },
  });
  const live = goLive({
    userId,
    onSocket: (socket) => {
      // Socket.IO types its listeners with any.
      follower.follow(socket as unknown as FollowedSocket);
      // With what another tab has left behind, if any.
      socket.on('connect', () => void outbox.load());
    },
    onUnauthorized,
  });
  // Not before the socket: the page can be read, and what waits here is seen, whatever the network does.
  void outbox.load().then(() => follower.sync());
  const close = async () => {
    isClosed = true;
    live.end();
    outbox.stop();
    follower.stop();
    await storage.close();
    forgetState();
  };
  opened = { follower, outbox, storage, live, close };
}

export async function closeStore({ erase }: { erase: boolean }): Promise<void> {
  const store = opened;
  opened = undefined;
  await store?.close();
  if (erase) await store?.storage.erase();
}

/** After a new sign-in of the same person. */
export function resumeStore(): void {
  opened?.outbox.resume();
  opened?.live.reconnect();
  void opened?.follower.sync();
}

export function statsNow(): Stats | undefined {
  return opened?.follower.state.stats;
}

/** The id by which a task is known now: one that was made here has got a real one meanwhile. */
export function currentId(id: number): number {
  return opened?.outbox.realIds.get(id) ?? id;
}

/** The same for a task from its making on, so that its row stays the same row. */
export function keyOf(id: number): number {
  return madeIds.get(id) ?? id;
}

export function addTask(fields: TaskFields & { title: string }): number {
  lastMadeId -= 1;
  // Unlike every id that an earlier visit has left in the queue.
  const taskId = lastMadeId - Date.now();
  opened?.outbox.add([{ kind: 'create', taskId, fields, ifMatch: null, before: null }]);
  return taskId;
}

/** With `seen`, the change is refused when somebody else has changed the task since. */
export function changeTask(task: Task, fields: TaskFields, seen?: Task): void {
  const ifMatch = seen && seen.rev > 0 ? seen.rev : null;
  opened?.outbox.add([{ kind: 'change', taskId: task.id, fields, ifMatch, before: seen ?? task }]);
}

export function changeTasks(chosen: readonly Task[], fields: TaskFields): void {
  opened?.outbox.add(
    chosen.map((task) => ({ kind: 'change', taskId: task.id, fields, ifMatch: null, before: task })),
  );
}

export function restoreTasks(chosen: readonly Task[]): void {
  opened?.outbox.add(
    chosen.map((task) => ({
      kind: 'restore',
      taskId: currentId(task.id),
      fields: {},
      ifMatch: null,
      before: task,
    })),
  );
}

export function trashTasks(chosen: readonly Task[]): void {
  if (chosen.length === 0) return;
  opened?.outbox.add(
    chosen.map((task) => ({ kind: 'trash', taskId: task.id, fields: {}, ifMatch: null, before: task })),
  );
  const text =
    chosen.length === 1 ? `${name(chosen[0])} is in the trash.` : `${chosen.length} tasks are in the trash.`;
  say(text, { action: { label: 'Undo', run: () => restoreTasks(chosen) } });
}

export function purgeTask(task: Task): void {
  opened?.outbox.add([{ kind: 'purge', taskId: task.id, fields: {}, ifMatch: null, before: task }]);
}
