// The private PostgreSQL that the server starts itself when it is given no DATABASE_URL, and keeps alive.
import { rmSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findBinaries, prepareBinaries } from './embedded/binaries.ts';
import {
  createCluster,
  DATABASE,
  nameOfFiles,
  readPassword,
  removeDrafts,
  SUPERUSER,
} from './embedded/cluster.ts';
import { createDataDirectory, findPlace, linkCluster } from './embedded/data-directory.ts';
import { EmbeddedPostgresError, inWords } from './embedded/error.ts';
import { endLeftovers, SOCKET_DIRECTORY } from './embedded/leftovers.ts';
import { type DirectoryLock, lockDirectory } from './embedded/lock.ts';
import {
  type Connection,
  type Launch,
  launchPostmaster,
  type Postmaster,
  waitUntilReady,
} from './embedded/postmaster.ts';
import type { Log } from './embedded/server-log.ts';
import { canReach, type RunAs } from './embedded/unprivileged-user.ts';

export { EmbeddedPostgresError };

export interface EmbeddedPostgres {
  /** How to connect with `pg`; the host is the directory of a unix socket, there is no TCP port. */
  readonly connection: Connection;
  /** Names the files of the cluster: a copy of them has another name. */
  readonly files: string;
  /** Settles (with the reason) if the postmaster dies on its own and could not be restarted. */
  readonly failed: Promise<Error>;
  /** Ends PostgreSQL in order, waits for it, and frees the data directory. Any number of calls. */
  stop(): Promise<void>;
}

/** Names the socket file; nothing listens on a port of that number. */
const SOCKET_NUMBER = 5432;
/** Of the address of a unix socket, by the kernel (macOS has the lowest: 104 with its final zero). */
const SOCKET_PATH_BYTES = 103;
/** Before each try to start PostgreSQL again. */
const RESTART_DELAYS_MS = [0, 250, 1_000, 2_000, 4_000];
/** A server that lived this long has not died of what the one before it died of: the tries start anew. */
const CALM_MS = 60_000;

/**
 * Starts PostgreSQL on `<dataDir>/postgres`, made on the first start, and returns when it accepts connections.
 * Throws an EmbeddedPostgresError, whose message is one line for a person, if that cannot be; nothing then stays
 * behind that runs or is locked.
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string;
  log: Log;
}): Promise<EmbeddedPostgres> {
  const { log } = options;
  const info = (message: string) => log('info', message);
  const found = findBinaries();
  const dataDir = createDataDirectory(path.resolve(options.dataDir));
  const lock = await lockDirectory(dataDir);
  /** Of the place where the cluster is, if that is another: several data directories may link to it. */
  let homeLock: DirectoryLock | undefined;
  let socketDir: string | undefined;
  let postmaster: Postmaster | undefined;
  try {
    const place = findPlace(dataDir, found.major, info);
    const { account, cluster } = place;
    if (place.home !== dataDir) homeLock = await lockDirectory(place.home);
    const binaries = await prepareBinaries({ found, account, copies: place.copies, log: info });
    await removeDrafts(place.home);
    if (place.isNew) {
      info(`A private PostgreSQL ${found.major} is being created in ${cluster}.`);
      await createCluster(place, binaries);
    }
    linkCluster(place);
    const staleSocketDir = await endLeftovers(cluster, info);
    if (staleSocketDir !== undefined) await rm(staleSocketDir, { recursive: true, force: true });
    socketDir = await createSocketDirectory(account, place.home);
    const password = await readPassword(cluster);
    const connection = {
      host: socketDir,
      port: SOCKET_NUMBER,
      user: SUPERUSER,
      password,
      database: DATABASE,
    };
    const launch = { binaries, cluster, account, connection, log };
    postmaster = launchPostmaster(launch);
    await waitUntilReady(postmaster, connection, log);
    const files = await nameOfFiles(cluster);
    return new Supervisor(launch, files, postmaster, [lock, homeLock]);
  } catch (error) {
    await postmaster?.stop();
    if (socketDir) await rm(socketDir, { recursive: true, force: true });
    homeLock?.release();
    lock.release();
    if (error instanceof EmbeddedPostgresError) throw error;
    throw new EmbeddedPostgresError(`The built-in PostgreSQL cannot be started: ${inWords(error)}.`, {
      cause: error,
    });
  }
}

