// The routes of /api/tasks: parse, call, answer.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Message } from '../../contract/common.ts';
import { NewTask, Task, TaskChange, TaskListQuery, TaskPage } from '../../contract/task.ts';
import { userIdOf } from '../auth/guard.ts';
import { publicPathOf } from '../config.ts';
import type { Database } from '../database/database.ts';
import { validationError } from '../errors.ts';
import { jsonBody } from '../http/body.ts';
import { etagOf, isNotModified } from '../http/conditional.ts';
import type { Cursors } from '../http/cursor.ts';
import { BODY_ERRORS, operation } from '../http/docs.ts';
import { checkQuery } from '../http/input.ts';
import { JSON_TYPE } from '../http/server.ts';
import { answerWrite, keepTooLarge, type Reply } from '../sync/answered-write.ts';
import type { Writes } from '../sync/user-write.ts';
import { cleanChange, cleanNewTask } from './input.ts';
import { listTasks } from './listing.ts';
import { taskById } from './repository.ts';
import {
  changeTask,
  changeTaskAtOnce,
  changeTaskKept,
  createTask,
  createTaskAtOnce,
  createTaskKept,
  purge,
  restore,
  type Target,
  taskNotFound,
  trash,
} from './service.ts';

const Params = Type.Object({ id: Type.Integer({ minimum: 1 }) });
const DeleteQuery = Type.Object({
  permanent: Type.Optional(
    Type.Boolean({
      description: 'Delete for good, from the trash or at once.',
      'x-error': 'must be true or false',
    }),
  ),
});
const WriteHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description: 'The same key with the same request returns the first answer again for 24 hours.',
    }),
  ),
  'if-match': Type.Optional(
    Type.String({
      description: 'The `ETag` that you have seen: 412 when the task has changed since.',
      examples: ['"17"'],
    }),
  ),
});
const CreateHeaders = Type.Pick(WriteHeaders, ['idempotency-key']);
const ReadHeaders = Type.Object({ 'if-none-match': Type.Optional(Type.String({ examples: ['"17"'] })) });

const READ = { needsSession: true, scopes: ['tasks:read'] as const };
const WRITE = { needsSession: true, scopes: ['tasks:write'] as const, ownBodyErrors: true };
const writing = (writes: Writes) => ({ config: WRITE, errorHandler: keepTooLarge(writes) });
const WRITE_ERRORS = [...BODY_ERRORS, 'idempotency_key_reused'] as const;
const TARGET_ERRORS = [...WRITE_ERRORS, 'task_not_found', 'stale'] as const;

const COMPLETED = { status: true };
const LARGEST_ID = 9_223_372_036_854_775_807n;
/** What no task has: an id too large for the database goes the same way as any other that is missing. */
const NO_ID = '0';

/** @throws AppError 422 for what is no positive integer. */
function taskIdOf(request: FastifyRequest): string {
  const { id } = request.params as { id: string };
  if (!/^[1-9][0-9]*$/.test(id))
    throw validationError([{ path: 'id', message: 'must be a positive integer' }]);
  return id.length > 19 || BigInt(id) > LARGEST_ID ? NO_ID : id;
}

function targetOf(request: FastifyRequest): Target {
  return { id: taskIdOf(request), ifMatch: request.headers['if-match'] };
}

/** A body is not needed here, but one that was sent must be readable. */
function bodylessTargetOf(request: FastifyRequest): Target {
  if (request.bodyError) throw request.bodyError;
  return targetOf(request);
}

function taskReply(task: Task): Reply {
  return { status: 200, headers: { etag: etagOf(task.rev) }, body: task };
}

interface TaskRoutesOptions {
  writes: Writes;
  cursors: Cursors;
  publicUrl: string;
}

function readRoutes(app: FastifyInstance, database: Database, cursors: Cursors): void {
  const list = operation({
    id: 'listTasks',
    tag: 'Tasks',
    summary: 'List tasks, newest first unless asked otherwise',
    session: true,
    query: TaskListQuery,
    answers: { 200: TaskPage },
    errors: ['validation_error'],
  });
  app.get('/api/tasks', { schema: list, config: READ }, async (request, reply) => {
    const query = checkQuery(TaskListQuery, request.query);
    return reply.type(JSON_TYPE).send(await listTasks(database, cursors, userIdOf(request), query));
  });

  const get = operation({
    id: 'getTask',
    tag: 'Tasks',
    summary: 'Get a task',
    session: true,
    params: Params,
    headers: ReadHeaders,
    answers: { 200: Task, 304: Type.Null({ description: 'Not modified' }) },
    errors: ['task_not_found', 'validation_error'],
  });
  app.get('/api/tasks/:id', { schema: get, config: READ }, async (request, reply) => {
    const [task] = await database.read(taskById, [userIdOf(request), taskIdOf(request)]);
    if (!task) throw taskNotFound();
    reply.header('etag', etagOf(task.rev));
    return isNotModified(request.headers['if-none-match'], etagOf(task.rev)) ? reply.code(304).send() : task;
  });
}

