// Dashboards: the stats are the user's counters, the overview is counted in one snapshot.
import type { Overview, OverviewQuery, Stats } from '../../contract/dashboard.ts';
import { TREND_DEFAULT_DAYS } from '../../contract/limits.ts';
import { PRIORITIES } from '../../contract/task.ts';
import type { Database } from '../database/database.ts';
import { codeOf } from '../database/failure.ts';
import { AppError, validationError } from '../errors.ts';
import { type Counts, countsByPriority, statsOf, type UserRow, userRow } from '../sync/user-row.ts';
import { categoryCounts, dueCounts, recentTasks, streaks, trend } from './repository.ts';

const INVALID_PARAMETER_VALUE = '22023';

function userGone(): AppError {
  return new AppError('unauthenticated', 'Sign in to continue.');
}

function breakdown({ total, completed }: Counts) {
  return { total, completed, pending: total - completed };
}

export async function readStats(database: Database, userId: string): Promise<Stats> {
  const [row] = await database.read(userRow, [userId]);
  if (!row) throw userGone();
  return statsOf(row);
}

function byPriority(row: UserRow): Overview['by_priority'] {
  const counts = countsByPriority(row);
  return Object.entries(PRIORITIES).map(([name, priority]) => {
    return { priority, label: `${name[0]?.toUpperCase()}${name.slice(1)}`, ...breakdown(counts[priority]) };
  });
}

/** Zones whose names PostgreSQL takes for abbreviations without summer time, with the zones they are links to. */
const MISREAD_ZONES: Record<string, string> = {
  CET: 'Europe/Brussels',
  EET: 'Europe/Athens',
  MET: 'Europe/Brussels',
  WET: 'Europe/Lisbon',
};

/** Names that `Intl` takes but IANA does not have: `SystemV/…`, and three letters (`PST`, `IST`) save for these zones. */
const FOREIGN_ZONES = /^(systemv\/.*|(?!CET|EET|EST|GMT|HST|MET|MST|PRC|ROC|ROK|UCT|UTC|WET)[a-z]{3})$/i;

/** The zone as PostgreSQL knows it. Names only: `Intl` would also take offsets such as +02:00. */
function timeZoneOf(tz: string): string {
  try {
    if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(tz)) throw new RangeError();
    if (FOREIGN_ZONES.test(tz)) throw new RangeError();
    new Intl.DateTimeFormat('en', { timeZone: tz });
  } catch {
    throw unknownTimeZone();
  }
  return MISREAD_ZONES[tz.toUpperCase()] ?? tz;
}

function unknownTimeZone(): AppError {
  return validationError([{ path: 'tz', message: 'must be an IANA time zone such as Europe/Paris' }]);
}

/** @throws AppError `validation_error` for a time zone that nobody knows. */
export async function readOverview(
  database: Database,
  userId: string,
  query: OverviewQuery,
): Promise<Overview> {
  const days = query.days ?? TREND_DEFAULT_DAYS;
  const tz = timeZoneOf(query.tz ?? 'UTC');
  return database
    .snapshot(async (transaction) => {
      const [[row], categories, [due], dates, [streak], recent] = await Promise.all([
        transaction.query(userRow, [userId]),
        transaction.query(categoryCounts, [userId]),
        transaction.query(dueCounts, [userId, tz]),
        transaction.query(trend, [userId, tz, days]),
        transaction.query(streaks, [userId, tz]),
        transaction.query(recentTasks, [userId]),
      ]);
      if (!row || !due || !streak) throw userGone();
      const { generated_at, ...buckets } = due;
      const by_category = categories.map((counts) => ({ category: counts.category, ...breakdown(counts) }));
      return {
        stats: statsOf(row),
        by_priority: byPriority(row),
        by_category,
        due: buckets,
        trend: dates,
        streak,
        recent_tasks: recent,
        generated_at,
      };
    })
    .catch((error: unknown) => {
      // PostgreSQL keeps a time zone database of its own.
      throw codeOf(error) === INVALID_PARAMETER_VALUE ? unknownTimeZone() : error;
    });
}
