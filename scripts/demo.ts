// `npm run demo`: fills the account demo@example.com with a year of tasks, so that pages and charts have something to show.
import { randomBytes } from 'node:crypto';
import pg, { type ClientConfig } from 'pg';
import pino from 'pino';
import { createApp } from '../src/app.ts';
import { passwordFault } from '../src/auth/passwords.ts';
import { ConfigError, loadSettings, publicUrlOf, readEnvironment, type Settings } from '../src/config.ts';
import { reachDatabase } from '../src/database/reach.ts';
import { loadSecrets } from '../src/secrets.ts';
import { type DemoTask, demoYear } from './demo-year.ts';

const EMAIL = 'demo@example.com';
const NAME = 'Demo';
const TASKS_AT_ONCE = 50;
const BAR_LENGTH = 30;

/** Makes the account through the service's own door and returns its id. */
async function createAccount(
  settings: Settings,
  connection: ClientConfig,
  password: string,
): Promise<string> {
  const app = await createApp({
    settings: { ...settings, SIGNUP: 'open' },
    secrets: loadSecrets(settings),
    connection,
    shared: true,
    logger: pino({ level: 'silent' }),
  });
  try {
    const payload = { name: NAME, email: EMAIL, password };
    const answer = await app.inject({ method: 'POST', url: '/api/auth/signup', payload });
    if (answer.statusCode !== 201)
      throw new Error(`The account cannot be made: ${answer.json<{ detail: string }>().detail}`);
    return answer.json<{ user: { id: string } }>().user.id;
  } finally {
    await app.close();
  }
}

async function insertTasks(
  client: pg.Client,
  userId: string,
  tasks: DemoTask[],
  firstRev: number,
): Promise<void> {
  const rows = tasks.map((task, index) => ({
    ...task,
    updated_at: task.completed_at ?? task.created_at,
    rev: firstRev + index,
  }));
  await client.query(
    `insert into task (user_id, title, description, status, category, priority, due_date, completed_at, created_at, updated_at, rev, created_rev)
     select $1, title, description, completed_at is not null, category, priority, due_date, completed_at, created_at, updated_at, rev, rev
     from jsonb_to_recordset($2::jsonb) as given (title text, description text, category text, priority smallint, due_date date,
       completed_at timestamptz, created_at timestamptz, updated_at timestamptz, rev bigint)`,
    [userId, JSON.stringify(rows)],
  );
}

/** The user's row must say what a recount says. */
async function countTasks(client: pg.Client, userId: string): Promise<void> {
  await client.query(
    `update user_sync set rev = counted.rev, changed_at = counted.changed_at,
       low_total = counted.low, low_completed = counted.low_done, medium_total = counted.medium,
       medium_completed = counted.medium_done, high_total = counted.high, high_completed = counted.high_done
     from (select max(rev) as rev, max(updated_at) as changed_at,
             count(*) filter (where priority = 1) as low, count(*) filter (where priority = 1 and status) as low_done,
             count(*) filter (where priority = 2) as medium, count(*) filter (where priority = 2 and status) as medium_done,
             count(*) filter (where priority = 3) as high, count(*) filter (where priority = 3 and status) as high_done
           from task where user_id = $1) as counted
     where user_id = $1`,
    [userId],
  );
}

function showProgress(done: number, all: number): void {
  const filled = Math.round((done / all) * BAR_LENGTH);
  const end = done === all ? '\n' : '';
  process.stdout.write(
    `\r  [${'#'.repeat(filled)}${'.'.repeat(BAR_LENGTH - filled)}] ${done} of ${all} tasks${end}`,
  );
}

async function fill(connection: ClientConfig, userId: string): Promise<number> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    const tasks = demoYear(new Date());
    await client.query('begin');
    for (let start = 0; start < tasks.length; start += TASKS_AT_ONCE) {
      await insertTasks(client, userId, tasks.slice(start, start + TASKS_AT_ONCE), start + 1);
      showProgress(Math.min(start + TASKS_AT_ONCE, tasks.length), tasks.length);
    }
    await countTasks(client, userId);
    await client.query('commit');
    return tasks.length;
  } finally {
    await client.end();
  }
}

async function removeOldDemo(connection: ClientConfig): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    const { rows } = await client.query('select name from "user" where email = $1', [EMAIL]);
    // Somebody else's would have another name: theirs is not ours to remove.
    if (rows[0] && rows[0].name !== NAME)
      throw new ConfigError(`There is an account ${EMAIL} that this command has not made: delete it first.`);
    if (!rows[0]) return;
    await client.query('delete from "user" where email = $1', [EMAIL]);
    process.stdout.write(`The old ${EMAIL} and its tasks were removed.\n`);
  } finally {
    await client.end();
  }
}

function demoPassword(): string {
  const password = process.env.DEMO_PASSWORD ?? randomBytes(9).toString('base64url');
  const fault = passwordFault(password);
  if (fault) throw new ConfigError(`DEMO_PASSWORD ${fault.message}.`);
  return password;
}

async function main(): Promise<void> {
  if (process.argv.length > 2)
    throw new ConfigError(
      'npm run demo takes no options: DEMO_PASSWORD in the environment sets the password.',
    );
  const settings = loadSettings(readEnvironment(process.cwd(), process.env));
  // Before the old account is gone.
  const password = demoPassword();
  const database = await reachDatabase(settings, pino({ level: 'silent' }));
  try {
    await removeOldDemo(database.connection);
    const userId = await createAccount(settings, database.connection, password);
    process.stdout.write(`Filling ${EMAIL} with a year of tasks:\n`);
    await fill(database.connection, userId);
    process.stdout.write(`At ${publicUrlOf(settings)}, sign in with ${EMAIL} and the password ${password}\n`);
  } finally {
    await database.stop();
  }
}

await main().catch((error: unknown) => {
  const { message, stack } = error as Error;
  process.stderr.write(`${error instanceof ConfigError ? message : (stack ?? message)}\n`);
  process.exitCode = 1;
});
