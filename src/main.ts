// The process: reads the settings, starts the database and the service, and stops both in order.
import path from 'node:path';
import closeWithGrace from 'close-with-grace';
import type { ClientConfig } from 'pg';
import { createApp, publicUrlOf } from './app.ts';
import { ConfigError, loadSettings, readEnvironment, type Settings } from './config.ts';
import { EmbeddedPostgresError } from './database/embedded.ts';
import { MigrationError } from './database/migrate.ts';
import { openDatabase } from './database/open.ts';
import { createLog, type Log } from './http/logging.ts';
import { VERSION } from './http/server.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import { startWorkers, workerConnection } from './workers.ts';

/** Milliseconds that a stop may take: platforms kill after ten seconds. */
const STOP_WITHIN = 9_500;

type Stop = () => Promise<void>;

interface Start {
  settings: Settings;
  secrets: Secrets;
  log: Log;
}

function logFileOf(settings: Settings): string | undefined {
  if (workerConnection()) return undefined; // the first process writes for all
  if (settings.LOG_FILE !== undefined) return settings.LOG_FILE;
  return settings.DATABASE_URL === undefined
    ? path.join(settings.DATA_DIR, 'logs', 'donewell.log')
    : undefined;
}

async function listen(
  { settings, secrets, log }: Start,
  connection: ClientConfig,
): Promise<{ port: number; stop: Stop }> {
  const shared = settings.DATABASE_URL !== undefined || settings.WORKERS > 1;
  const app = await createApp({ settings, secrets, connection, shared, logger: log.logger });
  await app.listen({ host: settings.HOST, port: settings.PORT });
  const address = app.server.address();
  return {
    port: typeof address === 'object' && address ? address.port : settings.PORT,
    stop: () => app.close(),
  };
}

function announce(settings: Settings, port: number): void {
  const url = publicUrlOf({ ...settings, PORT: port });
  const lines = [
    `Donewell ${VERSION} is ready (Ctrl-C stops it):`,
    `  web   ${url}`,
    `  api   ${url}/api`,
    `  docs  ${url}/docs`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function serve(start: Start): Promise<Stop> {
  const { settings, log } = start;
  const inherited = workerConnection();
  if (inherited) return (await listen(start, inherited)).stop;
  const database = await openDatabase(settings, log.logger);
  try {
    if (settings.WORKERS > 1) {
      const workers = await startWorkers({
        count: settings.WORKERS,
        connection: database.connection,
        write: log.write,
        warn: (message) => log.logger.warn(message),
      });
      announce(settings, settings.PORT);
      return async () => {
        await workers.stop();
        await database.stop();
      };
    }
    const { port, stop } = await listen(start, database.connection);
    announce(settings, port);
    return async () => {
      await stop();
      await database.stop();
    };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

/** What a person can mend is one line; anything else is a defect and keeps its stack. */
function explain(error: unknown, settings: Settings | undefined): string {
  const { code, message, stack } = error as NodeJS.ErrnoException;
  if (
    error instanceof ConfigError ||
    error instanceof MigrationError ||
    error instanceof EmbeddedPostgresError
  )
    return message;
  if (code === 'EADDRINUSE')
    return `Port ${settings?.PORT} is in use by another program: set PORT to a free one.`;
  if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND')
    return `Cannot listen on ${settings?.HOST}:${settings?.PORT} (${code}): see HOST and PORT.`;
  if (/^(28...|3D000)$/.test(code ?? ''))
    return `DATABASE_URL is refused by the server (${code}): see user, password and database name.`;
  return stack ?? message;
}

async function main(): Promise<void> {
  let settings: Settings | undefined;
  try {
    settings = loadSettings(readEnvironment(process.cwd(), process.env));
    const secrets = loadSecrets(settings);
    const log = createLog({ level: settings.LOG_LEVEL, file: logFileOf(settings) });
    const stop = await serve({ settings, secrets, log });
    closeWithGrace({ delay: STOP_WITHIN, logger: false }, async ({ err }) => {
      if (err) log.logger.fatal({ err }, 'stopping after a defect');
      await stop();
      await log.close();
    });
  } catch (error) {
    process.stderr.write(`${explain(error, settings)}\n`);
    process.exit(1);
  }
}

await main();
