// The limit: PostgreSQL's own load generator with Donewell's statements, and nothing between the two.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ClientConfig } from 'pg';
import { sessionsByToken } from '../src/auth/repository.ts';
import { SHARED_COMMIT } from '../src/database/pools.ts';
import { listQuery } from '../src/tasks/listing-sql.ts';
import { insertTask } from '../src/tasks/repository.ts';
import type { BenchData } from './data.ts';
import { withClient } from './postgres.ts';
import { WORKPLACE } from './settings.ts';
import { mean } from './statistics.ts';

/** Seconds of a run at the least. */
const LEAST = 5;
/** A run that takes so many milliseconds more than it should will not end. */
const PATIENCE = 60_000;

/** Of Debian's PostgreSQL, whichever version: the private one of the package comes without it. */
function findPgbench(): string {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const found = versions
    .map((version) => `/usr/lib/postgresql/${version}/bin/pgbench`)
    .filter(existsSync)
    .at(-1);
  if (found === undefined) throw new Error('There is no pgbench: it is in Debian’s package postgresql');
  return found;
}

/** Of what the plain inserts put in: beyond any that Donewell gives. */
const FIRST_REV = 1_000_000_000;

/** Users by number, in the order of `openData`, so that pgbench can choose one. */
const BENCH_USER = `drop table if exists bench_user; drop sequence if exists bench_rev;
  create table bench_user as select row_number() over (order by u.email) as number, u.id as user_id, s.token
    from "user" u join session s on s.user_id = u.id and s.id = md5(u.id);
  create unique index on bench_user (number); create sequence bench_rev;
  select setval('bench_rev', (select greatest(max(rev), ${FIRST_REV}) from task))`;

/** A statement with values in place of its parameters: `:name` of pgbench, or constants. */
function filled(text: string, values: readonly string[]): string {
  return text
    .replace(/\$(\d+)/g, (_match, number: string) => values[Number(number) - 1] ?? 'null')
    .replace(/\s+/g, ' ');
}

/** Its user is the one of what follows. The number, which stands for the cookie, is looked up within: pgbench knows no tokens. */
const session = `${filled(sessionsByToken.text, ['array[(select token from bench_user where number = :number)]'])}\n\\gset\n`;

function listText(): string {
  const filter = { trashed: false, words: [] };
  const { statement } = listQuery({
    userId: '',
    filter,
    sort: 'created_at',
    order: 'desc',
    after: undefined,
    skip: 0,
    limit: 21,
  });
  return filled(statement.text, [':user_id', '21', '0']);
}

/** What the statement of a new task takes: an object for each user. */
const NEW_TASK = `json_build_array(json_build_object('user_id', :user_id::text, 'title', 'Measured',
  'description', 'Some words', 'status', false, 'priority', 2))`;

const PGBENCH_WORKLOADS = {
  list: `${session}${listText()};\n`,
  create: `${session}${filled(insertTask.text, [NEW_TASK])};\n`,
  /**
   * A session check and a plain insert into Donewell's own table, with all its indexes and what guards its rows: a create
   * without the user's row, which has the revision and the counters.
   */
  plainInsert: `${session}insert into task (user_id, title, description, created_at, updated_at, rev, created_rev) values (:user_id, 'Measured', 'Some words', now(), now(), nextval('bench_rev'), 1);\n`,
  /** The same into the peers' table with its two indexes: the least that a create of theirs can cost. */
  peerInsert: `${session}insert into peer_task (user_id, title, description, priority) values (:user_id, 'Measured', 'Some words', 2);\n`,
} as const;

export type PgbenchWorkload = keyof typeof PGBENCH_WORKLOADS;

export const PGBENCH_TITLES: Record<PgbenchWorkload, string> = {
  list: 'pgbench: the same SQL',
  create: 'pgbench: the same SQL',
  plainInsert: 'pgbench: insert, Donewell’s table',
  peerInsert: 'pgbench: insert, the peers’ table',
};

export async function preparePgbench(connection: ClientConfig): Promise<void> {
  // A run that was broken off may have left some.
  await clearPgbench(connection);
  await withClient(connection, (client) => client.query(BENCH_USER));
}

/**
 * Takes out again what the plain inserts have put in beside the users' own revisions: to Donewell it would be changes that came after
 * all that it knows of.
 */
export async function clearPgbench(connection: ClientConfig): Promise<void> {
  await withClient(connection, async (client) => {
    const { rowCount } = await client.query(`delete from task where rev > ${FIRST_REV}`);
    if (rowCount) await client.query('vacuum (analyze) task');
  });
}

/** Its plans for new tasks are to be those that Donewell has. */
const AS_DONEWELL = SHARED_COMMIT.filter((setting) => !setting.includes("'"))
  .map((setting) => `-c ${setting.replaceAll(' ', '')}`)
  .join(' ');

/** Of one run. */
export function pgbenchSeconds({ seconds }: { seconds: number }): number {
  return Math.ceil(Math.max(LEAST, seconds + 1));
}

/**
 * Transactions a second, once it is warm: in its first second it opens connections and plans, which the contenders did long
 * before they are timed.
 */
export async function runPgbench(
  connection: ClientConfig,
  workload: PgbenchWorkload,
  { users, witnesses }: Pick<BenchData, 'users' | 'witnesses'>,
  options: { connections: number; seconds: number },
): Promise<number> {
  // All whom the contenders ask for: the pages of fewer users would stay in PostgreSQL's buffers, and it would be faster than it is for them.
  // Each client has users of its own, since Donewell lets a user's writes follow one another, too.
  const each = Math.floor(users.length / options.connections);
  const choose = `\\set number ${witnesses.length + 1} + :client_id * ${each} + random(0, ${each - 1})\n`;
  const file = path.join(WORKPLACE, `${workload}.sql`);
  writeFileSync(file, choose + PGBENCH_WORKLOADS[workload]);
  const { host, port, user, password, database } = connection;
  const seconds = pgbenchSeconds(options);
  const parameters = [
    ...['-n', '-M', 'prepared', '-h', String(host), '-p', String(port), '-U', String(user)],
    ...['-c', String(options.connections), '-j', '2', '-T', String(seconds), '--progress=1', '-f', file],
    String(database),
  ];
  const { stderr } = await promisify(execFile)(findPgbench(), parameters, {
    env: {
      ...process.env,
      PGPASSWORD: String(password),
      PGOPTIONS: workload === 'create' ? AS_DONEWELL : '',
    },
    timeout: seconds * 1000 + PATIENCE,
  });
  const rates = [...stderr.matchAll(/^progress: .* ([\d.]+) tps/gm)].map(([, rate]) => Number(rate));
  if (rates.length < 2) throw new Error('It told no progress');
  return mean(rates.slice(1));
}
