// A process of its own that runs the private PostgreSQL on the directory it is given, until it is told to stop or killed.
import { EmbeddedPostgresError, startEmbeddedPostgres } from '../../src/database/embedded.ts';

const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);

try {
  const postgres = await startEmbeddedPostgres({
    dataDir: process.argv[2] ?? '',
    log: (level, message) => say({ log: `${level}: ${message}` }),
  });
  // To leave without stopping it, as after an uncaught error.
  process.once('SIGUSR2', () => process.exit(1));
  process.once('SIGTERM', () => void postgres.stop());
  say({ connection: postgres.connection });
} catch (error) {
  say({
    refused: error instanceof EmbeddedPostgresError ? error.message : `not one clear line: ${String(error)}`,
  });
}
