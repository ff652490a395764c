// Dashboards: the stats are the user's counters, the overview is counted in one snapshot.
import type { Overview, OverviewQuery, Stats } from '../../contract/dashboard.ts';
import { TREND_DEFAULT_DAYS } from '../../contract/limits.ts';
import { PRIORITIES } from '../../contract/task.ts';
import { unauthenticated } from '../auth/guard.ts';
import type { Database } from '../database/database.ts';
import { codeOf } from '../database/failure.ts';
import { type AppError, validationError } from '../errors.ts';
import { type Counts, countsByPriority, statsOf, type UserRow, userRow } from '../sync/user-row.ts';
import { isTimeZone, postgresZone, UNKNOWN_ZONE_SQLSTATE } from '../text/time-zone.ts';
import { categoryCounts, dueCounts, recentTasks, streaks, trend } from './repository.ts';

function breakdown({ total, completed }: Counts) {
  return { total, completed, pending: total - completed };
}

export async function readStats(database: Database, userId: string): Promise<Stats> {
  const [row] = await database.read(userRow, [userId]);
  if (!row) throw unauthenticated();
  return statsOf(row);
}

function byPriority(row: UserRow): Overview['by_priority'] {
  const counts = countsByPriority(row);
  return Object.entries(PRIORITIES).map(([name, priority]) => {
    return { priority, label: `${name[0]?.toUpperCase()}${name.slice(1)}`, ...breakdown(counts[priority]) };
  });
}

/** @throws AppError `validation_error` for what is no IANA zone. */
function timeZoneOf(tz: string): string {
  if (!isTimeZone(tz)) throw unknownTimeZone();
  return postgresZone(tz);
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
      if (!row || !due || !streak) throw unauthenticated();
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
      throw codeOf(error) === UNKNOWN_ZONE_SQLSTATE ? unknownTimeZone() : error;
    });
}