/** Keeps one postmaster running until it is told to stop. */
class Supervisor implements EmbeddedPostgres {
  readonly connection: Connection;
  readonly files: string;
  readonly failed: Promise<Error>;
  readonly #launch: Launch;
  readonly #locks: readonly (DirectoryLock | undefined)[];
  readonly #stopping = new AbortController();
  readonly #watching: Promise<void>;
  #postmaster: Postmaster;
  #stopped: Promise<void> | undefined;

  constructor(
    launch: Launch,
    files: string,
    postmaster: Postmaster,
    locks: readonly (DirectoryLock | undefined)[],
  ) {
    this.connection = launch.connection;
    this.files = files;
    this.#launch = launch;
    this.#postmaster = postmaster;
    this.#locks = locks;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.failed = promise;
    this.#watching = this.#watch(resolve);
    process.once('exit', this.#lastSignal);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** A process that exits without stop() (process.exit, an uncaught error) still tells PostgreSQL to shut down. */
  readonly #lastSignal = () => {
    this.#postmaster.signal('SIGINT');
    rmSync(this.connection.host, { recursive: true, force: true });
  };

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#postmaster.stop();
    await this.#watching;
    process.off('exit', this.#lastSignal);
    await rm(this.connection.host, { recursive: true, force: true });
    for (const lock of this.#locks) lock?.release();
  }

  async #watch(fail: (reason: Error) => void): Promise<void> {
    for (let tries = 0; ; ) {
      const since = performance.now();
      let how = await this.#postmaster.exited;
      if (performance.now() - since > CALM_MS) tries = 0;
      for (let isUp = false; !isUp; ) {
        if (this.#stopping.signal.aborted) return;
        const wait = RESTART_DELAYS_MS[tries++];
        if (wait === undefined) {
          fail(new EmbeddedPostgresError(`The built-in PostgreSQL keeps ending: ${how}.`));
          return;
        }
        this.#launch.log('warn', `The built-in PostgreSQL has ended (${how}) and is being started again.`);
        try {
          await this.#restart(wait);
          isUp = true;
        } catch (error) {
          how = inWords(error).replace(/\.$/, '');
        }
      }
    }
  }

  /** On the same socket with the same password, so that clients only have to connect again. */
  async #restart(wait: number): Promise<void> {
    const { cluster, connection, log } = this.#launch;
    await delay(wait, undefined, { signal: this.#stopping.signal });
    // Sessions of a killed postmaster may live on for a moment.
    await endLeftovers(cluster, (message) => log('info', message));
    const socket = path.join(connection.host, `.s.PGSQL.${connection.port}`);
    await Promise.all([socket, `${socket}.lock`].map((file) => rm(file, { force: true })));
    this.#stopping.signal.throwIfAborted();
    this.#postmaster = launchPostmaster(this.#launch);
    await waitUntilReady(this.#postmaster, connection, log);
    log('info', 'The built-in PostgreSQL runs again.');
  }
}

/**
 * A directory of its own with a short path: the kernel limits the address of a socket to some hundred bytes, and many
 * shared folders of virtual machines, where a data directory may well lie, cannot hold a socket at all.
 */
async function createSocketDirectory(account: RunAs, home: string): Promise<string> {
  // mkdtemp appends six characters.
  const room = SOCKET_PATH_BYTES - `/${SOCKET_DIRECTORY}123456/.s.PGSQL.${SOCKET_NUMBER}`.length;
  let why = 'no directory is fit for it';
  for (const parent of [path.resolve(tmpdir()), '/tmp', '/run', home]) {
    try {
      // The setting is a list with its own rules for commas, quotes and spaces.
      if (!/^[\w./-]+$/.test(parent) || parent.length > room || !canReach(parent, account)) continue;
      const directory = await mkdtemp(path.join(parent, SOCKET_DIRECTORY));
      if (account) await chown(directory, account.uid, account.gid);
      return directory;
    } catch (error) {
      why = inWords(error);
    }
  }
  throw new EmbeddedPostgresError(`There is no place for the socket of the built-in PostgreSQL: ${why}.`);
}
