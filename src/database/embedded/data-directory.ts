// Where the cluster lives: below the data directory, or elsewhere when PostgreSQL's account cannot go there.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';
import { makeDirectory } from '../../directories.ts';
import { EmbeddedPostgresError, errorCode, inWords } from './error.ts';
import { canReach, chooseAccount, isRoot, nameOf, type RunAs } from './unprivileged-user.ts';

/** Used by a root server only: every account can walk to it. */
const ELSEWHERE = '/var/lib/donewell';

export interface Place {
  /** The directory in which the cluster and its drafts stand. */
  readonly home: string;
  readonly cluster: string;
  /** No cluster is there yet. */
  readonly isNew: boolean;
  /** Where a link to the cluster has to be made once it exists. */
  readonly link: string | undefined;
  /** Where copies of the programs go if they are needed. */
  readonly copies: string;
  readonly account: RunAs;
}

/**
 * Makes the data directory if it is missing, for ourselves only; as root others can then walk through it (not list
 * it), because PostgreSQL's account must. A directory that exists keeps its permissions. Answers its real path.
 */
export function createDataDirectory(dataDir: string): string {
  try {
    if (isRoot()) createPassable(dataDir);
    else makeDirectory(dataDir, 0o700);
    fs.accessSync(dataDir, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    return fs.realpathSync(dataDir);
  } catch (error) {
    throw new EmbeddedPostgresError(`The data directory ${dataDir} cannot be used: ${whyNot(error)}.`);
  }
}

function whyNot(error: unknown): string {
  const code = errorCode(error);
  if (code === 'EEXIST' || code === 'ENOTDIR')
    return 'it, or a part of its path, is a file and not a directory';
  return inWords(error);
}

/** A directory that every account can walk through and only we can list. Those that exist are left as they are. */
export function createPassable(directory: string): void {
  const last = path.resolve(directory);
  const first = makeDirectory(last, 0o711);
  if (first === undefined) return;
  // Again by chmod, for the umask may have taken it back.
  for (let step = last; step.length >= first.length; step = path.dirname(step)) fs.chmodSync(step, 0o711);
}

/**
 * Finds the cluster, or chooses the place for a new one. A cluster that lives elsewhere is linked from
 * `<dataDir>/postgres`, so that the data directory always says where its data are.
 */
export function findPlace(dataDir: string, major: string, log: (message: string) => void): Place {
  const here = path.join(dataDir, 'postgres');
  const digest = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const there = path.join(ELSEWHERE, `${path.basename(dataDir)}-${digest}`, 'postgres');
  const copies = isRoot() ? ELSEWHERE : dataDir;

  let cluster = followLink(here);
  // The path may have been opened since, or the data directory deleted: data that exist are never passed over.
  if (isRoot() && isVacant(cluster) && !isVacant(there)) {
    log(`The data of ${dataDir} are found in ${there}: for a fresh start, delete that directory too.`);
    cluster = there;
  }
  const isNew = isVacant(cluster);
  const account = chooseAccount(entryAt(cluster), fs.statSync(dataDir));
  if (!isNew) checkCluster(cluster, major);
  if (!canReach(path.dirname(cluster), account)) {
    if (!isNew) {
      throw new EmbeddedPostgresError(
        `PostgreSQL runs as ${nameOf(account)}, which cannot enter the path to its data ${cluster}: let it through (chmod o+x on the directories above).`,
      );
    }
    log(`PostgreSQL runs as ${nameOf(account)}, which cannot enter ${dataDir}.`);
    cluster = there;
  }
  const home = path.dirname(cluster);
  if (cluster === there) prepareElsewhere(home, account);
  if (cluster !== here) log(`PostgreSQL's data are kept in ${cluster}.`);
  return {
    home,
    cluster,
    isNew,
    link: cluster === here || entryAt(here) ? undefined : here,
    copies,
    account,
  };
}

/** Only once the cluster is there: a link to nothing always means that data have gone missing. */
export function linkCluster(place: Place): void {
  if (place.link === undefined) return;
  try {
    fs.symlinkSync(place.cluster, place.link);
  } catch (error) {
    throw new EmbeddedPostgresError(`The link ${place.link} to the data cannot be made: ${inWords(error)}.`);
  }
}

function followLink(here: string): string {
  if (!entryAt(here)?.isSymbolicLink()) return here;
  try {
    return fs.realpathSync(here);
  } catch (error) {
    throw new EmbeddedPostgresError(
      `${here} is a link to ${fs.readlinkSync(here)}, which cannot be opened (${inWords(error)}): bring the data back, or delete the link for a fresh start.`,
    );
  }
}

function entryAt(file: string): fs.Stats | undefined {
  return fs.lstatSync(file, { throwIfNoEntry: false });
}

/** Nothing is there, or an empty directory. */
function isVacant(cluster: string): boolean {
  const entry = entryAt(cluster);
  if (!entry) return true;
  if (!entry.isDirectory()) {
    throw new EmbeddedPostgresError(`${cluster} is a file, where PostgreSQL's data should be.`);
  }
  try {
    return fs.readdirSync(cluster).length === 0;
  } catch {
    return false; // another user's: checkCluster says so
  }
}

/** Refuses a directory that this PostgreSQL cannot start on. Nothing is ever changed or deleted there. */
function checkCluster(cluster: string, major: string): void {
  const entry = fs.statSync(cluster);
  const own = process.getuid?.();
  if (isRoot() ? entry.uid === 0 : own !== undefined && entry.uid !== own) {
    const cure = isRoot() ? `chown -R it to an ordinary user` : 'start the server as that user or as root';
    throw new EmbeddedPostgresError(
      `PostgreSQL cannot run on ${cluster}, which belongs to user id ${entry.uid}: ${cure}.`,
    );
  }
  let version: string;
  try {
    version = fs.readFileSync(path.join(cluster, 'PG_VERSION'), 'utf8').trim();
  } catch {
    throw new EmbeddedPostgresError(
      `${cluster} is not empty and holds no PostgreSQL data: it is left as it is.`,
    );
  }
  if (version !== major) {
    throw new EmbeddedPostgresError(
      `${cluster} was written by PostgreSQL ${version} and this is PostgreSQL ${major}: it is left as it is; move it over with pg_dump, or set another DATA_DIR.`,
    );
  }
}

function prepareElsewhere(home: string, account: RunAs): void {
  try {
    createPassable(home);
  } catch (error) {
    throw new EmbeddedPostgresError(`PostgreSQL's data cannot be kept in ${home}: ${inWords(error)}.`);
  }
  if (!canReach(home, account)) {
    throw new EmbeddedPostgresError(
      `PostgreSQL runs as ${nameOf(account)}, which can enter neither the data directory nor ${home}: set another DATA_DIR, or DATABASE_URL.`,
    );
  }
}
