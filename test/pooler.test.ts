// Behind PgBouncer in transaction mode, of a version that cannot hold prepared statements.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, signUp } from './support/client.ts';
import {
  createForeignDatabase,
  FOREIGN_URL,
  type ForeignDatabase,
  onDatabase,
  PGBOUNCER_URL,
  SECRETS,
  unlessSkipped,
} from './support/foreign.ts';
import { mixedLoad, wholeJourney } from './support/journey.ts';
import { type RunningServer, startProcess } from './support/process.ts';
import { query } from './support/sql.ts';

describe.skipIf(PGBOUNCER_URL === undefined || FOREIGN_URL === undefined)(
  unlessSkipped('a server behind PgBouncer', 'TEST_PGBOUNCER_URL'),
  () => {
    let database: ForeignDatabase;
    /** One that knows only the pooler, and one that also knows the way around it. */
    let pooled: RunningServer;
    let direct: RunningServer;

    beforeAll(async () => {
      database = await createForeignDatabase(FOREIGN_URL ?? '');
      const env = {
        ...SECRETS,
        DATABASE_URL: onDatabase(PGBOUNCER_URL ?? '', database.name),
        DATABASE_POOL_MODE: 'transaction',
        RATE_LIMIT_REQUESTS: '100000',
      };
      pooled = await startProcess({ env });
      direct = await startProcess({ env: { ...env, DATABASE_DIRECT_URL: database.url } });
    });
    afterAll(async () => {
      await Promise.all([pooled?.stop(), direct?.stop()]);
      await database?.drop();
    });

    it('serves the whole journey', async () => {
      await wholeJourney(pooled.url);
      await wholeJourney(direct.url);
    });

    it('answers 400 mixed requests at once without one prepared statement in the way', async () => {
      const users = await Promise.all([
        signUp(pooled.url),
        signUp(pooled.url),
        signUp(direct.url),
        signUp(direct.url),
      ]);
      const statuses = [
        ...(await mixedLoad(users as Client[], 200)),
        ...(await mixedLoad(users as Client[], 200)),
      ];
      expect(statuses.filter((status) => status !== 200 && status !== 201)).toEqual([]);
      for (const server of [pooled, direct])
        expect(server.stdout()).not.toMatch(/"level":(50|60)|prepared statement/);
      const [wrong] = await query<{ users: number }>(
        { connectionString: database.url },
        `select count(*)::integer as users from user_sync s
         where s.low_total + s.medium_total + s.high_total
           <> (select count(*) from task t where t.user_id = s.user_id and t.deleted_at is null)`,
      );
      expect(wrong).toEqual({ users: 0 });
      expect((await users[0]?.get('/api/dashboard/stats'))?.body.total_tasks).toBeGreaterThan(0);
    });

    it('leaves nothing set or prepared on the connections that others get next', async () => {
      const connection = { connectionString: onDatabase(PGBOUNCER_URL ?? '', database.name) };
      const [settings] = await query(connection, 'show statement_timeout');
      expect(settings).toEqual({ statement_timeout: '0' });
      expect(await query(connection, 'select name from pg_prepared_statements')).toEqual([]);
    });
  },
);
