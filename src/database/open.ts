// The database of this server: the one at DATABASE_URL, or a private PostgreSQL; reachable and migrated.
import path from 'node:path';
import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import { ConfigError, type Settings } from '../config.ts';
import { startEmbeddedPostgres } from './embedded.ts';
import { migrateWhenReachable } from './migrate.ts';
import { noticeRestore } from './origin.ts';

export interface OpenDatabase {
  connection: ClientConfig;
  /** The migrations that were applied now. */
  applied: string[];
  /** Stops what was started; nothing for a foreign database. */
  stop(): Promise<void>;
}

interface Reached extends Omit<OpenDatabase, 'applied'> {
  /** Which files a private PostgreSQL has; empty for a foreign one. */
  files: string;
}

async function openPrivate(settings: Settings, logger: Logger): Promise<Reached> {
  const dataDir = path.resolve(settings.DATA_DIR);
  const postgres = await startEmbeddedPostgres({ dataDir, log: (level, message) => logger[level](message) });
  // Nothing works without it any more: as an unhandled defect it ends the process, and whatever supervises us starts
  // afresh.
  void postgres.failed.then((error) => {
    throw error;
  });
  return { connection: postgres.connection, files: postgres.files, stop: () => postgres.stop() };
}

export interface OpenOptions {
  /** Ends the waiting for a database that cannot be reached. */
  stopping?: AbortSignal;
  /** Called each time that it could not be. */
  onAway?: () => void;
}

/** Starts or reaches the database and brings it to this version's schema. */
export async function openDatabase(
  settings: Settings,
  logger: Logger,
  { stopping, onAway = () => {} }: OpenOptions = {},
): Promise<OpenDatabase> {
  if (settings.DATABASE_URL === undefined && settings.DATABASE_DIRECT_URL !== undefined) {
    // Otherwise one database would be migrated and another one served.
    throw new ConfigError('DATABASE_DIRECT_URL must be set together with DATABASE_URL.');
  }
  const foreign = {
    connection: { connectionString: settings.DATABASE_URL },
    files: '',
    stop: async () => {},
  } as Reached;
  const database = settings.DATABASE_URL === undefined ? await openPrivate(settings, logger) : foreign;
  try {
    const direct = settings.DATABASE_DIRECT_URL;
    const connection = direct === undefined ? database.connection : { connectionString: direct };
    const warn = (message: string) => logger.warn(message);
    let restored = false;
    const sayAway = (message: string) => {
      warn(message);
      onAway();
    };
    const applied = await migrateWhenReachable(connection, sayAway, stopping, async (client) => {
      restored = await noticeRestore(client, database.files);
    });
    if (restored)
      warn('The data lie elsewhere than at the last start: every client is told to start its sync again.');
    if (applied.length > 0) logger.info(`Migrated the database: ${applied.join(', ')}`);
    return { connection: database.connection, stop: database.stop, applied };
  } catch (error) {
    await database.stop();
    throw error;
  }
}
