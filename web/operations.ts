// Changes that this browser has made: each is shown at once, sent in order, and forgotten when the server's state has it.
import type { Priority, Task } from '../contract/task.ts';

export interface TaskFields {
  title?: string;
  description?: string | null;
  status?: boolean;
  category?: string | null;
  priority?: Priority;
  due_date?: string | null;
}

export type OperationKind = 'create' | 'change' | 'trash' | 'restore' | 'purge';

export interface Operation {
  /** Ascending in the order in which the changes were made. */
  seq: number;
  /** Idempotency key: however often it is sent, it happens once. */
  key: string;
  kind: OperationKind;
  /** Negative while the task exists only here. */
  taskId: number;
  fields: TaskFields;
  /** For a change of text: the revision it was made on. */
  ifMatch: number | null;
  /** The task as it was seen. */
  before: Task | null;
  /** Milliseconds since the epoch. */
  at: number;
  /** The server's answer; absent while there is none. */
  outcome?: { task: Task | null; baseRev: number | null };
}

export function isPending(operation: Operation): boolean {
  return operation.outcome === undefined;
}

function newTask({ taskId, fields, at }: Operation): Task {
  const now = new Date(at).toISOString();
  return {
    id: taskId,
    title: '',
    description: null,
    status: false,
    category: null,
    priority: 2,
    due_date: null,
    completed_at: null,
    created_at: now,
    updated_at: now,
    user_id: '',
    rev: 0,
    ...fields,
  };
}

function changed(task: Task, { fields, at }: Operation): Task {
  const now = new Date(at).toISOString();
  const { status = task.status } = fields;
  const completed_at = status === task.status ? task.completed_at : status ? now : null;
  return { ...task, ...fields, completed_at, updated_at: now };
}

/** The task after an operation that the server has not answered; null when it is gone. */
function predicted(task: Task | null | undefined, operation: Operation): Task | null | undefined {
  switch (operation.kind) {
    case 'create':
      return newTask(operation);
    case 'change':
      return task ? changed(task, operation) : task;
    case 'restore':
      return task ?? operation.before;
    case 'trash':
    case 'purge':
      return null;
  }
}

function answered(task: Task | null | undefined, { outcome }: Operation): Task | null | undefined {
  const answer = outcome?.task ?? null;
  if (answer && task && task.rev > answer.rev) return task;
  return answer;
}

/** What the operations make of the server's tasks: tasks by id, null for those that are gone. */
export function effectOf(
  base: ReadonlyMap<number, Task>,
  operations: readonly Operation[],
): ReadonlyMap<number, Task | null> {
  const effect = new Map<number, Task | null>();
  for (const operation of operations) {
    const id = operation.outcome?.task?.id ?? operation.taskId;
    const now = effect.has(id) ? effect.get(id) : base.get(id);
    const next = isPending(operation) ? predicted(now, operation) : answered(now, operation);
    if (next !== undefined) effect.set(id, next);
  }
  return effect;
}

/** True once the server's state shows what the operation did. */
export function isVisible(operation: Operation, base: ReadonlyMap<number, Task>, rev: number): boolean {
  const { outcome, taskId } = operation;
  if (!outcome) return false;
  if (outcome.task) return rev >= outcome.task.rev;
  return base.get(taskId)?.rev !== (outcome.baseRev ?? undefined) || !base.has(taskId);
}

const TEXT_FIELDS = ['title', 'description', 'category', 'priority', 'due_date', 'status'] as const;

/** Whether somebody else has changed any of the given fields since the task was seen. */
export function overlaps(fields: TaskFields, before: Task | null, current: Task): boolean {
  if (!before) return true;
  return TEXT_FIELDS.some(
    (name) => name in fields && before[name] !== current[name] && current[name] !== fields[name],
  );
}

/** Whether the answer differs from what was seen only by what we asked for. */
export function isOnlyOurs({ fields, before }: Operation, answer: Task): boolean {
  return before !== null && TEXT_FIELDS.every((name) => name in fields || before[name] === answer[name]);
}
