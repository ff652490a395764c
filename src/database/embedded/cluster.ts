// A new cluster: made in a draft directory that gets its name only when it is complete and on the disk.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chown,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Binaries, CHILD_ENVIRONMENT, program } from './binaries.ts';
import type { Place } from './data-directory.ts';
import { EmbeddedPostgresError, inWords } from './error.ts';
import { spawnAs } from './unprivileged-user.ts';

const run = promisify(execFile);
// Also the owner of everything in the database: there is no one else on this private server.
export const SUPERUSER = 'donewell';
/** The one database in it that is used. */
export const DATABASE = 'donewell';
const PASSWORD_FILE = 'donewell-password';
const DRAFT = 'postgres.draft-';
/** A new cluster takes some 40 MB, and its first minutes of work another 80 MB of write-ahead log. */
const NEEDED_BYTES = 150_000_000;

/** As PostgreSQL's own list of what a new cluster is: see each flag in `initdb --help`. */
const INITDB_FLAGS = [
  `--username=${SUPERUSER}`,
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  // Built into PostgreSQL: it knows case beyond ASCII, sorts by code point, and never changes with the system's libc.
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--data-checksums',
  '--no-instructions',
];

/** Safe at any moment against kill -9 and power cuts: a draft that did not get its name is thrown away next time. */
export async function createCluster(place: Place, binaries: Binaries): Promise<void> {
  await checkSpace(place.home);
  let draft: string | undefined;
  try {
    draft = await mkdtemp(path.join(place.home, DRAFT));
    const cluster = path.join(draft, 'cluster');
    const password = path.join(draft, PASSWORD_FILE);
    await mkdir(cluster, { mode: 0o700 });
    await writeFile(password, randomBytes(32).toString('base64url'), { mode: 0o600, flush: true });
    const { account } = place;
    // The outermost last: until then nobody else can put anything else in the place of these names.
    if (account) for (const own of [password, cluster, draft]) await chown(own, account.uid, account.gid);
    await run(program(binaries, 'initdb'), [`--pgdata=${cluster}`, `--pwfile=${password}`, ...INITDB_FLAGS], {
      env: CHILD_ENVIRONMENT,
      cwd: '/',
      ...spawnAs(account),
    });
    // initdb has flushed all it wrote, so what is left is ours. Inside the cluster the password can never be missing or belong to another one.
    await rename(password, path.join(cluster, PASSWORD_FILE));
    await syncDirectory(cluster);
    await rename(cluster, place.cluster);
    await syncDirectory(place.home);
  } catch (error) {
    throw new EmbeddedPostgresError(
      `PostgreSQL's data cannot be created in ${place.cluster}: ${whyFailed(error)}.`,
    );
  } finally {
    if (draft) await rm(draft, REMOVAL).catch(() => {});
  }
}

const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };

/** What an interrupted start has left. Only under the lock, and only directories that bear our own name for drafts. */
export async function removeDrafts(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    // The initdb of a killed server may still be writing: it ends once its files are gone, and until then none is empty.
    if (name.startsWith(DRAFT)) await rm(path.join(home, name), REMOVAL).catch(() => {});
  }
}

export async function readPassword(cluster: string): Promise<string> {
  const file = path.join(cluster, PASSWORD_FILE);
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The password of the built-in PostgreSQL cannot be read from ${file}: ${inWords(error)}.`,
    );
  }
}

async function checkSpace(home: string): Promise<void> {
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  if (free >= NEEDED_BYTES) return;
  const megabytes = (bytes: number) => `${Math.floor(bytes / 1_000_000)} MB`;
  throw new EmbeddedPostgresError(
    `The disk of ${home} has too little room: new PostgreSQL data need ${megabytes(NEEDED_BYTES)} and ${megabytes(free)} are free.`,
  );
}

/** The line in which initdb, or the server that it runs, names the cause. */
function whyFailed(error: unknown): string {
  const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const cause = /No space left|Disk quota/;
  const line =
    lines.find((text) => cause.test(text)) ??
    lines.find((text) => /FATAL|PANIC|error:/.test(text)) ??
    lines[0];
  return line === undefined ? inWords(error) : line.replace(/^.*(?:FATAL|PANIC|error):\s*/, '').trim();
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * A name that the cluster's files lose when they are copied or overwritten: of one that PostgreSQL writes in place the
 * identity, of one that it never writes again the time of the last change, which nobody can set.
 */
export async function nameOfFiles(cluster: string): Promise<string> {
  const statistics = (file: string) => stat(path.join(cluster, file), { bigint: true });
  const { ino, birthtimeNs } = await statistics('global/pg_control');
  const { ctimeNs } = await statistics('PG_VERSION');
  return createHash('sha256').update(`${ino} ${birthtimeNs} ${ctimeNs}`).digest('base64url').slice(0, 22);
}
