// The process: reads the settings, starts the database and the service, and stops both in order.
import cluster from 'node:cluster';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import type { ClientConfig } from 'pg';
import { createApp } from './app.ts';
import { ConfigError, loadSettings, publicUrlOf, readEnvironment, type Settings } from './config.ts';
import { EmbeddedPostgresError } from './database/embedded.ts';
import { MigrationError } from './database/migrate.ts';
import { type OpenDatabase, openDatabase } from './database/open.ts';
import { createLog, type Log, LogFileError } from './http/logging.ts';
import { VERSION } from './http/server.ts';
import { openWaitingRoom, type WaitingRoom } from './http/waiting-room.ts';
import { giveBackLoadingMemory } from './loading-memory.ts';
import { assertMailSettings, outboxOf } from './mail/mail.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import { startWorkers, WorkerError, workerConnection, workerPlace } from './workers.ts';

/** Milliseconds that a stop may take: platforms kill after ten seconds. */
const STOP_WITHIN = 9_500;
/** Of these, how long requests may take to finish; those that still wait are then refused. */
const FINISH_WITHIN = 6_500;
/** And when what is still open after that (a body that never comes) is cut. */
const CUT_AFTER = FINISH_WITHIN + 250;
/** How long may be waited for a database to take what has been noted for it: one that is silent never does. */
const CLOSE_WITHIN = 8_500;
/** One Ctrl-C can arrive twice, from the terminal and from npm: only after these milliseconds it is a second one. */
const SAME_PRESS = 1_000;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type Stop = () => Promise<void>;

interface Start {
  settings: Settings;
  secrets: Secrets;
  log: Log;
  /** Aborted when the process is told to stop before it has started. */
  stopping: AbortSignal;
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
  if (!shared && settings.REDIS_URL !== undefined)
    log.logger.warn(
      'REDIS_URL is not used: with the private PostgreSQL and one process there is nobody to share with.',
    );
  const worker = workerPlace();
  const app = await createApp({ settings, secrets, connection, shared, worker, logger: log.logger });
  const stop = async () => {
    const late = [
      setTimeout(() => app.refuseUnfinished(), FINISH_WITHIN),
      setTimeout(() => app.server.closeAllConnections(), CUT_AFTER),
    ];
    const isSilent = wait(CLOSE_WITHIN, true, { ref: false });
    try {
      if (await Promise.race([app.close(), isSilent]))
        log.logger.warn('The database did not take what had been noted for it before the end.');
    } finally {
      for (const timer of late) clearTimeout(timer);
    }
  };
  await giveBackLoadingMemory();
  try {
    await app.listen({ host: settings.HOST, port: settings.PORT });
  } catch (error) {
    await stop();
    throw error;
  }
  const address = app.server.address();
  return { port: typeof address === 'object' && address ? address.port : settings.PORT, stop };
}

function announce(settings: Settings, port: number): void {
  const url = publicUrlOf({ ...settings, PORT: port });
  const outbox = outboxOf(settings);
  const lines = [
    `Donewell ${VERSION} is ready (Ctrl-C stops it):`,
    `  web   ${url}`,
    `  api   ${url}/api`,
    `  docs  ${url}/docs`,
    ...(outbox === undefined ? [] : [`  mail  files in ${outbox} (SMTP_URL is not set)`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** As long as it cannot be reached, somebody says so at the server's address. */
async function openedDatabase({ settings, log, stopping }: Start): Promise<OpenDatabase> {
  const { HOST: host, PORT: port } = settings;
  let room: Promise<WaitingRoom> | undefined;
  const onAway = () => {
    room ??= port === 0 ? undefined : openWaitingRoom({ host, port });
  };
  try {
    return await openDatabase(settings, log.logger, { stopping, onAway });
  } finally {
    await (await room)?.close();
  }
}

async function serve(start: Start): Promise<Stop> {
  const { settings, log } = start;
  const inherited = workerConnection();
  if (inherited) return (await listen(start, inherited)).stop;
  const database = await openedDatabase(start);
  try {
    const { port, stop } =
      settings.WORKERS > 1
        ? await startWorkers({
            count: settings.WORKERS,
            connection: database.connection,
            write: log.write,
            warn: (message) => log.logger.warn(message),
          })
        : await listen(start, database.connection);
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

const ONE_LINERS = [ConfigError, MigrationError, EmbeddedPostgresError, LogFileError, WorkerError];

/** What a person can mend is one line; anything else is a defect and keeps its stack. */
function explain(error: unknown, settings: Settings | undefined): string {
  const { code, message, stack } = error as NodeJS.ErrnoException;
  if (error instanceof LogFileError)
    return `${settings?.LOG_FILE === undefined ? 'DATA_DIR' : 'LOG_FILE'} must be where a file can be written: ${message}`;
  if (ONE_LINERS.some((kind) => error instanceof kind)) return message;
  if (code === 'EADDRINUSE')
    return `Port ${settings?.PORT} is in use by another program: set PORT to a free one.`;
  if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `Cannot listen on ${settings?.HOST}:${settings?.PORT} (${code}): see HOST and PORT.`;
  return stack ?? message;
}

/** Ends the process by `stop` on a signal or a defect; on a second signal at once. */
function stopOn(stop: (defect: unknown) => Promise<void>): void {
  const grace = closeWithGrace({ delay: STOP_WITHIN, logger: false, skip: [...STOP_SIGNALS] }, ({ err }) =>
    stop(err),
  );
  let first: number | undefined;
  const onSignal = () => {
    if (first !== undefined && performance.now() - first > SAME_PRESS) process.exit(1);
    if (first === undefined) void grace.close();
    first ??= performance.now();
  };
  for (const signal of STOP_SIGNALS) {
    // Ctrl-C reaches workers, too; they leave when the first process tells them.
    if (cluster.isWorker && signal !== 'SIGTERM') process.on(signal, () => {});
    else process.on(signal, onSignal);
  }
}

async function main(): Promise<void> {
  let settings: Settings | undefined;
  let log: Log | undefined;
  const fail = async (error: unknown) => {
    await log?.close();
    process.stderr.write(`${explain(error, settings)}\n`);
    process.exit(1);
  };
  try {
    settings = loadSettings(readEnvironment(process.cwd(), process.env));
    assertMailSettings(settings);
    const secrets = loadSecrets(settings);
    log = createLog({ level: settings.LOG_LEVEL, file: logFileOf(settings) });
    const { logger, close } = log;
    const stopping = new AbortController();
    const started = serve({ settings, secrets, log, stopping: stopping.signal });
    stopOn(async (defect) => {
      if (!cluster.isWorker) process.stdout.write('Stopping: what is under way is finished first.\n');
      if (defect) logger.fatal({ err: defect }, 'stopping after a defect');
      stopping.abort();
      const stop = await started.catch(() => undefined);
      await stop?.();
      await close();
    });
    await started.catch((error: unknown) => (stopping.signal.aborted ? undefined : fail(error)));
  } catch (error) {
    await fail(error);
  }
}

await main();
