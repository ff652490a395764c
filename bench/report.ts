// Writes docs/performance.md and its picture from the results that are kept.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import path from 'node:path';
import { CONTENDERS } from './contenders.ts';
import { goals } from './goals.ts';
import { growthResults } from './parts/growth.ts';
import { socketResults } from './parts/sockets.ts';
import { type Throughput, throughputResults } from './parts/throughput.ts';
import { PGBENCH_TITLES, type PgbenchWorkload, pgbenchSeconds } from './pgbench.ts';
import { type BarGroup, barPicture, type Curve, curvePicture } from './picture.ts';
import { failures, keptResult, measuredCommits } from './results.ts';
import { type BenchSettings, latenessSeconds, ROOT, WORKPLACE } from './settings.ts';
import { summary } from './statistics.ts';
import {
  growthTables,
  number,
  P99_ANSWERS,
  socketTables,
  startTable,
  stormTable,
  table,
  throughputTable,
  titleOf,
} from './tables.ts';
import { WORKLOADS, type WorkloadName } from './workloads.ts';

/** What the figures do not say: what was tried, and what stands in the way. Written by hand. */
const REMARKS = path.join(import.meta.dirname, 'remarks.md');
/** Of the page, and of its pictures as it names them. */
const FILE = 'performance.md';
const PICTURE = 'images/performance.svg';
const GROWTH_PICTURE = 'images/performance-growth.svg';

export interface Circumstances {
  settings: BenchSettings;
  postgres: string;
  /** Load of the machine when the run began, by others. */
  loadBefore: number;
}

function commits(): string {
  const found = [...measuredCommits()];
  if (found.length < 2) return `commit ${found[0]?.[0]}`;
  return found.map(([commit, names]) => `commit ${commit} (${names.join(', ')})`).join(' and ');
}

function machine({ settings, postgres, loadBefore }: Circumstances, command: string): string {
  const { users, tasksPerUser, singles } = settings.scale;
  return [
    `- ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}; load by others when the run began: ${loadBefore.toFixed(1)}. Made by \`${command}\`.`,
    `- PostgreSQL ${postgres} with fsync on, Node ${process.versions.node}, ${commits()}. Load generator, server and PostgreSQL share the cores.`,
    `- ${number(users)} users with ${number(tasksPerUser)} tasks each, and one each with ${singles.map(number).join(', ')}; ${settings.connections} connections, ${settings.rounds} rounds of ${settings.seconds} s for each contender, interleaved, after warming for ${settings.warmSeconds} s.`,
    `- p50 and p99 are those of as many rounds of ${latenessSeconds(settings)} s at half of what the slowest can do, interleaved, too; of fewer than ${number(P99_ANSWERS)} answers in all there is no p99. \`pgbench\` runs for ${pgbenchSeconds(settings)} s each time, of which the first is not counted.`,
  ].join('\n');
}

function notMeasured(): string {
  return Object.entries(failures())
    .map(([what, why]) => `- ${what}: ${why}`)
    .join('\n');
}

function growthPicture(): string | undefined {
  const growth = growthResults();
  if (!growth) return undefined;
  const { byTasks, byUser, byPage } = growth;
  const idle = socketResults()?.idle ?? [];
  const all: Curve[] = [
    {
      title: 'page, CPU µs, by tasks in all',
      points: byTasks.map(({ tasks, list }) => ({ x: tasks, y: list })),
    },
    {
      title: 'stats, CPU µs, by tasks in all',
      points: byTasks.map(({ tasks, stats }) => ({ x: tasks, y: stats })),
    },
    {
      title: 'stats, ms, by tasks of the user',
      points: byUser.map(({ tasks, stats }) => ({ x: tasks, y: stats })),
    },
    {
      title: 'page, ms, by tasks of the user',
      points: byUser.map(({ tasks, page }) => ({ x: tasks, y: page })),
    },
    {
      title: 'page, ms, by its number',
      points: byPage.map(({ page, milliseconds }) => ({ x: page, y: milliseconds })),
    },
    {
      title: 'event, p50 ms, by idle sockets',
      points: idle.map(({ sockets, p50 }) => ({ x: sockets, y: p50 })),
    },
  ];
  const curves = all.filter(({ points }) => points.length > 1);
  return curvePicture('What grows, and what does not', curves);
}

