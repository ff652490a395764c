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
  /** Sign-ins a second, round by round, that were turned away: too many (429), or not now (503). */
  refused: number[];
}

const PART = 'storm';
const STORMERS = 16;
/** Requests a second of the readers: the slowest bears twice as many. */
const READ_RATE = 200;
/** In each round, alone and during the storm: of fewer a p99 is what a handful of them happened to meet. */
const READS = 1_000;
/** To see that it works, fewer do. */
const FEW_READS = 200;
/** Milliseconds of each contender: whom the storm overwhelms needs long for a round, and gets through fewer. */
const TIME = 60_000;
const NAMES = ['donewell', 'drizzle', 'express', 'fastapi'];
const REFUSALS = [429, 503];

interface Answered {
  logins: number;
  refused: number;
}

/** Sign-ins without end, until told. @returns how many succeeded, and how many were turned away. */
function storm({ port }: Running, next: () => string): { stop: () => Promise<Answered> } {
  let going = true;
  const answered: Answered = { logins: 0, refused: 0 };
  const one = async () => {
    const connection = new HttpConnection(port);
    try {
      while (going) {
        const { status, body } = await connection.send(next());
        if (status === 200) answered.logins++;
        else if (REFUSALS.includes(status)) answered.refused++;
        else throw new Error(`A sign-in answered ${status}: ${body.slice(0, 200)}`);
      }
    } finally {
      connection.close();
    }
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
  const found: Storm = { name: contender.name, idle: [], during: [], loginsPerSecond: [], refused: [] };
  const reads = requestsOf(WORKLOADS.list, data, contender.tasks);
  const logins = requestsOf(WORKLOADS.login, data, contender.tasks);
  const reading = settings.isPublished ? READS : FEW_READS;
  const read = async (count = reading) => {
    const seconds = count / READ_RATE;
    const { latencies } = await openLoop(running.port, reads, { connections: 32, seconds, rate: READ_RATE });
    return quantile(latencies, 0.99);
  };
  const end = performance.now() + TIME;
  let took = 0;
  try {
    await read(reading / 2);
    await closedLoop(running.port, logins, { connections: 1, seconds: 1 });
    for (let round = 0; round < settings.rounds && performance.now() + took < end; round++) {
      const before = performance.now();
      found.idle.push(await read());
      const start = performance.now();
      const raging = storm(running, logins);
      found.during.push(await read());
      const answered = await raging.stop();
      const seconds = (performance.now() - start) / 1000;
      found.loginsPerSecond.push(answered.logins / seconds);
      found.refused.push(answered.refused / seconds);
      took = performance.now() - before;
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
