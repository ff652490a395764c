// `npm run bench`: builds the data, measures Donewell beside its peers and writes docs/performance.md.
// What has been measured is kept: a run that was ended goes on where it was. `--help` says what can be chosen.
import { parseArgs } from 'node:util';
import { openData } from './data.ts';
import { measureGrowth, openOtherData } from './parts/growth.ts';
import { measureRest } from './parts/rest.ts';
import { measureSockets } from './parts/sockets.ts';
import { measureStorm } from './parts/storm.ts';
import { type Bench, measureThroughput } from './parts/throughput.ts';
import { startPostgres } from './postgres.ts';
import { circumstancesNow, writeReport } from './report.ts';
import { attemptPart, forgetResults, isMeasured, keepResult, openResults, progress } from './results.ts';
import { type BenchSettings, LARGEST, NORMAL, QUICK, SMALL } from './settings.ts';
import { WORKLOADS, type WorkloadName } from './workloads.ts';

const ALL_WORKLOADS = Object.keys(WORKLOADS) as WorkloadName[];
const PARTS = ['data', 'rest', 'throughput', 'storm', 'growth', 'sockets', 'report'] as const;
type Part = (typeof PARTS)[number];

const HELP = `npm run bench -- [options]
  --quick            shorter measurements: some ten minutes in all, once the data are built
  --long             what a request costs among ten million tasks, too
  --small            little data, to try it out; the page in docs stays as it is
  --part=a,b         only these of: ${PARTS.join(', ')}; the page in docs is written by report
  --workload=a,b     of throughput only these of: ${ALL_WORKLOADS.join(', ')}
  --rounds=5         times that every contender is measured
  --fresh            measure again what has been measured with these settings at this commit
  BENCH_DIR          where data and results are kept`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    part: { type: 'string' },
    workload: { type: 'string' },
    rounds: { type: 'string' },
  },
});

function chosen<Name extends string>(given: string | undefined, all: readonly Name[]): Name[] {
  const names = given?.split(',') ?? [...all];
  const unknown = names.filter((name) => !all.includes(name as Name));
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}; there are ${all.join(', ')}.`);
  return names as Name[];
}

function settingsOf(): BenchSettings {
  const base = values.small ? SMALL : values.quick ? QUICK : NORMAL;
  return {
    ...base,
    ...(values.long ? { largest: LARGEST } : {}),
    ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
  };
}

const databaseName = values.small ? 'bench_little' : 'bench';

async function measure(
  settings: BenchSettings,
  parts: readonly Part[],
  workloads: readonly WorkloadName[],
): Promise<void> {
  const postgres = await startPostgres();
  try {
    if (!isMeasured('circumstances'))
      keepResult('circumstances', circumstancesNow(settings, postgres.version));
    progress('the data');
    const data = await openData(postgres, databaseName, settings.scale, progress);
    const bench: Bench = { data, postgres, settings };
    const measured: Partial<Record<Part, () => Promise<unknown>>> = {
      data: () => openOtherData(bench),
      rest: measureRest,
      throughput: () => measureThroughput(bench, workloads),
      storm: () => measureStorm(bench),
      growth: () => measureGrowth(bench),
      sockets: () => measureSockets(bench),
    };
    // What fails is noted in the report; the others are measured all the same.
    for (const part of parts) await attemptPart(part, async () => measured[part]?.());
  } finally {
    await postgres.stop();
  }
}

async function main(): Promise<void> {
  if (values.help) return void process.stdout.write(`${HELP}\n`);
  const parts = chosen(values.part, PARTS);
  const workloads = chosen(values.workload, ALL_WORKLOADS);
  const settings = settingsOf();
  const results = openResults(settings);
  if (values.fresh)
    forgetResults(['circumstances', ...parts, ...workloads.map((workload) => `throughput-${workload}`)]);
  if (parts.some((part) => part !== 'report')) await measure(settings, parts, workloads);
  // Some parts alone make no page: what is in docs stays.
  const isPublished = settings.isPublished && parts.includes('report');
  progress(`${writeReport(isPublished)} is written; the results are in ${results}`);
}

// Whatever breaks off somewhere, the rest is measured.
process.on('unhandledRejection', (error) => progress(`a failure by the way: ${String(error)}`));
await main();
