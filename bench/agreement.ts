// Before anything is timed: all contenders must give the same answers to the same questions, do the same when told to, and
// refuse the same.
import type { Contender } from './contenders.ts';
import type { BenchData, BenchUser } from './data.ts';
import type { Running } from './processes.ts';

const FIELDS = ['title', 'description', 'status', 'category', 'priority'] as const;
type AnyTask = Record<string, unknown>;

interface Server {
  contender: Contender;
  running: Running;
}

/** What is asked: method and path, and what is sent with it. */
type Question = readonly [what: string, body?: object];

async function ask({ running }: Server, [what, body]: Question, cookie?: string): Promise<Response> {
  const [method = '', path] = what.split(' ');
  return fetch(`http://127.0.0.1:${running.port}${path}`, {
    method,
    headers: {
      ...(cookie === undefined ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function answer(server: Server, question: Question, user: BenchUser): Promise<AnyTask> {
  const response = await ask(server, question, user.cookie);
  if (!response.ok) throw new Error(`${question[0]} answered ${response.status}`);
  return (await response.json()) as AnyTask;
}

const common = (task: AnyTask) => FIELDS.map((field) => task[field] ?? null);

/** What it says of tasks that are there. */
async function readings(server: Server, user: BenchUser): Promise<unknown> {
  const ids = server.contender.tasks === 'donewell' ? user.taskIds : user.peerTaskIds;
  const page = (await answer(server, ['GET /api/tasks?limit=20'], user)) as { tasks: AnyTask[] };
  const one = await answer(server, [`GET /api/tasks/${ids[7]}`], user);
  const { total_tasks, completed_tasks } = await answer(server, ['GET /api/dashboard/stats'], user);
  return { page: page.tasks.map(common), one: common(one), total_tasks, completed_tasks };
}

/** Whoever must not get at a task: nobody, somebody with a token that is not theirs, and somebody else. */
async function assertRefusals(
  server: Server,
  task: string,
  owner: BenchUser,
  other: BenchUser,
): Promise<void> {
  const aboutTask: Question[] = [
    [`GET ${task}`],
    [`PUT ${task}`, { title: 'Not mine' }],
    [`PATCH ${task}/complete`],
  ];
  const others: Question[] = [
    ['GET /api/tasks'],
    ['POST /api/tasks', { title: 'Not mine' }],
    ['GET /api/dashboard/stats'],
  ];
  const foreign = owner.cookie.replace(/=(....)/, '=0000');
  for (const question of [...aboutTask, ...others]) {
    for (const cookie of [undefined, foreign]) {
      const { status } = await ask(server, question, cookie);
      if (status === 401) continue;
      throw new Error(`${question[0]} ${cookie ? 'with a foreign token' : 'without one'} answered ${status}`);
    }
  }
  for (const question of aboutTask) {
    const { status } = await ask(server, question, other.cookie);
    if (status < 400 || status >= 500)
      throw new Error(`${question[0]} answered ${status} for somebody else’s task`);
  }
}

/** What becomes of a task of the user's: each answer, and what is read back afterwards. */
async function writings(server: Server, user: BenchUser, other: BenchUser): Promise<unknown> {
  const made = { title: 'Agreed upon', description: 'Some words', priority: 3 };
  const created = await answer(server, ['POST /api/tasks', made], user);
  const task = `/api/tasks/${created.id}`;
  const found = [common(created)];
  const changes: Question[] = [
    [`PUT ${task}`, { title: 'Changed' }],
    [`PATCH ${task}/complete`],
    [`PUT ${task}`, { status: false }],
  ];
  for (const change of changes) {
    found.push(common(await answer(server, change, user)));
    found.push(common(await answer(server, [`GET ${task}`], user)));
  }
  await assertRefusals(server, task, user, other);
  found.push(common(await answer(server, [`GET ${task}`], user)));
  // Of the peers none has it: there the task stays, with a user of whom nothing is compared.
  if (server.contender.tasks === 'donewell') await ask(server, [`DELETE ${task}`], user.cookie);
  return found;
}

/** @throws for the first answer that differs. */
export async function assertAgreement(
  servers: readonly Server[],
  { witnesses, users }: BenchData,
): Promise<void> {
  // The last one writes: reading is compared of those to whom nobody writes.
  const [writer, other] = [users.at(-1), witnesses[0]] as [BenchUser, BenchUser];
  const looks = [
    ...witnesses.map((user) => (server: Server) => readings(server, user)),
    (server: Server) => writings(server, writer, other),
  ];
  for (const look of looks) {
    let expected: string | undefined;
    for (const server of servers) {
      const answers = JSON.stringify(await look(server));
      expected ??= answers;
      if (answers === expected) continue;
      const title = server.contender.title;
      throw new Error(`${title} answers otherwise:\n${answers.slice(0, 600)}\n${expected.slice(0, 600)}`);
    }
  }
}
