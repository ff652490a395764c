// What readers feel while many others sign in: hashing passwords must take nothing from them but the cores it runs on.
import { CONTENDERS, type Contender } from '../contenders.ts';
import { closedLoop, HttpConnection, openLoop } from '../load.ts';
import type { Running } from '../processes.ts';
import { attempt, isMeasured, keepResult, keptResult, progress } from '../results.ts';
import { quantile } from '../statistics.ts';
import { requestsOf, WORKLOADS } from '../workloads.ts';
import type { Bench } from './throughput.ts';

export interface Storm {
  name: string;
  /** p99 of readers in milliseconds, round by round: alone, and during the storm. */
  idle: number[];
  during: number[];
  loginsPerSecond: number[];
}

const PART = 'storm';
const STORMERS = 16;
/** Requests a second of the readers. */
const READS = 100;
const NAMES = ['donewell', 'drizzle', 'express', 'fastapi'];

/** Sign-ins without end, until told. @returns how many were answered. */
function storm({ port }: Running, next: () => string): { stop: () => Promise<number> } {
  let going = true;
  let answered = 0;
  const one = async () => {
    const connection = new HttpConnection(port);
    while (going) {
      await connection.send(next());
      answered++;
    }
    connection.close();
  };
  const all = Promise.all(Array.from({ length: STORMERS }, one));
  all.catch(() => {}); // told by `stop`
  return {
    stop: async () => {
      going = false;
      await all;
      return answered;
    },
  };
}

async function measure(contender: Contender, { data, settings }: Bench): Promise<Storm> {
  const running = await contender.start(data.connection);
  const found: Storm = { name: contender.name, idle: [], during: [], loginsPerSecond: [] };
  const reads = requestsOf(WORKLOADS.list, data, contender.tasks);
  const logins = requestsOf(WORKLOADS.login, data, contender.tasks);
  const seconds = Math.max(3, settings.seconds);
  const read = async () => {
    const { latencies } = await openLoop(running.port, reads, { connections: 32, seconds, rate: READS });
    return quantile(latencies, 0.99);
  };
  try {
    await read();
    await closedLoop(running.port, logins, { connections: 1, seconds: 1 });
    for (let round = 0; round < settings.rounds; round++) {
      found.idle.push(await read());
      const start = performance.now();
      const raging = storm(running, logins);
      found.during.push(await read());
      const answered = await raging.stop();
      found.loginsPerSecond.push((answered * 1000) / (performance.now() - start));
    }
  } finally {
    await running.stop();
  }
  return found;
}

export async function measureStorm(bench: Bench): Promise<void> {
  if (isMeasured(PART)) return;
  const found: Storm[] = [];
  for (const contender of CONTENDERS.filter(({ name }) => NAMES.includes(name))) {
    progress(`a storm of sign-ins on ${contender.title}`);
    const storm = await attempt(`sign-ins of ${contender.title}`, () => measure(contender, bench));
    if (storm) found.push(storm);
  }
  if (found.length > 0) keepResult(PART, found);
}

export function stormResults(): Storm[] {
  return keptResult<Storm[]>(PART) ?? [];
}
