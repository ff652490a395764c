// What is asked for: the requests of each workload, for one user after the other.
import { randomUUID } from 'node:crypto';
import type { BenchData, BenchUser } from './data.ts';
import type { NextRequest } from './load.ts';
import { withClient } from './postgres.ts';
import { PASSWORD } from './settings.ts';

export type WorkloadName =
  | 'list'
  | 'one'
  | 'stats'
  | 'create'
  | 'createOnce'
  | 'update'
  | 'complete'
  | 'mixed'
  | 'sync'
  | 'login';

export interface Workload {
  title: string;
  /** Contenders that have no such thing. */
  without?: readonly string[];
  /** Requests under way at once, where other than usual. */
  connections?: number;
  /** What must be known before the first request. */
  prepare?: (data: BenchData) => Promise<void>;
  /** The request of a user at the turn of that number. */
  request: (user: BenchUser, turn: number, ids: number[]) => string;
}

function http(
  method: string,
  path: string,
  user: BenchUser | undefined,
  body?: object,
  headers: readonly string[] = [],
): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const lines = [`${method} ${path} HTTP/1.1`, 'host: localhost', ...headers];
  if (user) lines.push(`cookie: ${user.cookie}`);
  if (body !== undefined) lines.push('content-type: application/json', `content-length: ${text.length}`);
  return `${lines.join('\r\n')}\r\n\r\n${text}`;
}

const taskPath = (ids: number[], turn: number) => `/api/tasks/${ids[turn % ids.length]}`;

const list: Workload['request'] = (user) => http('GET', '/api/tasks?limit=20', user);
const one: Workload['request'] = (user, turn, ids) => http('GET', taskPath(ids, turn), user);
const stats: Workload['request'] = (user) => http('GET', '/api/dashboard/stats', user);
const newTask = (turn: number) => ({ title: `Measured ${turn}`, description: 'Some words', priority: 2 });
const create: Workload['request'] = (user, turn) => http('POST', '/api/tasks', user, newTask(turn));
const createOnce: Workload['request'] = (user, turn) =>
  http('POST', '/api/tasks', user, newTask(turn), [`idempotency-key: ${randomUUID()}`]);
let changes = 0;
/** Another title each time, also when turns begin anew: what changes nothing is not written. */
const update: Workload['request'] = (user, turn, ids) =>
  http('PUT', taskPath(ids, turn), user, { title: `Changed ${Date.now()} ${changes++}` });

/** Of the tasks that are asked for, those that are complete by now: in Donewell's table, and in the peers'. */
const completed = { task: new Set<number>(), peer_task: new Set<number>() };

/** As they are now: a quarter was made complete, and who was measured before has left others. */
async function noteCompleted({ connection, users }: BenchData): Promise<void> {
  const asked = {
    task: users.flatMap(({ taskIds }) => taskIds),
    peer_task: users.flatMap(({ peerTaskIds }) => peerTaskIds),
  };
  await withClient(connection, async (client) => {
    for (const table of ['task', 'peer_task'] as const) {
      const { rows } = await client.query(`select id from ${table} where status and id = any($1)`, [
        asked[table],
      ]);
      completed[table] = new Set(rows.map(({ id }) => Number(id)));
    }
  });
}

/**
 * Completes a task that is open and opens one that is complete, so that each request changes something, from the first on:
 * Donewell writes nothing where nothing changes, while the peers always do.
 */
const completeOrReopen: Workload['request'] = (user, turn, ids) => {
  const done = completed[ids === user.taskIds ? 'task' : 'peer_task'];
  const id = ids[(turn >> 1) % ids.length] as number;
  const path = `/api/tasks/${id}`;
  if (done.delete(id)) return http('PUT', path, user, { status: false });
  done.add(id);
  return http('PATCH', `${path}/complete`, user);
};

const ONLY_DONEWELL = ['bare', 'drizzle', 'express', 'fastapi'];

/** Of ten requests eight read: a list is looked at, then a task, then the figures. */
const MIXED = [list, one, list, stats, create, list, one, list, stats, update];

export const WORKLOADS: Record<WorkloadName, Workload> = {
  list: { title: 'page of 20 tasks', request: list },
  one: { title: 'one task', request: one },
  stats: { title: 'dashboard stats', request: stats },
  create: { title: 'create a task', request: create },
  createOnce: {
    title: 'create a task, with an Idempotency-Key',
    without: ONLY_DONEWELL,
    request: createOnce,
  },
  update: { title: 'update a task', request: update },
  complete: {
    title: 'complete a task, or open it again',
    prepare: noteCompleted,
    request: completeOrReopen,
  },
  mixed: {
    title: 'a mixed day (80 % reads)',
    request: (user, turn, ids) => (MIXED[turn % MIXED.length] ?? list)(user, turn, ids),
  },
  sync: {
    title: 'sync: 20 changes',
    without: ONLY_DONEWELL,
    request: (user) => http('GET', '/api/sync?limit=20', user),
  },
  login: {
    title: 'login (bcrypt, cost 12)',
    without: ['bare'],
    connections: 4,
    request: (user) => http('POST', '/api/auth/login', undefined, { email: user.email, password: PASSWORD }),
  },
};

/** One user after the other; each time round the next of their tasks. */
export function requestsOf(
  workload: Workload,
  { users }: Pick<BenchData, 'users'>,
  tasks: 'donewell' | 'peer',
): NextRequest {
  let number = Math.floor(Math.random() * users.length);
  return () => {
    const user = users[number % users.length] as BenchUser;
    const turn = number + Math.floor(number / users.length);
    number++;
    return workload.request(user, turn, tasks === 'donewell' ? user.taskIds : user.peerTaskIds);
  };
}