function createRoute(app: FastifyInstance, { writes, publicUrl }: TaskRoutesOptions): void {
  const tasks = `${publicPathOf(publicUrl)}/api/tasks/`;
  const made = (task: Task): Reply => ({
    status: 201,
    headers: { etag: etagOf(task.rev), location: `${tasks}${task.id}` },
    body: task,
  });
  const create = operation({
    id: 'createTask',
    tag: 'Tasks',
    summary: 'Create a task',
    session: true,
    headers: CreateHeaders,
    body: NewTask,
    answers: { 201: Task },
    errors: WRITE_ERRORS,
  });
  app.post('/api/tasks', { schema: create, ...writing(writes) }, (request, reply) =>
    answerWrite(writes, request, reply, {
      parse: () => cleanNewTask(jsonBody(request)),
      run: async (write, task) => made(await createTask(write, task)),
      atOnce: async (...asked) => made(await createTaskAtOnce(...asked)),
      keptAtOnce: (writes, userId, task, keyed) => createTaskKept(writes, userId, task, { ...keyed, tasks }),
    }),
  );
}

function changeRoutes(app: FastifyInstance, writes: Writes): void {
  for (const method of ['PUT', 'PATCH'] as const) {
    const change = operation({
      id: method === 'PUT' ? 'putTask' : 'patchTask',
      tag: 'Tasks',
      summary: 'Change a task: absent fields stay as they are, null clears',
      session: true,
      params: Params,
      headers: WriteHeaders,
      body: TaskChange,
      answers: { 200: Task },
      errors: TARGET_ERRORS,
    });
    app.route({
      method,
      url: '/api/tasks/:id',
      schema: change,
      ...writing(writes),
      handler: (request, reply) =>
        answerWrite(writes, request, reply, {
          parse: () => ({
            target: targetOf(request),
            change: cleanChange(jsonBody(request)),
          }),
          run: async (write, { target, change }) => taskReply(await changeTask(write, target, change)),
          atOnce: async (writes, userId, { target, change }) =>
            taskReply(await changeTaskAtOnce(writes, userId, target, change)),
          keptAtOnce: (writes, userId, { target, change }, keyed) =>
            changeTaskKept(writes, userId, target, change, keyed),
        }),
    });
  }

  const complete = operation({
    id: 'completeTask',
    tag: 'Tasks',
    summary: 'Mark a task as complete; twice changes nothing',
    session: true,
    params: Params,
    headers: WriteHeaders,
    answers: { 200: Task },
    errors: TARGET_ERRORS,
  });
  app.patch('/api/tasks/:id/complete', { schema: complete, ...writing(writes) }, (request, reply) =>
    answerWrite(writes, request, reply, {
      parse: () => bodylessTargetOf(request),
      run: async (write, target) => taskReply(await changeTask(write, target, COMPLETED)),
      atOnce: async (writes, userId, target) =>
        taskReply(await changeTaskAtOnce(writes, userId, target, COMPLETED)),
      keptAtOnce: (writes, userId, target, keyed) => changeTaskKept(writes, userId, target, COMPLETED, keyed),
    }),
  );
}

function trashRoutes(app: FastifyInstance, writes: Writes): void {
  const remove = operation({
    id: 'deleteTask',
    tag: 'Tasks',
    summary: 'Move a task to the trash, or delete it for good',
    session: true,
    params: Params,
    query: DeleteQuery,
    headers: WriteHeaders,
    answers: { 200: Message },
    errors: TARGET_ERRORS,
  });
  app.delete('/api/tasks/:id', { schema: remove, ...writing(writes) }, (request, reply) =>
    answerWrite(writes, request, reply, {
      parse: () => {
        const { permanent = false } = checkQuery(DeleteQuery, request.query);
        return { target: bodylessTargetOf(request), permanent };
      },
      run: async (write, { target, permanent }) => {
        await (permanent ? purge(write, target) : trash(write, target));
        return { status: 200, body: { message: 'Task deleted successfully' } };
      },
    }),
  );

  const restoring = operation({
    id: 'restoreTask',
    tag: 'Tasks',
    summary: 'Take a task out of the trash',
    session: true,
    params: Params,
    headers: WriteHeaders,
    answers: { 200: Task },
    errors: TARGET_ERRORS,
  });
  app.post('/api/tasks/:id/restore', { schema: restoring, ...writing(writes) }, (request, reply) =>
    answerWrite(writes, request, reply, {
      parse: () => bodylessTargetOf(request),
      run: async (write, target) => taskReply(await restore(write, target)),
    }),
  );
}

export function taskRoutes(app: FastifyInstance, options: TaskRoutesOptions): void {
  const { writes, cursors } = options;
  readRoutes(app, writes.database, cursors);
  createRoute(app, options);
  changeRoutes(app, writes);
  trashRoutes(app, writes);
}
