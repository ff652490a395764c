// The tables of the report: each of what one part has measured, and empty where that has nothing.
import { CONTENDERS } from './contenders.ts';
import { growthResults } from './parts/growth.ts';
import { restResults } from './parts/rest.ts';
import { type BusyDelay, socketResults } from './parts/sockets.ts';
import { stormResults } from './parts/storm.ts';
import type { Measured, Throughput } from './parts/throughput.ts';
import { PGBENCH_TITLES, type PgbenchWorkload } from './pgbench.ts';
import { fixed, ratios, spread } from './statistics.ts';
import { WORKLOADS } from './workloads.ts';

export const titleOf = new Map(CONTENDERS.map(({ name, title }) => [name, title]));

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

export const number = (value: number) => value.toLocaleString('en');

/** Few answers a second, as of sign-ins, with a part of one. */
const rate = (value: number) => value.toFixed(value < 10 ? 1 : 0);

/** Of fewer answers the p99 would be a single one. */
export const P99_ANSWERS = 1_000;

function lateness({ late }: Measured): [p50: string, p99: string] {
  if (!late) return ['', ''];
  return [spread(late.p50, fixed(1)), late.answers < P99_ANSWERS ? '–' : spread(late.p99, fixed(1))];
}

export function throughputTable(results: readonly Throughput[]): string {
  return results
    .map(({ workload, contenders, pgbench }) => {
      const ours = contenders.donewell;
      const rows = Object.entries(contenders).map(([name, measured]) => [
        titleOf.get(name) ?? name,
        spread(measured.perSecond, rate),
        name === 'donewell' || !ours
          ? '1'
          : spread(ratios(ours.perSecond, measured.perSecond), fixed(1), '×'),
        spread(measured.cpu),
        name === 'donewell' || !ours ? '1' : spread(ratios(measured.cpu, ours.cpu), fixed(1), '×'),
        ...lateness(measured),
      ]);
      const limits = Object.entries(pgbench).map(([name, rates]) => [
        PGBENCH_TITLES[name as PgbenchWorkload],
        spread(rates, rate),
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

export function stormTable(): string {
  const rows = stormResults().map(({ name, idle, during, loginsPerSecond, refused = [] }) => [
    titleOf.get(name) ?? name,
    spread(idle, fixed(1)),
    spread(during, fixed(1)),
    spread(ratios(during, idle), fixed(1)),
    spread(loginsPerSecond, rate),
    refused.length > 0 ? spread(refused, fixed(1)) : '',
  ]);
  return rows.length === 0
    ? ''
    : table(['', 'readers’ p99 alone, ms', 'during the storm, ms', 'ratio', 'logins/s', 'refused/s'], rows);
}

export function growthTables(): string {
  const growth = growthResults();
  if (!growth) return '';
  const { byTasks, byUser, byPage } = growth;
  return [
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

export function startTable(): string {
  const rest = restResults();
  if (!rest) return '';
  return table(
    ['', ''],
    [
      [
        '`npm start` to the first answer, in a new checkout, ms',
        spread(rest.firstStarts ?? [rest.firstStart]),
      ],
      ['the same where it was started before, ms', spread(rest.warmStarts)],
      ...(rest.bareStarts ? [['of it the server’s process by itself, ms', spread(rest.bareStarts)]] : []),
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

export function socketTables(): string {
  const { sameNode, otherNode, idle = [], fanOut = [], comeback } = socketResults() ?? {};
  const rows = [
    ...(sameNode ? delayRows('one node', sameNode) : []),
    ...(otherNode ? delayRows('another node', otherNode) : []),
    ...(comeback
      ? [
          [
            `${number(comeback.sockets)} sockets cut at once: back and caught up, s`,
            comeback.seconds.toFixed(1),
          ],
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
      table(
        [
          'sockets of the user',
          'a change to its last event, p50 / p99 ms',
          'CPU µs an event, the change included',
        ],
        fanRows,
      ),
  ];
  return tables.filter((text) => text !== false).join('\n\n');
}
