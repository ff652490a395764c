// `npm run bench:compare -- <rev>`: is this working copy faster or slower than that commit? A guard before a merge, by ratios.
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { startDonewell } from './contenders.ts';
import { cpuBetween, cpuOf } from './cpu.ts';
import { type BenchData, openData } from './data.ts';
import { closedLoop } from './load.ts';
import { type BenchPostgres, type Migrate, startPostgres, withClient } from './postgres.ts';
import { output, type Running } from './processes.ts';
import { progress } from './results.ts';
import { ROOT, WORKPLACE } from './settings.ts';
import { quantile, ratios } from './statistics.ts';
import { requestsOf, WORKLOADS, type WorkloadName } from './workloads.ts';

const SCALE = { users: 200, tasksPerUser: 200, singles: [] };
const COMPARED: WorkloadName[] = ['list', 'one', 'stats', 'sync', 'create', 'update'];
const CONNECTIONS = 16;
const WARM_SECONDS = 3;
const SECONDS = 0.7;
/** Each: the older, the newer, the newer, the older. */
const ROUNDS = 6;
/** More CPU than this for an answer, in three of four rounds, is told by the exit code. */
const TOLERANCE = 1.1;

function commitOf(revision: string): string {
  try {
    return output('git', ['rev-parse', '--verify', '--quiet', `${revision}^{commit}`], { cwd: ROOT }).trim();
  } catch {
    process.stderr.write(`There is no commit ${revision}: npm run bench:compare -- <rev>\n`);
    process.exit(2);
  }
}

/** The code of that commit, in a directory of its own. */
function extract(revision: string): string {
  const commit = commitOf(revision);
  const root = path.join(WORKPLACE, `commit-${commit.slice(0, 12)}`);
  if (existsSync(root)) return root;
  // It gets its name when all of it is there: what was broken off is not taken for the commit the next time.
  const unfinished = `${root}.unfinished`;
  const archive = `${root}.tar`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  output('git', ['archive', '--format=tar', `--output=${archive}`, commit], { cwd: ROOT });
  output('tar', ['-xf', archive, '-C', unfinished]);
  rmSync(archive);
  // The dependencies are those of here: what is compared is our own code.
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(unfinished, 'node_modules'));
  renameSync(unfinished, root);
  return root;
}

interface Side {
  running: Running;
  data: BenchData;
}

/** Each side has data of its own, laid out by its own migrations. */
async function openSide(postgres: BenchPostgres, name: 'older' | 'newer', root: string): Promise<Side> {
  const { migrate } = (await import(path.join(root, 'src/database/migrate.ts'))) as { migrate: Migrate };
  const database = `bench_${name}`;
  await withClient(postgres.connection, (client) => client.query(`drop database if exists ${database}`));
  const data = await openData(postgres, database, SCALE, () => {}, migrate);
  return { data, running: await startDonewell(data.connection, { root, name }) };
}

async function cpuOfAnswer(
  { running, data }: Side,
  postgres: BenchPostgres,
  workload: WorkloadName,
  seconds: number,
): Promise<number> {
  const pids = [running.pid, postgres.pid];
  const before = cpuOf(pids);
  const { latencies } = await closedLoop(running.port, requestsOf(WORKLOADS[workload], data, 'donewell'), {
    connections: CONNECTIONS,
    seconds,
  });
  return (cpuBetween(before, cpuOf(pids)) * 1000) / latencies.length;
}

async function compare(older: Side, newer: Side, postgres: BenchPostgres): Promise<boolean> {
  let isWorse = false;
  for (const workload of COMPARED) {
    const cost = (side: Side, seconds = SECONDS) => cpuOfAnswer(side, postgres, workload, seconds);
    await cost(older, WARM_SECONDS);
    await cost(newer, WARM_SECONDS);
    const costs: { older: number[]; newer: number[] } = { older: [], newer: [] };
    for (let round = 0; round < ROUNDS; round++) {
      costs.older.push(await cost(older));
      costs.newer.push(await cost(newer), await cost(newer));
      costs.older.push(await cost(older));
    }
    const found = ratios(costs.newer, costs.older);
    const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(found, part));
    progress(
      `${WORKLOADS[workload].title.padEnd(28)} ${quantile(costs.older, 0.5).toFixed(0).padStart(5)} → ${quantile(costs.newer, 0.5).toFixed(0).padStart(5)} µs CPU an answer: ${middle?.toFixed(2)} (half of the rounds ${low?.toFixed(2)}–${high?.toFixed(2)})`,
    );
    if ((low ?? 0) <= TOLERANCE) continue;
    isWorse = true;
    progress(`slower: three of four rounds cost more than ${TOLERANCE} of what they did`);
  }
  return isWorse;
}

const revision = process.argv[2] ?? 'HEAD';
const root = extract(revision);
const postgres = await startPostgres();
const sides: Side[] = [];
try {
  progress('the data of both');
  const older = await openSide(postgres, 'older', root);
  sides.push(older);
  const newer = await openSide(postgres, 'newer', ROOT);
  sides.push(newer);
  progress(`${revision} against what is here`);
  if (await compare(older, newer, postgres)) process.exitCode = 1;
  else progress('not slower beyond what chance does');
} finally {
  await Promise.all(sides.map(({ running }) => running.stop()));
  await postgres.stop();
}
