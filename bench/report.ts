// Writes docs/performance.md and its picture from the results that are kept.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import path from 'node:path';
import { CONTENDERS } from './contenders.ts';
import { goals } from './goals.ts';
import { growthResults } from './parts/growth.ts';
import { restResults } from './parts/rest.ts';
import { type BusyDelay, socketResults } from './parts/sockets.ts';
import { stormResults } from './parts/storm.ts';
import { type Measured, type Throughput, throughputResults } from './parts/throughput.ts';
import { PGBENCH_TITLES, type PgbenchWorkload } from './pgbench.ts';
import { type BarGroup, barPicture, type Curve, curvePicture } from './picture.ts';
import { failures, keptResult, measuredCommits } from './results.ts';
import { type BenchSettings, latenessSeconds, ROOT, WORKPLACE } from './settings.ts';
import { fixed, ratios, spread, summary } from './statistics.ts';
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

const titleOf = new Map(CONTENDERS.map(({ name, title }) => [name, title]));

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function commits(): string {
  const found = [...measuredCommits()];
  if (found.length < 2) return `commit ${found[0]?.[0]}`;
  return found.map(([commit, names]) => `commit ${commit} (${names.join(', ')})`).join(' and ');
}

function machine({ settings, postgres, loadBefore }: Circumstances): string {
  const { users, tasksPerUser, singles } = settings.scale;
  return [
    `- ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}; load by others when the run began: ${loadBefore.toFixed(1)}.`,
    `- PostgreSQL ${postgres} with fsync on, Node ${process.versions.node}, ${commits()}. Load generator, server and PostgreSQL share the cores.`,
    `- ${number(users)} users with ${number(tasksPerUser)} tasks each, and one each with ${singles.map(number).join(', ')}; ${settings.connections} connections, ${settings.rounds} rounds of ${settings.seconds} s for each contender, interleaved, after warming for ${settings.warmSeconds} s.`,
    `- p50 and p99 are those of as many rounds of ${latenessSeconds(settings)} s at half of what the slowest can do, interleaved, too; of fewer than ${number(P99_ANSWERS)} answers in all there is no p99.`,
  ].join('\n');
}

/** Of fewer answers the p99 would be a single one. */
const P99_ANSWERS = 1_000;

function lateness({ late }: Measured): [p50: string, p99: string] {
  if (!late) return ['', ''];
  return [spread(late.p50, fixed(1)), late.answers < P99_ANSWERS ? '–' : spread(late.p99, fixed(1))];
}

function throughputTable(results: readonly Throughput[]): string {
  return results
    .map(({ workload, contenders, pgbench }) => {
      const ours = contenders.donewell;
      const rows = Object.entries(contenders).map(([name, measured]) => [
        titleOf.get(name) ?? name,
        spread(measured.perSecond),
        name === 'donewell' || !ours
          ? '1'
          : spread(ratios(ours.perSecond, measured.perSecond), fixed(1), '×'),
        spread(measured.cpu),
        name === 'donewell' || !ours ? '1' : spread(ratios(measured.cpu, ours.cpu), fixed(1), '×'),
        ...lateness(measured),
      ]);
      const limits = Object.entries(pgbench).map(([name, rates]) => [
        PGBENCH_TITLES[name as PgbenchWorkload],
        spread(rates),
        ours ? spread(ratios(ours.perSecond, rates), fixed(2), '×') : '',
        '',
        '',
        '',
        '',
      ]);
      const head = [
        '',
        'answers/s',
        'Donewell against it',
        'CPU µs an answer',
        'of Donewell’s',
        'p50 ms',
        'p99 ms',
      ];
      return `### ${WORKLOADS[workload].title}\n\n${table(head, [...rows, ...limits])}`;
    })
    .join('\n\n');
}

function stormTable(): string {
  const rows = stormResults().map(({ name, idle, during, loginsPerSecond }) => [
    titleOf.get(name) ?? name,
    spread(idle, fixed(1)),
    spread(during, fixed(1)),
    spread(ratios(during, idle), fixed(1)),
    spread(loginsPerSecond),
  ]);
  return rows.length === 0
    ? ''
    : table(['', 'readers’ p99 alone, ms', 'during the storm, ms', 'ratio', 'logins/s'], rows);
}

const number = (value: number) => value.toLocaleString('en');

