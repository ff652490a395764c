// What may happen to a task, and what it means for revision and counters. Runs inside a user's write.
import type { Task } from '../../contract/task.ts';
import { AppError } from '../errors.ts';
import { etagOf, isMatch, isMiswritten, tagsAsked } from '../http/conditional.ts';
import type { Answer, Keyed } from '../http/idempotency.ts';
import { JSON_TYPE } from '../http/server.ts';
import { type UserWrite, type Writes, writeAtOnce, writeForUser } from '../sync/user-write.ts';
import type { CleanChange, CleanTask } from './input.ts';
import {
  insertTask,
  insertTaskKept,
  type KeyInput,
  type NewTaskInput,
  purgeTask,
  restoreTask,
  type StoredTask,
  type TaskChangeInput,
  taskOrTrashed,
  trashTask,
  updateTask,
  updateTaskKept,
} from './repository.ts';

/** Those that are the same for each task. */
const KEPT_HEADERS = { 'content-type': JSON_TYPE };

/** Which task a write means, and which version of it the client has seen. */
export interface Target {
  id: string;
  ifMatch: string | undefined;
}

export function taskNotFound(): AppError {
  return new AppError('task_not_found', 'There is no task with this id.');
}

/** As the contract shows a task: without what only the trash knows. */
function publicTask({ deleted_at: _, ...task }: StoredTask): Task {
  return task;
}

/** The task to be changed, in the trash or not. @throws AppError 404, or 412 when the client has seen an older version. */
async function load(write: UserWrite, target: Target): Promise<StoredTask> {
  const [task] = await write.read(taskOrTrashed, [write.userId, target.id]);
  if (!task) throw taskNotFound();
  return task;
}

function assertCurrent(task: StoredTask, target: Target): void {
  if (isMatch(target.ifMatch, etagOf(task.rev))) return;
  const detail = isMiswritten(target.ifMatch)
    ? 'If-Match takes the ETag of the task as it was sent, in its quotes; so nothing was changed.'
    : 'The task has been changed since you read it. Look at it again and repeat.';
  throw new AppError('stale', detail, {
    // One in the trash says so, as in its listing: nobody must take it for a live one.
    extra: { current: task.deleted_at === null ? publicTask(task) : task },
  });
}

async function loadLive(write: UserWrite, target: Target): Promise<StoredTask> {
  const task = await load(write, target);
  if (task.deleted_at !== null) throw taskNotFound();
  assertCurrent(task, target);
  return task;
}

function newTask(userId: string, input: CleanTask): NewTaskInput {
  const { title, description = null, status = false, category = null, priority = 2, due_date = null } = input;
  return { user_id: userId, title, description, status, category, priority, due_date };
}

function keyInput({ key, hash }: Keyed): KeyInput {
  return { key, hash: `\\x${hash().toString('hex')}`, headers: KEPT_HEADERS };
}

export async function createTask(write: UserWrite, input: CleanTask): Promise<Task> {
  const task = await write.advance(insertTask, newTask(write.userId, input));
  if (!task) throw new Error('A locked row was not there to be advanced');
  return task;
}

/** The same where nothing else belongs to the write. */
export async function createTaskAtOnce(writes: Writes, userId: string, input: CleanTask): Promise<Task> {
  const task = await writeAtOnce(writes, insertTask, newTask(userId, input));
  return task ?? writeForUser(writes, userId, (write) => createTask(write, input));
}

/**
 * The same, with its answer kept under a key. @returns nothing when nothing has happened: one is kept already, say.
 * @param tasks the path that the task's id follows in its address.
 */
export async function createTaskKept(
  writes: Writes,
  userId: string,
  input: CleanTask,
  { tasks, ...keyed }: Keyed & { tasks: string },
): Promise<Answer | undefined> {
  const task = { ...newTask(userId, input), ...keyInput(keyed), tasks };
  const row = await writeAtOnce(writes, insertTaskKept, task);
  return row && { status: 201, headers: row.headers, body: row.body };
}

function changeInput(userId: string, { id, ifMatch }: Target, input: CleanChange): TaskChangeInput {
  const { title = null, description, status = null, category, priority = null, due_date } = input;
  return {
    user_id: userId,
    id,
    tags: tagsAsked(ifMatch),
    title,
    has_description: description !== undefined,
    description: description ?? null,
    status,
    has_category: category !== undefined,
    category: category ?? null,
    priority,
    has_due_date: due_date !== undefined,
    due_date: due_date ?? null,
  };
}

/** Changes what is given; when nothing differs, nothing happens at all. */
export async function changeTask(write: UserWrite, target: Target, input: CleanChange): Promise<Task> {
  const changing = write.advance(updateTask, changeInput(write.userId, target, input));
  // Sent right behind it: where nothing has been changed, this tells why.
  const finding = loadLive(write, target);
  finding.catch(() => {});
  return (await changing) ?? publicTask(await finding);
}

/** The same where nothing else belongs to the write. */
export async function changeTaskAtOnce(
  writes: Writes,
  userId: string,
  target: Target,
  input: CleanChange,
): Promise<Task> {
  const changed = await writeAtOnce(writes, updateTask, changeInput(userId, target, input));
  return changed ?? writeForUser(writes, userId, (write) => changeTask(write, target, input));
}

/** The same, with its answer kept under a key. @returns nothing when nothing has happened: one is kept, or nothing changes. */
export async function changeTaskKept(
  writes: Writes,
  userId: string,
  target: Target,
  input: CleanChange,
  keyed: Keyed,
): Promise<Answer | undefined> {
  const change = { ...changeInput(userId, target, input), ...keyInput(keyed) };
  const row = await writeAtOnce(writes, updateTaskKept, change);
  return row && { status: 200, headers: row.headers, body: row.body };
}

/** Moves a task to the trash. */
export async function trash(write: UserWrite, target: Target): Promise<void> {
  const task = await loadLive(write, target);
  write.changeAtOnce({ statement: trashTask, before: task, after: undefined, values: [task.id] });
}

/** Deletes a task for good, from the trash or at once. */
export async function purge(write: UserWrite, target: Target): Promise<void> {
  const task = await load(write, target);
  assertCurrent(task, target);
  const counted = task.deleted_at === null ? task : undefined;
  write.changeAtOnce({ statement: purgeTask, before: counted, after: undefined, values: [task.id] });
}

/** Takes a task out of the trash; a live one is answered as it is. */
export async function restore(write: UserWrite, target: Target): Promise<Task> {
  const task = await load(write, target);
  assertCurrent(task, target);
  if (task.deleted_at === null) return publicTask(task);
  const rev = write.changeAtOnce({
    statement: restoreTask,
    before: undefined,
    after: task,
    values: [task.id],
  });
  return publicTask({ ...task, updated_at: write.now, rev });
}
