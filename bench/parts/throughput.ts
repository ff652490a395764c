// All contenders at all workloads: as many answers as they can give, what each costs, and how late they are at half load.
import { assertAgreement } from '../agreement.ts';
import { CONTENDERS, type Contender } from '../contenders.ts';
import { cpuBetween, cpuOf } from '../cpu.ts';
import type { BenchData } from '../data.ts';
import { closedLoop, openLoop } from '../load.ts';
import {
  clearPgbench,
  PGBENCH_TITLES,
  type PgbenchWorkload,
  preparePgbench,
  runPgbench,
} from '../pgbench.ts';
import type { BenchPostgres } from '../postgres.ts';
import type { Running } from '../processes.ts';
import { attempt, isMeasured, keepResult, keptResult, progress } from '../results.ts';
import { type BenchSettings, latenessSeconds } from '../settings.ts';
import { quantile, summary } from '../statistics.ts';
import { requestsOf, WORKLOADS, type WorkloadName } from '../workloads.ts';

export interface Measured {
  /** Answers a second, round by round. */
  perSecond: number[];
  /** CPU microseconds of one answer, of the server and of PostgreSQL together, round by round. */
  cpu: number[];
  late?: Lateness;
}

/** At half of the slowest contender's rate. */
export interface Lateness {
  /** Milliseconds, round by round. */
  p50: number[];
  p99: number[];
  /** Answers in all rounds. */
  answers: number;
}

export interface Throughput {
  workload: WorkloadName;
  contenders: Record<string, Measured>;
  pgbench: Partial<Record<PgbenchWorkload, number[]>>;
}

interface Server {
  contender: Contender;
  running: Running;
}

const PGBENCH_OF: Partial<Record<WorkloadName, PgbenchWorkload[]>> = {
  list: ['list'],
  create: ['create', 'plainInsert', 'peerInsert'],
  createOnce: ['plainInsert'],
};

async function measureClosed(
  { contender, running }: Server,
  workload: WorkloadName,
  { data, postgres, settings }: Bench,
  seconds: number,
): Promise<{ perSecond: number; cpu: number }> {
  const next = requestsOf(WORKLOADS[workload], data, contender.tasks);
  const pids = [running.pid, postgres.pid];
  const before = cpuOf(pids);
  const connections = WORKLOADS[workload].connections ?? settings.connections;
  const result = await closedLoop(running.port, next, { connections, seconds });
  const cpu = cpuBetween(before, cpuOf(pids));
  const answers = result.latencies.length;
  return { perSecond: answers / result.seconds, cpu: (cpu * 1000) / answers };
}

export interface Bench {
  data: BenchData;
  postgres: BenchPostgres;
  settings: BenchSettings;
}

/** All in turn, there and back, so that nobody is always first; who fails once has no more turns. */
async function inRounds(rounds: number, turns: readonly (() => Promise<boolean>)[]): Promise<void> {
  let left = turns;
  for (let round = 0; round < rounds; round++) {
    for (const turn of round % 2 === 0 ? left : left.toReversed())
      if (!(await turn())) left = left.filter((other) => other !== turn);
  }
}

/** Without those that fail on the way. */
async function measureRounds(servers: Server[], workload: WorkloadName, bench: Bench): Promise<Throughput> {
  const { settings, data } = bench;
  const contenders: Record<string, Measured> = {};
  const pgbenchRates: Throughput['pgbench'] = {};
  const measureOne = (server: Server, seconds: number) =>
    attempt(`${server.contender.title}: ${WORKLOADS[workload].title}`, () =>
      measureClosed(server, workload, bench, seconds),
    );
  const turnOf = (server: Server) => async () => {
    const { name } = server.contender;
    const found = await measureOne(server, settings.seconds);
    if (!found) {
      delete contenders[name];
      return false;
    }
    contenders[name]?.perSecond.push(found.perSecond);
    contenders[name]?.cpu.push(found.cpu);
    return true;
  };
  const pgbenchTurnOf = (name: PgbenchWorkload) => async () => {
    const what = `${PGBENCH_TITLES[name]}: ${WORKLOADS[workload].title}`;
    const rate = await attempt(what, () => runPgbench(data.connection, name, data, settings));
    if (rate === undefined) {
      delete pgbenchRates[name];
      return false;
    }
    pgbenchRates[name] = [...(pgbenchRates[name] ?? []), rate];
    return true;
  };
  const turns: (() => Promise<boolean>)[] = [];
  for (const server of servers) {
    if (!(await measureOne(server, settings.warmSeconds))) continue;
    contenders[server.contender.name] = { perSecond: [], cpu: [] };
    turns.push(turnOf(server));
  }
  await inRounds(settings.rounds, [...turns, ...(PGBENCH_OF[workload] ?? []).map(pgbenchTurnOf)]);
  return { workload, contenders, pgbench: pgbenchRates };
}

