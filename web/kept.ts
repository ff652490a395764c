// Whether what this browser has kept is what the app wrote: disks fail, and other versions of the app have been here.
import type { Task } from '../contract/task.ts';
import type { Operation } from './operations.ts';
import type { Snapshot } from './storage.ts';

type Fields = Record<string, unknown>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string';
}

function isPriority(value: unknown): boolean {
  return value === 1 || value === 2 || value === 3;
}

/** Of this user alone. */
function isTask(value: unknown, userId: string): value is Task {
  const task = fieldsOf(value);
  return (
    Number.isInteger(task.id) &&
    Number.isInteger(task.rev) &&
    task.user_id === userId &&
    typeof task.title === 'string' &&
    typeof task.status === 'boolean' &&
    isPriority(task.priority) &&
    [task.description, task.category, task.due_date, task.completed_at].every(isTextOrNull) &&
    typeof task.created_at === 'string' &&
    typeof task.updated_at === 'string'
  );
}

/** All of it or nothing: a list with a hole would never be mended, for only what is new is asked for. */
export function soundSnapshot(place: unknown, tasks: unknown[], userId: string): Snapshot | undefined {
  const { cursor, rev, stats, count } = fieldsOf(place);
  const isSound =
    typeof cursor === 'string' &&
    Number.isInteger(rev) &&
    typeof stats === 'object' &&
    count === tasks.length &&
    tasks.every((task) => isTask(task, userId));
  return isSound ? ({ ...fieldsOf(place), tasks } as unknown as Snapshot) : undefined;
}

const KINDS = ['create', 'change', 'trash', 'restore', 'purge'];
const FIELDS: Record<string, (value: unknown) => boolean> = {
  title: (value) => typeof value === 'string',
  description: isTextOrNull,
  category: isTextOrNull,
  due_date: isTextOrNull,
  status: (value) => typeof value === 'boolean',
  priority: isPriority,
};

/** A change that cannot be read cannot be sent, and must not stop the others. */
export function isOperation(value: unknown): value is Operation {
  const { seq, key, kind, taskId, fields, ifMatch, before, at } = fieldsOf(value);
  return (
    Number.isSafeInteger(seq) &&
    typeof key === 'string' &&
    KINDS.includes(kind as string) &&
    Number.isSafeInteger(taskId) &&
    typeof at === 'number' &&
    (ifMatch === null || Number.isInteger(ifMatch)) &&
    (before === null || typeof fieldsOf(before).title === 'string') &&
    Object.entries(fieldsOf(fields)).every(([name, field]) => FIELDS[name]?.(field) ?? false)
  );
}
