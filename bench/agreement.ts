// Before anything is timed: all contenders must give the same answers to the same questions.
import type { Contender } from './contenders.ts';
import type { BenchData, BenchUser } from './data.ts';
import type { Running } from './processes.ts';

const FIELDS = ['title', 'description', 'status', 'category', 'priority'] as const;
type AnyTask = Record<string, unknown>;

async function get(port: number, path: string, user: BenchUser): Promise<AnyTask> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie: user.cookie } });
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  return (await response.json()) as AnyTask;
}

const common = (task: AnyTask) => FIELDS.map((field) => task[field]);

async function answersOf({ tasks }: Contender, { port }: Running, user: BenchUser): Promise<unknown> {
  const ids = tasks === 'donewell' ? user.taskIds : user.peerTaskIds;
  const page = (await get(port, '/api/tasks?limit=20', user)) as { tasks: AnyTask[] };
  const one = await get(port, `/api/tasks/${ids[7]}`, user);
  const { total_tasks, completed_tasks } = await get(port, '/api/dashboard/stats', user);
  return { page: page.tasks.map(common), one: common(one), total_tasks, completed_tasks };
}

/** Nobody is let in with a token that is not theirs. */
async function assertRefusal({ port }: Running, user: BenchUser): Promise<void> {
  const cookie = user.cookie.replace(/=(....)/, '=0000');
  const { status } = await fetch(`http://127.0.0.1:${port}/api/tasks`, { headers: { cookie } });
  if (status !== 401) throw new Error(`A foreign token was answered ${status}`);
}

/** @throws for the first answer that differs. */
export async function assertAgreement(
  servers: readonly { contender: Contender; running: Running }[],
  { witnesses }: BenchData,
): Promise<void> {
  for (const user of witnesses) {
    let expected: string | undefined;
    for (const { contender, running } of servers) {
      const answers = JSON.stringify(await answersOf(contender, running, user));
      expected ??= answers;
      if (answers !== expected)
        throw new Error(
          `${contender.title} answers otherwise:\n${answers.slice(0, 600)}\n${expected.slice(0, 600)}`,
        );
      await assertRefusal(running, user);
    }
  }
}
