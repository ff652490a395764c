// One server per data directory: a lock that the kernel frees when its holder dies, and a file that names the holder.
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgresError, errorCode, inWords } from './error.ts';
import { isRunning, startTicks } from './processes.ts';

const LOCK_FILE = 'donewell.lock';
const SQLITE_BUSY = 5;
const NAME_WAIT_MS = 1_000;

export interface DirectoryLock {
  release(): void;
}

interface Holder {
  readonly pid: number;
  readonly started: string;
  readonly boot: string;
}

/**
 * Takes the directory for this process. Any number may try at once and exactly one gets it, because the decision is
 * the kernel's: a lock on `donewell.lock.guard`, which ends with the process, kill -9 included, and which also holds
 * between containers that share the directory. `donewell.lock` (pid, start time, boot) is only written under it: it
 * tells the others who it is, and refuses still if somebody deleted the guard of a living server.
 */
export async function lockDirectory(dataDir: string): Promise<DirectoryLock> {
  const file = path.join(dataDir, LOCK_FILE);
  const guard = takeGuard(`${file}.guard`, dataDir);
  if (guard === undefined) throw refusal(dataDir, await nameOfHolder(file));
  try {
    const holder = readHolder(file);
    if (holder && holder.pid !== process.pid && isAlive(holder)) throw refusal(dataDir, holder.pid);
    writeHolder(file);
  } catch (error) {
    guard.close();
    if (error instanceof EmbeddedPostgresError) throw error;
    throw new EmbeddedPostgresError(`Cannot write the lock file ${file}: ${inWords(error)}.`);
  }
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      rmSync(file, { force: true });
      // The guard file stays: deleting it would let two starters lock two files of the same name.
      guard.close();
    },
  };
}

/**
 * Node has no flock(2). Its SQLite has: an open write transaction on an empty database is just such a lock, and nothing
 * is ever written. IMMEDIATE, for an EXCLUSIVE one also fails when a loser is merely looking, and then nobody would
 * win. Undefined: somebody has it.
 */
function takeGuard(file: string, dataDir: string): DatabaseSync | undefined {
  let guard: DatabaseSync | undefined;
  try {
    createPrivately(file);
    guard = new DatabaseSync(file, { timeout: 0 });
    guard.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE');
    return guard;
  } catch (error) {
    guard?.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return undefined;
    throw new EmbeddedPostgresError(`The data directory ${dataDir} cannot be locked: ${inWords(error)}.`);
  }
}

/**
 * Mode 0600, so that no other user can hold the lock against us. Never opened once it exists: closing any second
 * handle would drop the lock that this very process may hold on it.
 */
function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

function writeHolder(file: string): void {
  const draft = `${file}.${process.pid}`;
  const lines = [process.pid, startTicks(process.pid) ?? '', bootId(), identityOf(path.dirname(file))];
  try {
    writeFileSync(draft, `${lines.join('\n')}\n`, { mode: 0o600 });
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}

function readHolder(file: string): Holder | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const [pid = '', started = '', boot = '', directory = ''] = text.split('\n');
  if (!/^[1-9]\d*$/.test(pid)) return undefined;
  // A copied lock names the directory that it was copied from; one of an older version names none.
  const isCopy = directory !== '' && directory !== identityOf(path.dirname(file));
  return isCopy ? undefined : { pid: Number(pid), started, boot };
}

function identityOf(directory: string): string {
  return String(statSync(directory, { bigint: true }).ino);
}

function isAlive(holder: Holder): boolean {
  if (holder.boot !== bootId() || !isRunning(holder.pid)) return false;
  const started = startTicks(holder.pid);
  return started === undefined || holder.started === '' || started === holder.started;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** The winner writes its name just after it has won, so a quick loser may have to look twice. */
async function nameOfHolder(file: string): Promise<number | undefined> {
  for (let waited = 0; waited < NAME_WAIT_MS; waited += 20) {
    const holder = readHolder(file);
    if (holder && isAlive(holder)) return holder.pid;
    await delay(20);
  }
  return readHolder(file)?.pid;
}

function refusal(dataDir: string, pid: number | undefined): EmbeddedPostgresError {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new EmbeddedPostgresError(
    `The data directory ${dataDir} is in use by ${who}: only one server can run on it. Stop that one, or set another DATA_DIR.`,
  );
}
