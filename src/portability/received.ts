// A file that has been received: its tasks checked, cleaned and put aside, with what must be known of all of them at once.
import { createHash } from 'node:crypto';
import type { FieldError } from '../../contract/errors.ts';
import { IMPORT_FAULTS, IMPORT_FAULTS_COUNTED, IMPORT_TASKS, TRASH_DAYS } from '../../contract/limits.ts';
import type { ImportFormat, ImportWarning } from '../../contract/portability.ts';
import type { Priority } from '../../contract/task.ts';
import { AppError } from '../errors.ts';
import type { Countable } from '../sync/user-write.ts';
import type { Finding, FoundTask } from './finding.ts';
import type { Spool } from './spool.ts';

const TRASH = TRASH_DAYS * 24 * 60 * 60 * 1_000;
const KEY_BYTES = 16;
const FIRST_KEYS = 256;

/** What is remembered of each task: numbers, one column each, and its key. The rest, all text, is in the file aside. */
export class Remembered {
  /** In an export: its id and revision there. */
  readonly originIds: number[] = [];
  readonly originRevs: number[] = [];
  /** Milliseconds. */
  readonly createdAt: number[] = [];
  /** Milliseconds; infinity when the file does not say. */
  readonly updatedAt: number[] = [];
  readonly #counted: number[] = [];
  #keys = Buffer.alloc(FIRST_KEYS * KEY_BYTES);

  get length(): number {
    return this.#counted.length;
  }

  add(task: FoundTask, key: Buffer, counted: Countable): void {
    const { length } = this;
    if ((length + 1) * KEY_BYTES > this.#keys.length)
      this.#keys = Buffer.concat([this.#keys], 2 * this.#keys.length);
    key.copy(this.#keys, length * KEY_BYTES, 0, KEY_BYTES);
    this.originIds.push(task.origin?.id ?? 0);
    this.originRevs.push(task.origin?.rev ?? 0);
    this.createdAt.push(task.createdAt ?? 0);
    this.updatedAt.push(task.updatedAt ?? Number.POSITIVE_INFINITY);
    this.#counted.push(counted ? 2 * counted.priority + Number(counted.status) : 0);
  }

  /** What names a task for every import to come, as PostgreSQL writes bytes. */
  key(index: number): string {
    return keyText(this.#keys.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES));
  }

  counted(index: number): Countable {
    const code = this.#counted[index] ?? 0;
    return code === 0 ? undefined : { priority: (code >> 1) as Priority, status: (code & 1) === 1 };
  }
}

function keyText(key: Buffer): string {
  return `\\x${key.toString('hex', 0, KEY_BYTES)}`;
}

function isoOf(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}

export class Received {
  readonly tasks = new Remembered();
  readonly warnings: ImportWarning[] = [];
  readonly #spool: Spool;
  readonly #faults: FieldError[] = [];
  readonly #seen = new Map<string, number>();
  readonly #since: number;
  format: ImportFormat = 'csv';
  /** Whose tasks an export holds. */
  originUserId: string | undefined;
  warningsTotal = 0;
  expired = 0;
  #faultsTotal = 0;
  #count = 0;

  /** @param now milliseconds: what was deleted longer ago than the trash keeps is left out. */
  constructor(spool: Spool, now: number) {
    this.#spool = spool;
    this.#since = now - TRASH;
  }

  take(finding: Finding): void {
    if ('task' in finding) this.#takeTask(finding.line, finding.task);
    else if ('faults' in finding) this.#refuse(finding.line, finding.faults);
    else this.#warn(finding);
  }

  /** So much is wrong that nobody needs to know of more. */
  get isHopeless(): boolean {
    return this.#faultsTotal >= IMPORT_FAULTS_COUNTED;
  }

  /** @throws AppError `validation_error` (422) that names the first faults, if there were any. */
  assertSound(): void {
    if (this.#faultsTotal === 0) return;
    const [{ line = 0, path, message } = { path: '', message: '' }] = this.#faults;
    const detail = `Line ${line}: ${path === '' ? 'it' : path} ${message}. Nothing was imported.`;
    const extra = { errors_total: this.#faultsTotal };
    throw new AppError('validation_error', detail, { errors: this.#faults, extra });
  }

  /** The rows as they were put aside, as JSON, in the order of `tasks`. */
  rows(): AsyncGenerator<string> {
    return this.#spool.lines();
  }

  #refuse(line: number, faults: readonly FieldError[]): void {
    this.#faultsTotal += faults.length;
    for (const { path, message } of faults)
      if (this.#faults.length < IMPORT_FAULTS) this.#faults.push({ line, path, message });
  }

  #warn({ line, warning: message }: { line: number; warning: string }): void {
    this.warningsTotal++;
    if (this.warnings.length < IMPORT_FAULTS) this.warnings.push({ line, message });
  }

  #takeTask(line: number, task: FoundTask): void {
    const digest = createHash('sha256').update(task.identity).digest();
    const name = digest.toString('latin1', 0, KEY_BYTES);
    const earlier = this.#seen.get(name) ?? 0;
    const wrong = this.#whyNot(task, earlier);
    if (wrong) this.#refuse(line, wrong);
    if (this.#count > IMPORT_TASKS) return;
    this.#seen.set(name, earlier + 1);
    if (task.deletedAt !== undefined && task.deletedAt <= this.#since) {
      this.expired++;
      return;
    }
    // After the first fault nothing will be written.
    if (this.#faultsTotal > 0) return;
    // Of equal rows the second is another task, and so it is in the next import.
    const own = earlier === 0 ? digest : createHash('sha256').update(digest).update(`${earlier}`).digest();
    this.#keep(task, own);
  }

  #whyNot({ repeatable }: FoundTask, earlier: number): FieldError[] | undefined {
    this.#count++;
    if (earlier > 0 && !repeatable) return [{ path: 'id', message: 'has been in the file before' }];
    return this.#count === IMPORT_TASKS + 1
      ? [{ path: '', message: `is beyond the ${IMPORT_TASKS} tasks of one import` }]
      : undefined;
  }

  #keep(task: FoundTask, digest: Buffer): void {
    const { title, description = null, status = false, category = null, due_date = null } = task.fields;
    const priority: Priority = task.fields.priority ?? 2;
    const row = {
      title,
      description,
      status,
      category,
      priority,
      due_date,
      created_at: isoOf(task.createdAt),
      completed_at: isoOf(task.completedAt ?? task.updatedAt),
      deleted_at: isoOf(task.deletedAt),
      key: keyText(digest),
    };
    this.#spool.add(JSON.stringify(row));
    this.tasks.add(task, digest, task.deletedAt === undefined ? { priority, status } : undefined);
  }
}
