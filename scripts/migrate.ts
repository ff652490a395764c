// `npm run db:migrate`: brings the database to this version's schema without starting the service.
import pino from 'pino';
import { ConfigError, loadSettings, readEnvironment } from '../src/config.ts';
import { EmbeddedPostgresError } from '../src/database/embedded.ts';
import { MigrationError } from '../src/database/migrate.ts';
import { openDatabase } from '../src/database/open.ts';

async function main(): Promise<void> {
  const settings = loadSettings(readEnvironment(process.cwd(), process.env));
  const database = await openDatabase(settings, pino({ level: 'warn' }));
  await database.stop();
  for (const name of database.applied) process.stdout.write(`Applied ${name}\n`);
  process.stdout.write('The database has this version’s schema.\n');
}

await main().catch((error: unknown) => {
  const mendable =
    error instanceof ConfigError || error instanceof MigrationError || error instanceof EmbeddedPostgresError;
  process.stderr.write(`${mendable ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
});
