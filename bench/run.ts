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
  --quick            shorter measurements: some eighteen minutes in all, once the data are built
  --long             what a request costs among ten million tasks, too
  --small            little data, to try it out; the page in docs stays as it is
  --part=a,b         only these of: ${PARTS.join(', ')}; the page in docs is written by report
  --workload=a,b     of throughput only these of: ${ALL_WORKLOADS.join(', ')}
  --rounds=5         times that every contender is measured
  --fresh            measure again what has been measured with these settings at this commit
  BENCH_DIR          where data and results are kept`;

class UsageError extends Error {}

function optionsOf() {
  try {
    return parseArgs({
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
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

type Options = ReturnType<typeof optionsOf>;

function chosen<Name extends string>(given: string | undefined, all: readonly Name[]): Name[] {
  const names = given?.split(',') ?? [...all];
  const unknown = names.filter((name) => !all.includes(name as Name));
  if (unknown.length > 0)
    throw new UsageError(`There is no ${unknown.join(', ')}; there are ${all.join(', ')}.`);
  return names as Name[];
}

function settingsOf({ small, quick, long, rounds }: Options): BenchSettings {
  const base = small ? SMALL : quick ? QUICK : NORMAL;
  if (rounds !== undefined && !/^[1-9]\d?$/.test(rounds))
    throw new UsageError('--rounds must be a whole number from 1 to 99.');
  return {
    ...base,
    ...(long ? { largest: LARGEST } : {}),
    ...(rounds === undefined ? {} : { rounds: Number(rounds) }),
  };
}

/** Options that say what of a report is measured now, not how. */
const CHOOSES = new Set(['part', 'workload', 'fresh']);

/** As it was called, without what goes without saying. */
function commandOf(options: Options): string {
  const given = Object.entries(options)
    .filter(([name, value]) => value !== undefined && value !== false && !CHOOSES.has(name))
    .map(([name, value]) => (value === true ? ` --${name}` : ` --${name}=${value}`));
  return `npm run bench${given.length > 0 ? ' --' : ''}${given.join('')}`;
}

async function measure(
  databaseName: string,
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
  const options = optionsOf();
  if (options.help) return void process.stdout.write(`${HELP}\n`);
  const parts = chosen(options.part, PARTS);
  const workloads = chosen(options.workload, ALL_WORKLOADS);
  const settings = settingsOf(options);
  const results = openResults(settings);
  if (options.fresh)
    forgetResults(['circumstances', ...parts, ...workloads.map((workload) => `throughput-${workload}`)]);
  if (parts.some((part) => part !== 'report'))
    await measure(options.small ? 'bench_little' : 'bench', settings, parts, workloads);
  // Some parts alone make no page: what is in docs stays.
  const isPublished = settings.isPublished && parts.includes('report');
  progress(`${writeReport(isPublished, commandOf(options))} is written; the results are in ${results}`);
}

// Whatever breaks off somewhere, the rest is measured.
process.on('unhandledRejection', (error) => progress(`a failure by the way: ${String(error)}`));
try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${HELP}\n`);
  process.exitCode = 2;
}
