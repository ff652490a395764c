// The data: users with tasks, in Donewell's tables and, as plainly as most would have them, in one for the peers.
import { createHmac } from 'node:crypto';
import bcrypt from 'bcrypt';
import type { ClientConfig } from 'pg';
import { migrate } from '../src/database/migrate.ts';
import { type BenchPostgres, type Migrate, openNamedDatabase, withClient } from './postgres.ts';
import { PASSWORD, type Scale, SECRET } from './settings.ts';

export interface BenchUser {
  id: string;
  email: string;
  /** As a browser sends it. */
  cookie: string;
  /** Some of the user's tasks: in Donewell's table, and the same ones in the peers'. */
  taskIds: number[];
  peerTaskIds: number[];
}

export interface BenchData {
  connection: ClientConfig;
  users: BenchUser[];
  /** Nobody writes to theirs: their tasks stay what they were. */
  witnesses: BenchUser[];
  /** Users with few and with very many tasks, in the order of the scale. */
  singles: { user: BenchUser; tasks: number }[];
}

/** The cost that Donewell hashes with, for all alike. */
const BCRYPT_COST = 12;
const IDS = 50;

const USERS = `insert into "user" (id, name, email)
  select gen_random_uuid()::text, 'User ' || number, 'user' || number || '@example.com' from generate_series(1, $1::integer) as number`;

const TASKS = `insert into task (user_id, title, description, status, category, priority, due_date, completed_at, created_at, updated_at, rev, created_rev)
  select id, 'Task number ' || number || ' of ' || name, case when number % 3 = 0 then 'A description of some length, for task ' || number end,
    number % 4 = 0, case when number % 5 > 0 then 'category ' || number % 5 end, 1 + number % 3,
    case when number % 2 = 0 then current_date + (number % 60 - 30) end,
    case when number % 4 = 0 then now() - make_interval(mins => number % 60) end,
    now() - make_interval(mins => $2::integer - number), now() - make_interval(mins => $2::integer - number), number, number
  from "user", generate_series(1, $2::integer) as number where email = any($1)`;

const COUNTERS = `update user_sync set rev = counted.rev, changed_at = now(),
    low_total = low, low_completed = low_done, medium_total = medium, medium_completed = medium_done, high_total = high, high_completed = high_done
  from (select user_id, max(rev) as rev,
      count(*) filter (where priority = 1) as low, count(*) filter (where priority = 1 and status) as low_done,
      count(*) filter (where priority = 2) as medium, count(*) filter (where priority = 2 and status) as medium_done,
      count(*) filter (where priority = 3) as high, count(*) filter (where priority = 3 and status) as high_done
    from task group by user_id) as counted
  where counted.user_id = user_sync.user_id`;

const PEER_TABLE = `create table peer_task (
    id serial primary key, user_id text not null, title varchar(200) not null, description varchar(1000),
    status boolean not null default false, category varchar(100), priority integer not null default 2,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now()
  );
  insert into peer_task (user_id, title, description, status, category, priority, created_at, updated_at)
    select user_id, title, description, status, category, priority, created_at, updated_at from task order by user_id, rev;
  alter table peer_task add foreign key (user_id) references "user" (id);
  create index peer_task_user_idx on peer_task (user_id, created_at desc)`;

const FOUND = `select u.id, u.email, s.token,
    (select array_agg(id order by id) from (select id from task where user_id = u.id order by created_at limit ${IDS}) as first) as tasks,
    (select array_agg(id order by id) from (select id from peer_task where user_id = u.id order by created_at limit ${IDS}) as first) as peer_tasks
  from "user" u join session s on s.user_id = u.id and s.id = md5(u.id) order by u.email`;

async function fill(connection: ClientConfig, scale: Scale, progress: (text: string) => void): Promise<void> {
  const hash = await bcrypt.hash(PASSWORD, BCRYPT_COST);
  await withClient(connection, async (client) => {
    // The measurements are durable; filling need not be.
    await client.query('set synchronous_commit = off');
    await client.query(USERS, [scale.users + scale.singles.length]);
    const { rows } = await client.query('select email from "user" order by email');
    const emails = rows.map((row) => String(row.email));
    const singles = emails.splice(scale.users);
    for (let start = 0; start < emails.length; start += 20) {
      await client.query(TASKS, [emails.slice(start, start + 20), scale.tasksPerUser]);
      if (start % 200 === 180) progress(`tasks of ${start + 20} of ${emails.length} users`);
    }
    progress('the tasks of those with few and with very many');
    for (const [place, tasks] of scale.singles.entries())
      await client.query(TASKS, [[singles[place]], tasks]);
    await client.query(COUNTERS);
    await client.query(`insert into session (id, token, user_id, expires_at, last_used_at)
      select md5(id), md5('token ' || id), id, now() + interval '300 days', now() from "user"`);
    await client.query(
      `insert into account (id, account_id, provider_id, user_id, password_hash)
       select gen_random_uuid()::text, id, 'credential', id, $1 from "user"`,
      [hash],
    );
    progress('the table of the peers');
    await client.query(PEER_TABLE);
    await client.query('vacuum analyze');
  });
}

function cookieOf(token: string): string {
  const signature = createHmac('sha256', SECRET).update(token).digest('base64');
  return `better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}`;
}

/** Opens the data of that scale, made at the first time. */
export async function openData(
  postgres: BenchPostgres,
  name: string,
  scale: Scale,
  progress: (text: string) => void,
  layOut: Migrate = migrate,
): Promise<BenchData> {
  const { connection, isEmpty } = await openNamedDatabase(postgres, name, 'peer_task', layOut);
  if (isEmpty) await fill(connection, scale, progress);
  return withClient(connection, async (client) => {
    const { rows } = await client.query(FOUND);
    const users = rows.map((row) => ({
      id: row.id,
      email: row.email,
      cookie: cookieOf(row.token),
      taskIds: row.tasks.map(Number),
      peerTaskIds: row.peer_tasks.map(Number),
    }));
    const singles = users
      .splice(scale.users)
      .map((user, place) => ({ user, tasks: scale.singles[place] ?? Number.NaN }));
    const witnesses = users.splice(0, 2);
    return { connection, users, witnesses, singles };
  });
}
