// Reads an export back: NDJSON, from its header to the line that says it is whole.
import { type TSchema, Type } from 'typebox';
import { NullableTime, Time } from '../../contract/common.ts';
import { IMPORT_LINE_BYTES } from '../../contract/limits.ts';
import { EXPORT_VERSION, ExportEnd } from '../../contract/portability.ts';
import { AppError } from '../errors.ts';
import { parseJson } from '../http/body.ts';
import { errorsIn } from '../http/input.ts';
import { beyondLines, type Finding, fault, fieldsOf, timeOf } from './finding.ts';
import { linesOf } from './lines.ts';

const Header = Type.Object({
  type: Type.Literal('header', { 'x-error': 'must be "header"' }),
  format: Type.Literal('donewell-export', { 'x-error': 'must be "donewell-export"' }),
  version: Type.Literal(EXPORT_VERSION, { 'x-error': `must be ${EXPORT_VERSION}` }),
  user_id: Type.String({ minLength: 1, maxLength: 64, 'x-error': 'must be the id of a user' }),
});

const mark = (schema: TSchema, message: string): TSchema => ({ ...schema, 'x-error': message });
const TIME_FAULT = 'must be a time such as 2026-01-03T10:30:00.000Z';
/** What an exported task says besides the fields that a new task may have. */
const Provenance = Type.Object({
  id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, 'x-error': 'must be a positive integer' }),
  rev: Type.Optional(Type.Integer({ minimum: 1, 'x-error': 'must be a positive integer' })),
  created_at: mark(Time, TIME_FAULT),
  updated_at: Type.Optional(mark(Time, TIME_FAULT)),
  completed_at: Type.Optional(mark(NullableTime, `${TIME_FAULT}, or null`)),
  deleted_at: Type.Optional(mark(NullableTime, `${TIME_FAULT}, or null`)),
});
const TIMES = ['created_at', 'updated_at', 'completed_at', 'deleted_at'] as const;

/** Whose tasks they were: with their ids there this names them for ever. */
export interface Origin {
  userId: string;
}

type Provenanced = { id: number; rev?: number } & { [Name in (typeof TIMES)[number]]?: string | null };

function taskOf(line: number, given: object, origin: Origin): Finding {
  const read = fieldsOf(given);
  const faults = [...('faults' in read ? read.faults : []), ...errorsIn(Provenance, given)];
  const { id, rev = 0, ...more } = given as Provenanced;
  const times: Partial<Record<(typeof TIMES)[number], number>> = {};
  for (const name of TIMES) {
    const text = more[name];
    if (typeof text !== 'string' || faults.some(({ path }) => path === name)) continue;
    const time = timeOf(text);
    if (time === undefined) faults.push({ path: name, message: TIME_FAULT });
    else times[name] = time;
  }
  if (faults.length > 0 || 'faults' in read) return { line, faults };
  const task = {
    fields: read.fields,
    createdAt: times.created_at,
    updatedAt: times.updated_at,
    completedAt: times.completed_at,
    deletedAt: times.deleted_at,
    origin: { id, rev },
    // After a restored backup an id may be given again: the time tells the two apart.
    identity: JSON.stringify(['export', origin.userId, id, times.created_at]),
    repeatable: false,
  };
  return { line, task };
}

interface Progress {
  origin: Origin | undefined;
  tasks: number;
  trashed: number;
  ended: boolean;
}

function headerFinding(line: number, value: object, progress: Progress): Finding | undefined {
  const faults = errorsIn(Header, value);
  if (faults.length > 0) return { line, faults };
  progress.origin = { userId: (value as { user_id: string }).user_id };
  return undefined;
}

function endFinding(line: number, value: object, progress: Progress): Finding | undefined {
  progress.ended = true;
  const faults = errorsIn(ExportEnd, value);
  if (faults.length > 0) return { line, faults };
  const { tasks, trashed } = value as { tasks: number; trashed: number };
  if (tasks === progress.tasks && trashed === progress.trashed) return undefined;
  return fault(
    line,
    `says ${tasks} tasks, ${trashed} of them trashed; there are ${progress.tasks}, ${progress.trashed}`,
  );
}

function objectIn(bytes: Buffer | undefined): object | string {
  if (!bytes) return `must be at most ${IMPORT_LINE_BYTES / 1_024} KiB long`;
  try {
    const value = parseJson(bytes);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? value
      : 'must be a JSON object';
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // A fault is part of a sentence.
    const why = error.message.replace(/^The body/, 'the line').replace(/\.$/, '');
    return `is no JSON that can be taken: ${why}`;
  }
}

function findingOf(line: number, bytes: Buffer | undefined, progress: Progress): Finding | undefined {
  const value = objectIn(bytes);
  if (typeof value === 'string') return fault(line, value);
  if (progress.ended) return fault(line, 'comes after the line that should be the last');
  if (!progress.origin) return headerFinding(line, value, progress);
  const { type, deleted_at } = value as { type?: unknown; deleted_at?: unknown };
  if (type === 'profile') return undefined; // the account has its own
  if (type === 'end') return endFinding(line, value, progress);
  if (type !== 'task') return fault(line, 'must be profile, task or end', 'type');
  progress.tasks++;
  if (typeof deleted_at === 'string') progress.trashed++;
  return taskOf(line, value, progress.origin);
}

const BOM = Buffer.from('\ufeff');

/** @param pieces the bytes of the file. */
export async function* readExport(
  pieces: AsyncIterable<Buffer>,
  told: (origin: Origin) => void,
): AsyncGenerator<Finding> {
  const progress: Progress = { origin: undefined, tasks: 0, trashed: 0, ended: false };
  let last = 0;
  for await (const { number, bytes } of linesOf(pieces, IMPORT_LINE_BYTES)) {
    const line = number === 1 && bytes?.subarray(0, 3).equals(BOM) ? bytes.subarray(3) : bytes;
    last = number;
    const beyond = beyondLines(number);
    if (beyond) return yield beyond;
    if (line?.toString('latin1').trim() === '') continue;
    const hadOrigin = progress.origin !== undefined;
    const finding = findingOf(number, line, progress);
    if (finding) yield finding;
    // What is no export has no lines that could be told of.
    if (!progress.origin) return;
    if (!hadOrigin) told(progress.origin);
  }
  if (last === 0) yield fault(1, 'is missing: the file is empty');
  else if (!progress.ended) yield fault(last + 1, 'is missing: the file is cut off before its last line');
}
