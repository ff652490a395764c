// What was aimed at, beside what was measured: reached, not reached, or not measured.
import { growthResults } from './parts/growth.ts';
import { restResults } from './parts/rest.ts';
import { socketResults } from './parts/sockets.ts';
import { stormResults } from './parts/storm.ts';
import { type Throughput, throughputResults } from './parts/throughput.ts';
import { ratios, spread, summary } from './statistics.ts';
import type { WorkloadName } from './workloads.ts';

type Row = [goal: string, wanted: Wanted, measured: string, verdict: string];
type Wanted = `${'≥' | '≤'} ${number}${'' | '×' | ' ms' | ' s' | ' KB' | ' MB'}`;
/** Of each round; where there are no rounds, the one figure. */
type Figures = readonly number[] | number | undefined;

/** Three digits that count, and more where the figure would otherwise be taken for the bound. */
function shown(value: number, bound: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en');
  for (let digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))); ; digits++) {
    const text = value.toFixed(digits);
    if (Math.sign(Number(text) - bound) === Math.sign(value - bound)) return text;
  }
}

/** The verdict is the median's; where the bound lies among the rounds, another run may come to the other one. */
function row(goal: string, wanted: Wanted, measured: Figures): Row {
  const rounds = [measured ?? []].flat();
  if (rounds.length === 0 || !rounds.every(Number.isFinite)) return [goal, wanted, '–', 'not measured'];
  const [, sign, number, unit] = /^(.) ([\d.]+)(.*)$/.exec(wanted) ?? [];
  const bound = Number(number);
  const { median, lowest, highest } = summary(rounds);
  const isReached = sign === '≥' ? median >= bound : median <= bound;
  const isWithin = lowest < bound && bound < highest;
  const verdict = `${isReached ? 'reached' : '**not reached**'}${isWithin ? ', within the spread' : ''}`;
  return [goal, wanted, spread(rounds, (value) => shown(value, bound), unit), verdict];
}

/** Answers a second of Donewell against those of another. */
function against(
  workload: WorkloadName,
  other: (found: Throughput) => readonly number[] | undefined,
): Figures {
  const found = throughputResults().find((result) => result.workload === workload);
  const ours = found?.contenders.donewell?.perSecond;
  const theirs = found && other(found);
  return ours && theirs && ratios(ours, theirs);
}

function throughputRows(): Row[] {
  const peer = (name: string) => against('list', ({ contenders }) => contenders[name]?.perSecond);
  const sameSql = against('list', ({ pgbench }) => pgbench.list);
  const create = against('create', ({ pgbench }) => pgbench.plainInsert);
  const createOnce = against('createOnce', ({ pgbench }) => pgbench.plainInsert);
  return [
    row('page of tasks against `pgbench` with the same SQL', '≥ 0.5×', sameSql),
    row('page of tasks against FastAPI + SQLModel', '≥ 20×', peer('fastapi')),
    row('page of tasks against Fastify + Drizzle + Better Auth', '≥ 2.5×', peer('drizzle')),
    row('create a task against `pgbench` of a plain insert into the same table', '≥ 0.5×', create),
    row('the same with an Idempotency-Key', '≥ 0.5×', createOnce),
  ];
}

const over = (last: number | undefined, first: number | undefined): Figures =>
  last === undefined || first === undefined ? undefined : last / first;
const counted = (count: number | undefined) => (count ?? 0).toLocaleString('en');

function growthRows(): Row[] {
  const { byTasks = [], byUser = [], byPage = [] } = growthResults() ?? {};
  // Fewer lie in the processor's caches, index and all.
  const [few, many] = [byTasks.find(({ tasks }) => tasks >= 10_000), byTasks.at(-1)];
  const [least, most] = [byUser.at(0), byUser.at(-1)];
  const users = `a user with ${counted(most?.tasks)} tasks against one with ${counted(least?.tasks)}`;
  const among = `among ${counted(many?.tasks)} tasks against among ${counted(few?.tasks)}`;
  const pages = over(byPage.at(-1)?.milliseconds, byPage.at(0)?.milliseconds);
  const costs = many?.listRounds && few?.listRounds && ratios(many.listRounds, few.listRounds);
  return [
    row(`latency of the stats: ${users}`, '≤ 1.1×', over(most?.stats, least?.stats)),
    row('latency of page 500 against page 1', '≤ 1.1×', pages),
    row(`CPU of a page of tasks ${among}`, '≤ 1.25×', costs),
  ];
}

function socketRows(): Row[] {
  const { sameNode, otherNode, idle, comeback } = socketResults() ?? {};
  const most = idle?.at(-1);
  const event = 'commit, as the answer tells it, to event at half load on';
  return [
    row(`${event} one node, p50`, '≤ 5 ms', sameNode?.fromAnswer.p50),
    row(`${event} one node, p99`, '≤ 20 ms', sameNode?.fromAnswer.p99),
    row(`${event} another node, p50`, '≤ 15 ms', otherNode?.fromAnswer.p50),
    row(`${event} another node, p99`, '≤ 50 ms', otherNode?.fromAnswer.p99),
    row(`memory of each of ${counted(most?.sockets)} idle sockets`, '≤ 25 KB', most?.kilobytesEach),
    row('2,000 sockets, all cut at once: back and caught up', '≤ 5 s', comeback?.seconds),
    row('… and of these missed something', '≤ 0', comeback?.missed),
  ];
}

/** In the order in which they were set. */
export function goals(): Row[] {
  const storm = stormResults().find(({ name }) => name === 'donewell');
  const rest = restResults();
  const seconds = (milliseconds: number) => milliseconds / 1000;
  return [
    ...throughputRows(),
    ...growthRows(),
    row(
      'readers’ p99 during a storm of sign-ins against alone',
      '≤ 1.5×',
      storm && ratios(storm.during, storm.idle),
    ),
    ...socketRows(),
    row(
      '`npm start` to the first answer, in a new checkout',
      '≤ 5 s',
      (rest?.firstStarts ?? []).map(seconds),
    ),
    row('the same where it was started before', '≤ 1.5 s', rest?.warmStarts.map(seconds)),
    row('memory at rest', '≤ 120 MB', rest?.megabytes),
  ];
}
