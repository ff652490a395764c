// Counts requests in PostgreSQL: all that one turn of the event loop brings to a window, by one statement.
import { Batch } from '../database/batch.ts';
import type { Database } from '../database/database.ts';
import { write } from '../database/statement.ts';
import type { Counter, WindowOptions } from './rate-limit.ts';

/** $1 keys, $2 how many come to each, $3 now and $4 the end of a window that begins now, in milliseconds since 1970. */
const countRequests = write<{ key: string; points: number; expire: number }>(
  'rate_count',
  // In the order of keys, so that processes that count the same users wait for each other and never deadlock.
  `insert into rate_limit as known (key, points, expire)
   select key, number, $4::bigint from unnest($1::text[], $2::integer[]) as come (key, number) order by key
   on conflict (key) do update set
     points = excluded.points + case when known.expire > $3::bigint then known.points else 0 end,
     expire = case when known.expire > $3::bigint then known.expire else excluded.expire end
   returning key, points, expire`,
);

/** Takes one back of a count that is still kept; none is made for it: its user may have been deleted meanwhile. */
const takeBack = write<{ points: number }>(
  'rate_refund',
  'update rate_limit set points = points - 1 where key = $1 and points > 0 returning points',
);

const dropEmpty = write('rate_drop_empty', 'delete from rate_limit where key = $1 and points <= 0');

/** Counts under the keys, and in the way, of `RateLimiterPostgres`, which looks and cleans up. */
export function postgresCounter(database: Database, { name, duration }: WindowOptions): Counter {
  const batch = new Batch<{ before: number; end: number }>(async (come) => {
    const now = Date.now();
    const keys = [...come.keys()];
    const prefixed = keys.map((key) => `${name}:${key}`);
    const rows = await database.write(countRequests, [
      prefixed,
      [...come.values()],
      now,
      now + duration * 1000,
    ]);
    const counted = new Map(rows.map((row) => [row.key, row]));
    return new Map(
      keys.flatMap((key) => {
        const row = counted.get(`${name}:${key}`);
        return row ? [[key, { before: row.points - (come.get(key) ?? 0), end: row.expire }]] : [];
      }),
    );
  });
  return {
    async count(key) {
      const { found, place } = await batch.findWithPlace(key);
      if (!found) throw new Error('A request was not counted');
      return { used: found.before + place, milliseconds: found.end - Date.now() };
    },
    async refund(key) {
      const [row] = await database.write(takeBack, [`${name}:${key}`]);
      if (row?.points === 0) await database.write(dropEmpty, [`${name}:${key}`]);
    },
  };
}
