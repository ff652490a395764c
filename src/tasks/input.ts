// From what a client sent to what is stored: text cleaned and measured, names of priorities and dates understood.
import type { TProperties } from 'typebox';
import type { FieldError } from '../../contract/errors.ts';
import { CATEGORY_LENGTH, DESCRIPTION_LENGTH, TITLE_LENGTH } from '../../contract/limits.ts';
import { NewTask, PRIORITIES, type Priority, type PriorityName, TaskChange } from '../../contract/task.ts';
import { validationError } from '../errors.ts';
import { errorsIn } from '../http/input.ts';
import { cleanText, codePointLength } from '../text/clean-text.ts';
import type { TaskFields } from './repository.ts';

/** The fields that a change sets; an absent one is left alone. `completed_at` follows `status` in the service. */
export type CleanChange = Partial<Omit<TaskFields, 'completed_at'>>;

export type CleanTask = CleanChange & { title: string };

export function priorityOf(given: number | string): Priority {
  const named = PRIORITIES[String(given).toLowerCase() as PriorityName];
  return named ?? (Number(given) as Priority);
}

/** A day of the calendar, from year 1 to 9999. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text < '0001-01-01') return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function cleanTitle(title: string, errors: FieldError[]): string {
  const clean = cleanText(title);
  const length = codePointLength(clean);
  if (length === 0) errors.push({ path: 'title', message: 'must not be empty' });
  if (length > TITLE_LENGTH)
    errors.push({ path: 'title', message: `must be at most ${TITLE_LENGTH} characters long` });
  return clean;
}

function cleanNullable(
  path: 'description' | 'category',
  text: string | null,
  maximum: number,
  errors: FieldError[],
): string | null {
  const clean = text === null ? '' : cleanText(text);
  if (codePointLength(clean) > maximum)
    errors.push({ path, message: `must be at most ${maximum} characters long` });
  return clean === '' ? null : clean;
}

function cleanDueDate(date: string | null, errors: FieldError[]): string | null {
  if (date !== null && !isDate(date))
    errors.push({ path: 'due_date', message: 'must be a date such as 2026-01-31, or null' });
  return date;
}

function cleanFields(input: TaskChange, errors: FieldError[]): CleanChange {
  const change: CleanChange = {};
  if (input.title !== undefined) change.title = cleanTitle(input.title, errors);
  if (input.description !== undefined)
    change.description = cleanNullable('description', input.description, DESCRIPTION_LENGTH, errors);
  if (input.status !== undefined) change.status = input.status;
  if (input.category !== undefined)
    change.category = cleanNullable('category', input.category, CATEGORY_LENGTH, errors);
  if (input.priority !== undefined) change.priority = priorityOf(input.priority);
  if (input.due_date !== undefined) change.due_date = cleanDueDate(input.due_date, errors);
  return change;
}

/** Types first; then the fields that passed are cleaned and measured, so that one answer names all that is wrong. */
function cleanBody(schema: typeof NewTask | typeof TaskChange, body: unknown): CleanChange {
  const errors = errorsIn<TProperties>(schema, body);
  if (errors.some(({ path }) => path === '')) throw validationError(errors);
  const refused = new Set(errors.map(({ path }) => path));
  const sound = Object.fromEntries(Object.entries(body as object).filter(([field]) => !refused.has(field)));
  const change = cleanFields(sound, errors);
  if (errors.length > 0) throw validationError(errors);
  return change;
}

/** @throws AppError `validation_error` naming every field that cannot be stored. */
export function cleanChange(body: unknown): CleanChange {
  return cleanBody(TaskChange, body);
}

/** @throws AppError `validation_error` naming every field that cannot be stored. */
export function cleanNewTask(body: unknown): CleanTask {
  // The schema requires a title.
  return cleanBody(NewTask, body) as CleanTask;
}
