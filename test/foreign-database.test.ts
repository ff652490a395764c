// A PostgreSQL of somebody else's, at DATABASE_URL: an older version, over TLS, with refusals that are one line each.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SNAPSHOT_FILE, schemaSnapshot } from '../scripts/schema-snapshot.ts';
import {
  createForeignDatabase,
  FOREIGN_URL,
  type ForeignDatabase,
  onDatabase,
  SECRETS,
  unlessSkipped,
} from './support/foreign.ts';
import { wholeJourney } from './support/journey.ts';
import { type RunningServer, runScript, startProcess } from './support/process.ts';
import { query } from './support/sql.ts';

const server = FOREIGN_URL ?? '';

describe.skipIf(FOREIGN_URL === undefined)(
  unlessSkipped('a server on PostgreSQL 15 with TLS', 'TEST_FOREIGN_DATABASE_URL'),
  () => {
    let database: ForeignDatabase;
    let running: RunningServer;

    beforeAll(async () => {
      database = await createForeignDatabase(server);
      running = await startProcess({ env: { DATABASE_URL: database.url, ...SECRETS } });
    });
    afterAll(async () => {
      await running?.stop();
      await database?.drop();
    });

    it('serves the whole journey', () => wholeJourney(running.url));

    it('has the same schema as on the private one', async () => {
      expect(await schemaSnapshot({ connectionString: database.url })).toBe(
        readFileSync(SNAPSHOT_FILE, 'utf8'),
      );
    });

    it('speaks TLS on every connection', async () => {
      const rows = await query<{ ssl: boolean }>(
        { connectionString: database.url },
        `select s.ssl from pg_stat_activity a join pg_stat_ssl s using (pid)
         where a.datname = current_database() and a.application_name like 'donewell%'`,
      );
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.filter(({ ssl }) => !ssl)).toEqual([]);
    });

    it('needs no directory for data and says where it is', async () => {
      expect(running.stdout()).toContain('is ready');
      expect(running.stderr()).toBe('');
    });

    const refused = async (url: string, env: Record<string, string> = {}) =>
      runScript({ env: { DATABASE_URL: url, ...SECRETS, ...env } });
    const changed = (change: (url: URL) => void) => {
      const url = new URL(database.url);
      change(url);
      return url.href;
    };

    it('does not start with a wrong password, user or database, and says so in one line without them', async () => {
      const wrong = [
        changed((url) => {
          url.password = 'hunter2';
        }),
        changed((url) => {
          url.username = 'hunter2';
        }),
        onDatabase(server, 'hunter2'),
      ];
      for (const url of wrong) {
        const ended = await refused(url);
        expect({ ...ended, stdout: '' }).toEqual({
          code: 1,
          stdout: '',
          stderr: expect.stringMatching(/^DATABASE_URL is refused by the server \(\w+\): [^\n]+\n$/),
        });
        expect(ended.stderr).not.toContain('hunter2');
      }
    });

    it('does not start on a certificate that nobody vouches for, nor without TLS where it is demanded', async () => {
      const untrusted = await refused(database.url, { NODE_EXTRA_CA_CERTS: '' });
      expect([untrusted.code, untrusted.stderr]).toEqual([
        1,
        expect.stringMatching(/^DATABASE_URL cannot be used with TLS \(\w+\): [^\n]+\n$/),
      ]);
      const plain = await refused(changed((url) => url.searchParams.set('sslmode', 'disable')));
      expect([plain.code, plain.stderr]).toEqual([
        1,
        expect.stringMatching(/^DATABASE_URL is refused by the server [^\n]+\n$/),
      ]);
    });
  },
);
