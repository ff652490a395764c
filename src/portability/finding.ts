// What a reader of files finds, whatever the format: tasks that can be stored, and what is wrong, each with its line.
import type { FieldError } from '../../contract/errors.ts';
import { IMPORT_LINES } from '../../contract/limits.ts';
import { AppError } from '../errors.ts';
import { type CleanTask, cleanNewTask } from '../tasks/input.ts';

/** A task of a file. Times are milliseconds since the epoch; what the file does not say is undefined. */
export interface FoundTask {
  fields: CleanTask;
  createdAt?: number | undefined;
  updatedAt?: number | undefined;
  completedAt?: number | undefined;
  /** Since when it has been in the trash. */
  deletedAt?: number | undefined;
  /** In an export: its id and revision there. */
  origin?: { id: number; rev: number } | undefined;
  /** What tells it from all others: the same in every import of the same file. */
  identity: string;
  /** Whether a second one of the same identity is another task (in a table) or a fault (in an export). */
  repeatable: boolean;
}

export type Finding =
  | { line: number; task: FoundTask }
  | { line: number; faults: readonly FieldError[] }
  | { line: number; warning: string };

export function fault(line: number, message: string, path = ''): Finding {
  return { line, faults: [{ path, message }] };
}

/** What ends the reading of a file of more lines than any list has. */
export function beyondLines(line: number): Finding | undefined {
  return line > IMPORT_LINES ? fault(line, `is beyond the ${IMPORT_LINES} lines of one import`) : undefined;
}

/** The fields as any new task's are cleaned and measured, or what is wrong with them. */
export function fieldsOf(body: unknown): { fields: CleanTask } | { faults: readonly FieldError[] } {
  try {
    return { fields: cleanNewTask(body) };
  } catch (error) {
    if (error instanceof AppError && error.errors) return { faults: error.errors };
    throw error;
  }
}

const TIME = /^(\d{4})-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;
/** Nothing was done before computers counted time. */
const FIRST_YEAR = 1970;
const LAST_TIME = Date.UTC(9_999, 11, 31, 23, 59, 59, 999);

/** An RFC 3339 time in milliseconds, or undefined for anything else: also for one whose offset carries it out of those years. */
export function timeOf(text: string): number | undefined {
  const [, year = '0', fraction = ''] = TIME.exec(text) ?? [];
  if (Number(year) < FIRST_YEAR) return undefined;
  const time = Date.parse(text.replace(' ', 'T').replace(fraction, fraction.slice(0, 4)).toUpperCase());
  return time >= 0 && time <= LAST_TIME ? time : undefined;
}
