// The database of the server for a command beside it, whether that server runs right now or not.
import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import type { Settings } from '../config.ts';
import { runningPostgres } from './embedded/running.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './open.ts';

export interface ReachedDatabase {
  connection: ClientConfig;
  /** Stops what was started for the command; a running server's database goes on. */
  stop(): Promise<void>;
}

/** Reaches the private PostgreSQL of a running server, or opens the database as the server would; migrated either way. */
export async function reachDatabase(settings: Settings, logger: Logger): Promise<ReachedDatabase> {
  const running = settings.DATABASE_URL === undefined ? await runningPostgres(settings.DATA_DIR) : undefined;
  if (!running) return openDatabase(settings, logger);
  // The file may be left over from a server that was killed.
  const reachable = await migrate(running).then(
    () => true,
    () => false,
  );
  return reachable ? { connection: running, stop: async () => {} } : openDatabase(settings, logger);
}