/** Those that the peers have, too; of signing in all do as many. */
const PICTURED = new Set<WorkloadName>(['list', 'one', 'stats', 'create', 'update', 'complete', 'mixed']);

function picture(results: readonly Throughput[]): string {
  const groups: BarGroup[] = results
    .filter(({ workload }) => PICTURED.has(workload))
    .map(({ workload, contenders, pgbench }) => {
      const rates: [label: string, perSecond: number[], isOurs: boolean][] = [
        ...Object.entries(pgbench).map(([name, found]): [string, number[], boolean] => [
          PGBENCH_TITLES[name as PgbenchWorkload],
          found,
          false,
        ]),
        ...Object.entries(contenders).map(([name, { perSecond }]): [string, number[], boolean] => [
          titleOf.get(name) ?? name,
          perSecond,
          name === 'donewell',
        ]),
      ];
      const bars = rates.map(([label, perSecond, isOurs]) => {
        const { median: value, lowest, highest } = summary(perSecond);
        return { label, value, lowest, highest, isOurs };
      });
      return { title: WORKLOADS[workload].title, bars };
    });
  return barPicture('Answers a second, one process each', groups);
}

const TWO_LOOPS = `Answers a second and CPU time are of sixteen clients who each wait for their answer; the times until an answer, of requests that come
when they are due, for all at half the rate that the slowest bears.`;

const INTRODUCTION = `# Performance

Written by \`npm run bench\`, from measurements on one machine. Only the ratios mean anything, and those only with their spread:
a figure is the median of the rounds, with the lowest and the highest in brackets, and what is said of it is said of the median: “within
the spread” where the lowest and the highest do not agree. All contenders use the same PostgreSQL and
were found to give the same answers to what they read, changed and refused before anything was timed. The peers are in \`bench/peers/\`, each as its own guides show it,
with one plain table of tasks and two indexes; Donewell keeps revisions, counters and a dozen indexes for what it can do besides.`;

/**
 * @param command with which the page is made.
 * @returns where it is.
 */
export function writeReport(isPublished: boolean, command: string): string {
  const circumstances = keptResult<Circumstances>('circumstances');
  if (!circumstances) throw new Error('Nothing has been measured yet');
  const results = throughputResults();
  const growth = growthPicture();
  const versions = CONTENDERS.map((contender) => `- ${contender.title}: ${contender.versions()}`).join('\n');
  const sections: [title: string, text: string][] = [
    [
      'Goals',
      `${table(['goal', 'wanted', 'measured', ''], goals())}\n\n${readFileSync(REMARKS, 'utf8').trim()}`,
    ],
    ['Not measured', notMeasured()],
    ['The machine', `${machine(circumstances, command)}\n\n${versions}`],
    ['Workloads', `![Answers a second](${PICTURE})\n\n${TWO_LOOPS}\n\n${throughputTable(results)}`],
    ['While others sign in', stormTable()],
    [
      'Growth',
      growth === undefined ? '' : `![What grows, and what does not](${GROWTH_PICTURE})\n\n${growthTables()}`,
    ],
    ['Starts and memory', startTable()],
    ['Sockets', socketTables()],
  ];
  const text = sections
    .filter(([, section]) => section !== '')
    .map(([title, section]) => `## ${title}\n\n${section}`);
  const directory = isPublished ? path.join(ROOT, 'docs') : WORKPLACE;
  const write = (name: string, content: string) => writeFileSync(path.join(directory, name), content);
  mkdirSync(path.join(directory, path.dirname(PICTURE)), { recursive: true });
  if (results.length > 0) write(PICTURE, picture(results));
  if (growth !== undefined) write(GROWTH_PICTURE, growth);
  write(FILE, `${[INTRODUCTION, ...text].join('\n\n')}\n`);
  return path.join(directory, FILE);
}

export function circumstancesNow(settings: BenchSettings, postgres: string): Circumstances {
  return { settings, postgres, loadBefore: loadavg()[0] ?? Number.NaN };
}
