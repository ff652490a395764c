// One server on one cluster: the second is refused, and what was copied from a running one leaves that one alone.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  cleanUp,
  connectionOf,
  newDataDir,
  query,
  refusalOf,
  start,
  startInChild,
} from './support/embedded-postgres.ts';

afterEach(cleanUp);

describe('one server on one directory', () => {
  it('refuses the second starter and names the first', async () => {
    const dataDir = newDataDir();
    const first = await start(dataDir);
    const line = await refusalOf(dataDir);
    expect(line).toContain(dataDir);
    expect(line).toContain(`process ${process.pid}`);
    expect(await startInChild(dataDir).outcome).toBe(line);
    expect(await query(first.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('lets exactly one of many simultaneous starters win', async () => {
    const dataDir = newDataDir();
    const starters = Array.from({ length: 5 }, () => startInChild(dataDir));
    const outcomes = await Promise.all(starters.map((starter) => starter.outcome));
    const winner = starters.find((_, index) => typeof outcomes[index] !== 'string');
    const refused = outcomes.filter((outcome) => typeof outcome === 'string');
    expect(refused).toHaveLength(4);
    for (const line of refused) expect(line).toContain(`in use by process ${winner?.pid}`);
  });

  it('is not held up by the lock of a dead process whose pid was given to another', async () => {
    const dataDir = newDataDir();
    fs.mkdirSync(dataDir, { mode: 0o711 });
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    fs.writeFileSync(path.join(dataDir, 'donewell.lock'), `${process.ppid}\n1\n${boot}`);
    await start(dataDir);
    expect(fs.readFileSync(path.join(dataDir, 'donewell.lock'), 'utf8').split('\n')[0]).toBe(
      String(process.pid),
    );
  });

  it('respects a living holder even if its guard file was deleted', async () => {
    const dataDir = newDataDir();
    const holder = startInChild(dataDir);
    await holder.outcome;
    fs.rmSync(path.join(dataDir, 'donewell.lock.guard'));
    expect(await refusalOf(dataDir)).toContain(`process ${holder.pid}`);
  });

  it('leaves a running server alone that it was copied from, socket and all', async () => {
    const dataDir = newDataDir();
    const original = startInChild(dataDir);
    const connection = await connectionOf(original);
    await query(connection, 'CREATE TABLE kept AS SELECT 1 AS one; CHECKPOINT');
    const copy = path.join(path.dirname(dataDir), 'copy');
    execFileSync('cp', ['-a', dataDir, copy]);
    // Its lock names the living server, and its postmaster.pid the socket of that one.
    const second = await start(copy);
    expect(second.connection.host).not.toBe(connection.host);
    await query(second.connection, 'UPDATE kept SET one = 2');
    expect(await query(connection, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
    await second.stop();
    expect(await query(connection, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
  });

  it('is refused from another directory, too, that links to its data', async () => {
    const dataDir = newDataDir();
    const original = startInChild(dataDir);
    const connection = await connectionOf(original);
    const other = path.join(path.dirname(dataDir), 'other');
    fs.mkdirSync(other);
    fs.symlinkSync(path.join(dataDir, 'postgres'), path.join(other, 'postgres'));
    expect(await refusalOf(other)).toMatch(
      new RegExp(`^The data directory ${dataDir} is in use by process ${original.pid}: `),
    );
    expect(await query(connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});
