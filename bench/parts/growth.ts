// What grows with the data and what must not: the cost of a request by tasks in all, by tasks of the user, by page.
import { startDonewell } from '../contenders.ts';
import { cpuBetween, cpuOf } from '../cpu.ts';
import { type BenchData, type BenchUser, openData } from '../data.ts';
import { closedLoop, HttpConnection } from '../load.ts';
import type { Running } from '../processes.ts';
import { isMeasured, keepResult, keptResult, progress } from '../results.ts';
import type { Scale } from '../settings.ts';
import { quantile, summary } from '../statistics.ts';
import { requestsOf, WORKLOADS, type WorkloadName } from '../workloads.ts';
import type { Bench } from './throughput.ts';

export interface Growth {
  /** CPU microseconds of an answer, by how many tasks there are in all; of a page in each round, too, unless an earlier commit kept it. */
  byTasks: { tasks: number; list: number; stats: number; listRounds?: number[] }[];
  /** Milliseconds, by how many tasks the user has. */
  byUser: { tasks: number; stats: number; page: number }[];
  /** Milliseconds of a page of 20, by its number, for the user with very many tasks. */
  byPage: { page: number; milliseconds: number }[];
}

const PART = 'growth';
const PAGES = [1, 2, 10, 50, 100, 250, 500];
const LOOKS = 300;
/** Of these more data are made; a page of 20 has another after it in each, so that answers are alike. */
const SMALLER: Scale[] = [
  { users: 40, tasksPerUser: 25, singles: [] },
  { users: 400, tasksPerUser: 25, singles: [] },
  { users: 1_000, tasksPerUser: 100, singles: [] },
];

const tasksOf = ({ users, tasksPerUser }: Scale) => users * tasksPerUser;

/** The data with fewer tasks in all, and with more where that is wanted; made at the first time. */
export async function openOtherData({ postgres, settings }: Bench): Promise<[Scale, BenchData][]> {
  const { scale, largest } = settings;
  const others = [
    ...SMALLER.filter((smaller) => tasksOf(smaller) < tasksOf(scale)),
    ...(largest ? [largest] : []),
  ];
  const found: [Scale, BenchData][] = [];
  for (const other of others) {
    const name = `bench_${other.users}_${other.tasksPerUser}`;
    found.push([other, await openData(postgres, name, other, progress)]);
  }
  return found;
}

function get(path: string, user: BenchUser): string {
  return `GET ${path} HTTP/1.1\r\nhost: localhost\r\ncookie: ${user.cookie}\r\n\r\n`;
}

/** Of each request, asked in turn: what disturbs one disturbs them all. */
async function medianLatencies(port: number, requests: readonly string[]): Promise<number[]> {
  const connection = new HttpConnection(port);
  const latencies = requests.map((): number[] => []);
  for (let look = 0; look < LOOKS; look++) {
    for (const [place, request] of requests.entries()) {
      const start = performance.now();
      await connection.send(request);
      latencies[place]?.push(performance.now() - start);
    }
  }
  connection.close();
  // The first ones warm.
  return latencies.map((found) => quantile(found.slice(LOOKS / 4), 0.5));
}

/** The requests of the pages to be measured, found by walking there. */
async function requestsOfPages(port: number, user: BenchUser): Promise<string[]> {
  const connection = new HttpConnection(port);
  const requests: string[] = [];
  let cursor = '';
  for (let page = 1; page <= Math.max(...PAGES); page++) {
    const request = get(`/api/tasks?limit=20${cursor}`, user);
    if (PAGES.includes(page)) requests.push(request);
    const { body } = await connection.send(request, true);
    cursor = `&cursor=${(JSON.parse(body) as { next_cursor: string }).next_cursor}`;
  }
  connection.close();
  return requests;
}

interface Sized {
  tasks: number;
  data: BenchData;
  running: Running;
  costs: { list: number[]; stats: number[] };
}

async function cpuOfAnswer(sized: Sized, name: WorkloadName, bench: Bench, seconds: number): Promise<number> {
  const { running, data } = sized;
  const pids = [running.pid, bench.postgres.pid];
  const { connections } = bench.settings;
  const before = cpuOf(pids);
  const next = requestsOf(WORKLOADS[name], data, 'donewell');
  const { latencies } = await closedLoop(running.port, next, { connections, seconds });
  return (cpuBetween(before, cpuOf(pids)) * 1000) / latencies.length;
}

/** A server for each amount of tasks, measured in turn. */
async function measureByTasks(bench: Bench): Promise<Growth['byTasks']> {
  const { scale, rounds, seconds, warmSeconds } = bench.settings;
  const sizes: [Scale, BenchData][] = [...(await openOtherData(bench)), [scale, bench.data]];
  sizes.sort(([a], [b]) => tasksOf(a) - tasksOf(b));
  const servers: Sized[] = [];
  try {
    for (const [size, data] of sizes) {
      const running = await startDonewell(data.connection, { name: 'growth' });
      servers.push({ tasks: tasksOf(size), data, running, costs: { list: [], stats: [] } });
    }
    for (const name of ['list', 'stats'] as const) {
      for (const sized of servers) await cpuOfAnswer(sized, name, bench, warmSeconds);
      for (let round = 0; round < rounds; round++)
        for (const sized of round % 2 === 0 ? servers : servers.toReversed())
          sized.costs[name].push(await cpuOfAnswer(sized, name, bench, seconds));
    }
  } finally {
    await Promise.all(servers.map(({ running }) => running.stop()));
  }
  return servers.map(({ tasks, costs }) => ({
    tasks,
    list: summary(costs.list).median,
    stats: summary(costs.stats).median,
    listRounds: costs.list,
  }));
}

async function measureByUser({ data, settings }: Bench): Promise<Pick<Growth, 'byUser' | 'byPage'>> {
  const witness = { user: data.witnesses[0] as BenchUser, tasks: settings.scale.tasksPerUser };
  const users = [...data.singles, witness].sort((a, b) => a.tasks - b.tasks);
  const running = await startDonewell(data.connection, { name: 'growth' });
  try {
    const { port } = running;
    const asked = (path: string) => users.map(({ user }) => get(path, user));
    const stats = await medianLatencies(port, asked('/api/dashboard/stats'));
    // Ten, which all of them have: else the answer grows.
    const pages = await medianLatencies(port, asked('/api/tasks?limit=10'));
    const largest = users.at(-1)?.user as BenchUser;
    const deep = await medianLatencies(port, await requestsOfPages(port, largest));
    return {
      byUser: users.map(({ tasks }, place) => ({
        tasks,
        stats: stats[place] ?? Number.NaN,
        page: pages[place] ?? Number.NaN,
      })),
      byPage: PAGES.map((page, place) => ({ page, milliseconds: deep[place] ?? Number.NaN })),
    };
  } finally {
    await running.stop();
  }
}

export async function measureGrowth(bench: Bench): Promise<void> {
  if (isMeasured(PART)) return;
  progress('growth: the cost of an answer among few tasks and among many');
  const byTasks = await measureByTasks(bench);
  progress('growth: users with few and many tasks, and deep pages');
  keepResult(PART, { byTasks, ...(await measureByUser(bench)) });
}

export function growthResults(): Growth | undefined {
  return keptResult<Growth>(PART);
}
