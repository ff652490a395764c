// What a measurement is made with: how much data, how long, how often; and where it keeps what it makes.
import { tmpdir } from 'node:os';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '..');
/** Kept between runs: the database, the results so far, the logs. PostgreSQL must be able to enter it as another user. */
export const WORKPLACE = process.env.BENCH_DIR ?? path.join(tmpdir(), 'donewell-bench');
export const RESULTS = path.join(WORKPLACE, 'results');

/** Signs the cookies of all contenders. */
export const SECRET = 'the-secret-of-nothing-but-measurements-0123456789';
export const PASSWORD = 'a password for measurements';

export interface Scale {
  users: number;
  tasksPerUser: number;
  /** One more user for each of these, with so many tasks. */
  singles: readonly number[];
}

export interface BenchSettings {
  scale: Scale;
  /** What a request costs among so many tasks is measured, too. */
  largest?: Scale;
  /** Times that every contender is measured at every workload. */
  rounds: number;
  /** Seconds of one measurement, and of the warming before the first. */
  seconds: number;
  warmSeconds: number;
  /** Requests under way at once. */
  connections: number;
  idleSockets: number;
  /** Whether the report becomes the page in docs; otherwise it is written beside the results. */
  isPublished: boolean;
}

export const NORMAL: BenchSettings = {
  scale: { users: 1_000, tasksPerUser: 1_000, singles: [10, 100, 10_000, 100_000] },
  rounds: 5,
  seconds: 4,
  warmSeconds: 5,
  connections: 16,
  idleSockets: 10_000,
  isPublished: true,
};

/** Of one round at half load. */
export function latenessSeconds({ seconds }: BenchSettings): number {
  return Math.max(0.6, seconds / 2);
}

/** Some eighteen minutes in all. */
export const QUICK: BenchSettings = { ...NORMAL, seconds: 1.2, warmSeconds: 2 };

/** Little data, to try it out. */
export const SMALL: BenchSettings = {
  ...QUICK,
  scale: { users: 100, tasksPerUser: 600, singles: [10, 100, 12_000] },
  seconds: 0.6,
  warmSeconds: 1,
  idleSockets: 1_500,
  isPublished: false,
};

/** Ten million tasks, which take long to make, and eighteen gigabytes. */
export const LARGEST: Scale = { users: 1_000, tasksPerUser: 10_000, singles: [10, 100, 1_000, 100_000] };
