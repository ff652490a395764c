// What was aimed at, beside what was measured: reached, not reached, or not measured.
import { growthResults } from './parts/growth.ts';
import { restResults } from './parts/rest.ts';
import { socketResults } from './parts/sockets.ts';
import { stormResults } from './parts/storm.ts';
import { type Throughput, throughputResults } from './parts/throughput.ts';
import { ratios, summary } from './statistics.ts';
import type { WorkloadName } from './workloads.ts';

type Row = [goal: string, wanted: string, measured: string, verdict: string];

function row(
  goal: string,
  bound: 'at least' | 'at most',
  wanted: number,
  measured: number | undefined,
  unit = '',
): Row {
  const sign = bound === 'at least' ? '≥' : '≤';
  if (measured === undefined || Number.isNaN(measured))
    return [goal, `${sign} ${wanted}${unit}`, '–', 'not measured'];
  const isReached = bound === 'at least' ? measured >= wanted : measured <= wanted;
  return [
    goal,
    `${sign} ${wanted}${unit}`,
    `${measured.toFixed(2)}${unit}`,
    isReached ? 'reached' : '**not reached**',
  ];
}

function against(
  workload: WorkloadName,
  other: (found: Throughput) => number[] | undefined,
): number | undefined {
  const found = throughputResults().find((result) => result.workload === workload);
  const ours = found?.contenders.donewell?.perSecond;
  const theirs = found && other(found);
  return ours && theirs ? summary(ratios(ours, theirs)).median : undefined;
}

const over = (last: number | undefined, first: number | undefined) =>
  (last ?? Number.NaN) / (first ?? Number.NaN);

function growthRows(): Row[] {
  const { byTasks = [], byUser = [], byPage = [] } = growthResults() ?? {};
  // Fewer lie in the processor's caches, index and all.
  const [few, many] = [byTasks.find(({ tasks }) => tasks >= 10_000), byTasks.at(-1)];
  const [least, most] = [byUser.at(0), byUser.at(-1)];
  const counted = (tasks: number | undefined) => (tasks ?? 0).toLocaleString('en');
  return [
    row(
      `latency of the stats: a user with ${counted(most?.tasks)} tasks against one with ${counted(least?.tasks)}`,
      'at most',
      1.1,
      over(most?.stats, least?.stats),
      '×',
    ),
    row(
      'latency of page 500 against page 1',
      'at most',
      1.1,
      over(byPage.at(-1)?.milliseconds, byPage.at(0)?.milliseconds),
      '×',
    ),
    row(
      `CPU of a page of tasks among ${counted(many?.tasks)} tasks against among ${counted(few?.tasks)}`,
      'at most',
      1.25,
      many?.listRounds && few?.listRounds && summary(ratios(many.listRounds, few.listRounds)).median,
      '×',
    ),
  ];
}

function socketRows(): Row[] {
  const { sameNode, otherNode, idle, comeback } = socketResults() ?? {};
  const most = idle?.at(-1);
  return [
    row(
      'commit, as the answer tells it, to event at half load on one node, p50',
      'at most',
      5,
      sameNode?.fromAnswer.p50,
      ' ms',
    ),
    row(
      'commit, as the answer tells it, to event at half load on one node, p99',
      'at most',
      20,
      sameNode?.fromAnswer.p99,
      ' ms',
    ),
    row(
      'commit, as the answer tells it, to event at half load on another node, p50',
      'at most',
      15,
      otherNode?.fromAnswer.p50,
      ' ms',
    ),
    row(
      'commit, as the answer tells it, to event at half load on another node, p99',
      'at most',
      50,
      otherNode?.fromAnswer.p99,
      ' ms',
    ),
    row(
      `memory of each of ${(most?.sockets ?? 0).toLocaleString('en')} idle sockets`,
      'at most',
      25,
      most?.kilobytesEach,
      ' KB',
    ),
    row('2,000 sockets back at once and caught up', 'at most', 5, comeback?.seconds, ' s'),
    row('… and of these missed something', 'at most', 0, comeback?.missed),
  ];
}

/** In the order in which they were set. */
export function goals(): Row[] {
  const storm = stormResults().find(({ name }) => name === 'donewell');
  const rest = restResults();
  return [
    row(
      'page of tasks against `pgbench` with the same SQL',
      'at least',
      0.5,
      against('list', ({ pgbench }) => pgbench.list),
      '×',
    ),
    row(
      'page of tasks against FastAPI + SQLModel',
      'at least',
      20,
      against('list', ({ contenders }) => contenders.fastapi?.perSecond),
      '×',
    ),
    row(
      'page of tasks against Fastify + Drizzle + Better Auth',
      'at least',
      2.5,
      against('list', ({ contenders }) => contenders.drizzle?.perSecond),
      '×',
    ),
    row(
      'create a task against `pgbench` of a plain insert into the same table',
      'at least',
      0.5,
      against('create', ({ pgbench }) => pgbench.plainInsert),
      '×',
    ),
    row(
      'the same with an Idempotency-Key',
      'at least',
      0.5,
      against('createOnce', ({ pgbench }) => pgbench.plainInsert),
      '×',
    ),
    ...growthRows(),
    row(
      'readers’ p99 during a storm of sign-ins against alone',
      'at most',
      1.5,
      storm && summary(ratios(storm.during, storm.idle)).median,
      '×',
    ),
    ...socketRows(),
    row('first start', 'at most', 5, rest && rest.firstStart / 1000, ' s'),
    row('warm start', 'at most', 1.5, rest && summary(rest.warmStarts).median / 1000, ' s'),
    row('memory at rest', 'at most', 120, rest && summary(rest.megabytes).median, ' MB'),
  ];
}