/** All at the same rate, which the slowest can bear twice over. */
async function measureLateness(
  servers: Server[],
  { workload, contenders }: Throughput,
  { data, settings }: Bench,
): Promise<void> {
  const rates = Object.values(contenders).map(({ perSecond }) => summary(perSecond).median);
  const rate = Math.max(1, Math.min(...rates) / 2);
  const options = { connections: settings.connections * 4, seconds: latenessSeconds(settings), rate };
  const turnOf =
    ({ contender, running }: Server, measured: Measured) =>
    async () => {
      const next = requestsOf(WORKLOADS[workload], data, contender.tasks);
      const what = `${contender.title}: ${WORKLOADS[workload].title}, lateness`;
      const found = await attempt(what, () => openLoop(running.port, next, options));
      if (!found) {
        delete measured.late;
        return false;
      }
      measured.late ??= { p50: [], p99: [], answers: 0 };
      measured.late.p50.push(quantile(found.latencies, 0.5));
      measured.late.p99.push(quantile(found.latencies, 0.99));
      measured.late.answers += found.latencies.length;
      return true;
    };
  const turns = servers.flatMap((server) => {
    const measured = contenders[server.contender.name];
    return measured ? [turnOf(server, measured)] : [];
  });
  await inRounds(settings.rounds, turns);
}

function resultOf(workload: WorkloadName): string {
  return `throughput-${workload}`;
}

/** All that start and give the same answers as the first. */
async function startAll({ data }: Bench): Promise<Server[]> {
  const servers: Server[] = [];
  for (const contender of CONTENDERS) {
    progress(`starting ${contender.title}`);
    await attempt(contender.title, async () => {
      const running = await contender.start(data.connection);
      try {
        await assertAgreement([...servers.slice(0, 1), { contender, running }], data);
        servers.push({ contender, running });
      } catch (error) {
        await running.stop();
        throw error;
      }
    });
  }
  return servers;
}

async function measureWorkload(servers: Server[], workload: WorkloadName, bench: Bench): Promise<void> {
  const { title, without, prepare } = WORKLOADS[workload];
  const able = servers.filter(({ contender }) => !without?.includes(contender.name));
  await prepare?.(bench.data);
  const found = await measureRounds(able, workload, bench);
  await measureLateness(able, found, bench);
  keepResult(resultOf(workload), found);
  const rates = Object.entries(found.contenders).map(
    ([name, { perSecond }]) => `${name} ${summary(perSecond).median.toFixed(0)}/s`,
  );
  progress(`${title}: ${rates.join(', ')}`);
}

/** Measures what has not been measured yet. */
export async function measureThroughput(bench: Bench, workloads: readonly WorkloadName[]): Promise<void> {
  const left = workloads.filter((workload) => !isMeasured(resultOf(workload)));
  if (left.length === 0) return;
  const servers = await startAll(bench);
  try {
    progress('all give the same answers');
    await attempt('`pgbench`', () => preparePgbench(bench.data.connection));
    for (const workload of left) {
      await attempt(WORKLOADS[workload].title, () => measureWorkload(servers, workload, bench));
      await clearPgbench(bench.data.connection);
    }
  } finally {
    await Promise.all(servers.map(({ running }) => running.stop()));
  }
}

export function throughputResults(): Throughput[] {
  return (Object.keys(WORKLOADS) as WorkloadName[]).flatMap((workload) => {
    const kept = keptResult<Throughput>(resultOf(workload));
    return kept ? [kept] : [];
  });
}
