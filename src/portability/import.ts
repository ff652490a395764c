// Writes a received file: all of its tasks that are not there yet, or none, as one write of its user.
import { IMPORT_TASKS } from '../../contract/limits.ts';
import type { ImportResult } from '../../contract/portability.ts';
import type { Transaction } from '../database/database.ts';
import { AppError } from '../errors.ts';
import type { UserWrite } from '../sync/user-write.ts';
import { sortedIndexes } from './order.ts';
import type { Received } from './received.ts';
import { countRows, insertImported, keysThere, lastChange, tasksThere } from './repository.ts';

/** Tasks, and characters of their rows, in one statement. */
const AT_ONCE = 1_000;
const CHARACTERS_AT_ONCE = 1_000_000;

export interface Importing {
  file: Received;
  userId: string;
  /** Aborted when nobody waits for the answer any more: then nothing is written. */
  signal: AbortSignal;
  /** Called every thousand tasks, and again from the first when the write is repeated. */
  onProgress: (done: number, total: number) => void;
}

type Reader = Pick<Transaction, 'query'>;

/** Nobody will read it. */
function assertWanted({ signal }: Importing): void {
  if (signal.aborted) throw new AppError('malformed_request', 'The connection was closed.');
}

function* portions(length: number): Generator<number[]> {
  for (let start = 0; start < length; start += AT_ONCE)
    yield Array.from({ length: Math.min(AT_ONCE, length - start) }, (_, index) => start + index);
}

/** One flag a task: 1 for those that an earlier import made, and for those of the account's own export. */
async function findThere(reader: Reader, importing: Importing): Promise<Uint8Array> {
  const { file, userId } = importing;
  const { tasks } = file;
  const there = new Uint8Array(tasks.length);
  for (const portion of portions(tasks.length)) {
    assertWanted(importing);
    const rows = await reader.query(keysThere, [userId, portion.map((index) => tasks.key(index))]);
    const keys = new Set(rows.map(({ key }) => key));
    for (const index of portion) if (keys.has(tasks.key(index))) there[index] = 1;
    if (file.originUserId !== userId) continue;
    const ids = portion.map((index) => tasks.originIds[index] ?? 0);
    const own = await reader.query(tasksThere, [userId, ids]);
    const created = new Map(own.map(({ id, created_at }) => [id, Date.parse(created_at)]));
    for (const index of portion)
      if (created.get(tasks.originIds[index] ?? 0) === tasks.createdAt[index]) there[index] = 1;
  }
  return there;
}

/** Files are made faster than tasks by hand: by these alone nobody fills the disk. @throws AppError `validation_error` (422). */
async function assertRoom(reader: Reader, { userId }: Importing, { created }: ImportResult): Promise<void> {
  if (created === 0) return;
  const [row] = await reader.query(countRows, [userId, IMPORT_TASKS]);
  if ((row?.rows ?? 0) + created <= IMPORT_TASKS) return;
  const message = `would take the account beyond ${IMPORT_TASKS} tasks, with the trash and what was deleted in the last months`;
  throw new AppError('validation_error', `The file ${message}.`, { errors: [{ path: '', message }] });
}

interface Places {
  revs: Float64Array;
  changedAt: Float64Array;
}

/**
 * Each new task's revision and time of change. The order is that of the changes where they come from. The times stay as
 * they are unless the account has changed since: for a user, later revisions never have earlier times.
 */
async function placesOf(write: UserWrite, { file, userId }: Importing, there: Uint8Array): Promise<Places> {
  const { tasks } = file;
  const { updatedAt, originRevs } = tasks;
  const order = await sortedIndexes(tasks.length, (one, other) => {
    const [a = 0, b = 0] = [updatedAt[one], updatedAt[other]];
    return a === b ? (originRevs[one] ?? 0) - (originRevs[other] ?? 0) : a - b;
  });
  const [user] = await write.transaction.query(lastChange, [userId]);
  let latest = user?.changed_at ? Date.parse(user.changed_at) : 0;
  const now = Date.parse(write.now);
  const places = { revs: new Float64Array(tasks.length), changedAt: new Float64Array(tasks.length) };
  for (const index of order) {
    if (there[index]) continue;
    latest = Math.min(now, Math.max(latest, updatedAt[index] ?? now));
    places.revs[index] = write.change(undefined, tasks.counted(index));
    places.changedAt[index] = latest;
  }
  return places;
}

async function insertAll(
  write: UserWrite,
  importing: Importing,
  there: Uint8Array,
  places: Places,
): Promise<void> {
  let rows: string[] = [];
  let characters = 0;
  let revs: number[] = [];
  let times: string[] = [];
  let index = 0;
  const total = importing.file.tasks.length;
  const flush = async () => {
    assertWanted(importing);
    const values = [importing.userId, `[${rows.join(',')}]`, revs, times, write.now];
    if (rows.length > 0) await write.transaction.query(insertImported, values);
    importing.onProgress(index, total);
    [rows, revs, times, characters] = [[], [], [], 0];
  };
  for await (const row of importing.file.rows()) {
    if (!there[index]) {
      rows.push(row);
      characters += row.length;
      revs.push(places.revs[index] ?? 0);
      times.push(new Date(places.changedAt[index] ?? 0).toISOString());
    }
    index++;
    if (rows.length >= AT_ONCE || characters >= CHARACTERS_AT_ONCE) await flush();
  }
  await flush();
}

function resultOf({ file }: Importing, there: Uint8Array, dry_run: boolean): ImportResult {
  const already_there = there.reduce((sum, flag) => sum + flag, 0);
  return {
    format: file.format,
    dry_run,
    tasks: file.tasks.length + file.expired,
    created: file.tasks.length - already_there,
    already_there,
    expired: file.expired,
    warnings: file.warnings,
    warnings_total: file.warningsTotal,
  };
}

/** What an import would do. */
export async function tryImport(reader: Reader, importing: Importing): Promise<ImportResult> {
  const result = resultOf(importing, await findThere(reader, importing), true);
  await assertRoom(reader, importing, result);
  return result;
}

/** Runs inside the user's write, under the lock: what is there now stays as it is. */
export async function importAll(write: UserWrite, importing: Importing): Promise<ImportResult> {
  await write.locked();
  const there = await findThere(write.transaction, importing);
  const result = resultOf(importing, there, false);
  await assertRoom(write.transaction, importing, result);
  const places = await placesOf(write, importing, there);
  await insertAll(write, importing, there, places);
  assertWanted(importing);
  return result;
}