function growthTables(): string {
  const growth = growthResults();
  if (!growth) return '';
  const { byTasks, byUser, byPage } = growth;
  return [
    `![What grows, and what does not](${GROWTH_PICTURE})`,
    table(
      ['tasks in all', 'CPU µs, a page of 20', 'CPU µs, the stats'],
      byTasks.map(({ tasks, list, stats }) => [number(tasks), list.toFixed(0), stats.toFixed(0)]),
    ),
    table(
      ['tasks of the user', 'the stats, ms', 'a page of 10, ms'],
      byUser.map(({ tasks, stats, page }) => [number(tasks), stats.toFixed(2), page.toFixed(2)]),
    ),
    table(
      ['page of 20', 'ms'],
      byPage.map(({ page, milliseconds }) => [number(page), milliseconds.toFixed(2)]),
    ),
  ].join('\n\n');
}

function startTable(): string {
  const rest = restResults();
  if (!rest) return '';
  return table(
    ['', ''],
    [
      ['first start, ms', rest.firstStart.toFixed(0)],
      ['warm start, ms', spread(rest.warmStarts)],
      ['memory at rest, MB', spread(rest.megabytes)],
      ['of it the server’s own, MB', spread(rest.ownMegabytes)],
      ['memory after the first sign-up, MB', spread(rest.megabytesInUse)],
    ],
  );
}

const delay = ({ p50, p99 }: { p50: number; p99: number }) => `${p50.toFixed(1)} / ${p99.toFixed(1)}`;

const delayRows = (where: string, { answer, fromAnswer, ...event }: BusyDelay): string[][] => [
  [`request to event at half load, ${where}, p50 / p99 ms`, delay(event)],
  ['of it until the answer to the request, p50 / p99 ms', delay(answer)],
  ['from the answer to the event, p50 / p99 ms', delay(fromAnswer)],
];

function socketTables(): string {
  const { sameNode, otherNode, idle = [], fanOut = [], comeback } = socketResults() ?? {};
  const rows = [
    ...(sameNode ? delayRows('one node', sameNode) : []),
    ...(otherNode ? delayRows('another node', otherNode) : []),
    ...(comeback
      ? [
          [`${number(comeback.sockets)} sockets back at once and caught up, s`, comeback.seconds.toFixed(1)],
          ['of these missed something', number(comeback.missed)],
        ]
      : []),
  ];
  const idleRows = idle.map(({ sockets, kilobytesEach, ...found }) => [
    number(sockets),
    // Of a few the memory says nothing: it is taken by the megabyte.
    sockets < 1_000 ? '' : kilobytesEach.toFixed(1),
    delay(found),
  ]);
  const fanRows = fanOut.map(({ sockets, cpuEach, ...found }) => [
    number(sockets),
    delay(found),
    cpuEach.toFixed(0),
  ]);
  const tables = [
    rows.length > 0 && table(['', ''], rows),
    idle.length > 0 &&
      table(['idle sockets', 'memory of each, KB', 'a change to its event, p50 / p99 ms'], idleRows),
    fanOut.length > 0 &&
      table(['sockets of the user', 'a change to its last event, p50 / p99 ms', 'CPU µs an event'], fanRows),
  ];
  return tables.filter((text) => text !== false).join('\n\n');
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

const INTRODUCTION = `# Performance

Written by \`npm run bench\`, from measurements on one machine. Only the ratios mean anything, and those only with their spread:
a figure is the median of the rounds, with the lowest and the highest in brackets. All contenders use the same PostgreSQL and
were found to give the same answers to what they read, changed and refused before anything was timed. The peers are in \`bench/peers/\`, each as its own guides show it,
with one plain table of tasks and two indexes; Donewell keeps revisions, counters and a dozen indexes for what it can do besides.`;

/** @returns where it is. */
export function writeReport(isPublished: boolean): string {
  const circumstances = keptResult<Circumstances>('circumstances');
  if (!circumstances) throw new Error('Nothing has been measured yet');
  const results = throughputResults();
  const versions = CONTENDERS.map((contender) => `- ${contender.title}: ${contender.versions()}`).join('\n');
  const sections: [title: string, text: string][] = [
    [
      'Goals',
      `${table(['goal', 'wanted', 'measured', ''], goals())}\n\n${readFileSync(REMARKS, 'utf8').trim()}`,
    ],
    ['Not measured', notMeasured()],
    ['The machine', `${machine(circumstances)}\n\n${versions}`],
    ['Workloads', `![Answers a second](${PICTURE})\n\n${throughputTable(results)}`],
    ['While others sign in', stormTable()],
    ['Growth', growthTables()],
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
  const growth = growthPicture();
  if (growth !== undefined) write(GROWTH_PICTURE, growth);
  write(FILE, `${[INTRODUCTION, ...text].join('\n\n')}\n`);
  return path.join(directory, FILE);
}

export function circumstancesNow(settings: BenchSettings, postgres: string): Circumstances {
  return { settings, postgres, loadBefore: loadavg()[0] ?? Number.NaN };
}
