// Tasks for tests: put in by SQL with the user's row kept right, and the recount that the row must equal.
import type { AnyBody, Client } from './client.ts';
import type { TestServer } from './server.ts';

export interface SeededTask {
  title: string;
  description?: string | null | undefined;
  status?: boolean | undefined;
  category?: string | null | undefined;
  priority?: number | undefined;
  due_date?: string | null | undefined;
  completed_at?: string | null | undefined;
  created_at?: string | undefined;
  updated_at?: string | undefined;
  deleted_at?: string | null | undefined;
  purged_at?: string | null | undefined;
}

const COUNTS = `
  coalesce(max(rev), 0)::integer as rev,
  (count(*) filter (where deleted_at is null and priority = 1))::integer as low_total,
  (count(*) filter (where deleted_at is null and priority = 1 and status))::integer as low_completed,
  (count(*) filter (where deleted_at is null and priority = 2))::integer as medium_total,
  (count(*) filter (where deleted_at is null and priority = 2 and status))::integer as medium_completed,
  (count(*) filter (where deleted_at is null and priority = 3))::integer as high_total,
  (count(*) filter (where deleted_at is null and priority = 3 and status))::integer as high_completed`;
const COUNTERS = 'rev, low_total, low_completed, medium_total, medium_completed, high_total, high_completed';

/** Makes the user's row what a recount says. */
export async function recountUser(server: TestServer, userId: string): Promise<void> {
  await server.sql(
    `update user_sync set (${COUNTERS}, changed_at)
       = (select ${COUNTS}, max(updated_at) from task where task.user_id = user_sync.user_id)
     where user_id = $1`,
    [userId],
  );
}

/** Adds tasks as they are given, with the next revisions. @returns their ids in the same order. */
export async function seedTasks(
  server: TestServer,
  userId: string,
  tasks: readonly SeededTask[],
): Promise<number[]> {
  const rows = await server.sql<{ id: string }>(
    `insert into task (user_id, title, description, status, category, priority, due_date, completed_at,
                       created_at, updated_at, deleted_at, purged_at, rev, created_rev)
     select $1, t->>'title', t->>'description', coalesce((t->>'status')::boolean, t->>'completed_at' is not null),
            t->>'category', coalesce((t->>'priority')::smallint, 2), (t->>'due_date')::date,
            case when coalesce((t->>'status')::boolean, t->>'completed_at' is not null)
                 then coalesce((t->>'completed_at')::timestamptz, now()) end,
            coalesce((t->>'created_at')::timestamptz, now()), coalesce((t->>'updated_at')::timestamptz, now()),
            (t->>'deleted_at')::timestamptz, (t->>'purged_at')::timestamptz, s.rev + n, s.rev + n
     from user_sync s, jsonb_array_elements($2::jsonb) with ordinality as given(t, n)
     where s.user_id = $1 order by n returning id`,
    [userId, JSON.stringify(tasks)],
  );
  await recountUser(server, userId);
  return rows.map(({ id }) => Number(id));
}

/** The user's counters as they are kept, and as a count of the tasks gives them. */
export async function countersOf(
  server: TestServer,
  userId: string,
): Promise<{ kept: Record<string, number>; counted: Record<string, number> }> {
  const [kept = {}] = await server.sql<Record<string, number>>(
    `select ${COUNTERS.replace('rev', 'rev::integer')} from user_sync where user_id = $1`,
    [userId],
  );
  const [counted = {}] = await server.sql<Record<string, number>>(
    `select ${COUNTS} from task where user_id = $1`,
    [userId],
  );
  return { kept, counted };
}

/** Every page of a listing, by its cursor. `query` without `limit` and `cursor`. */
export async function allPages(client: Client, query: string, limit = 100): Promise<AnyBody[]> {
  const tasks: AnyBody[] = [];
  for (let cursor = ''; ; ) {
    const { body, status, text } = await client.get(`/api/tasks?limit=${limit}&${query}${cursor}`);
    if (status !== 200) throw new Error(`A page answered ${status}: ${text}`);
    tasks.push(...body.tasks);
    if (body.next_cursor === null) return tasks;
    cursor = `&cursor=${body.next_cursor}`;
  }
}

/** A problem without what differs between any two requests. */
export function problem({ status, body }: { status: number; body: AnyBody }): AnyBody {
  const { request_id: _, ...rest } = body;
  return { status, body: rest };
}
