// The process that hashes passwords: it gives way to all others, is replaced when it dies, and never outlives the server.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hashPassword, verifyPassword } from '../src/auth/passwords.ts';

const PASSWORDS = path.resolve(import.meta.dirname, '../src/auth/passwords.ts');
/** Hashes once, says so, and then hashes on and on. */
const PROGRAM = `const { hashPassword } = await import(${JSON.stringify(PASSWORDS)});
  await hashPassword('once'); process.stdout.write('hashed'); for (;;) await hashPassword('again');`;

/** The processes below that one which hash, as Linux tells them. */
function hashersOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return Number(fields?.[1]) === parent && command.includes('hashing-process');
      } catch {
        return false; // it has ended since
      }
    })
    .map(Number);
}

it('hashes and compares, several at once', async () => {
  const hash = await hashPassword('correct horse');
  expect(hash).toMatch(/^\$2b\$12\$/);
  const compared = ['correct horse', 'wrong horse', 'correct horse', ''].map((tried) =>
    verifyPassword(hash, tried),
  );
  expect(await Promise.all(compared)).toEqual([true, false, true, false]);
  expect(await verifyPassword('no hash at all', 'correct horse')).toBe(false);
});

describe.runIf(process.platform === 'linux')('the process', () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  it('gives way to all others', async () => {
    await hashPassword('anything');
    expect(hashersOf(process.pid).map((pid) => getPriority(pid))).toEqual([10]);
  });

  it('that dies fails those who wait for it, and nobody after them', async () => {
    const hash = await hashPassword('lasting');
    const [pid] = hashersOf(process.pid);
    const waiting = Promise.allSettled([verifyPassword(hash, 'lasting'), verifyPassword(hash, 'lasting')]);
    process.kill(Number(pid), 'SIGKILL');
    for (const { status } of await waiting) expect(status).toBe('rejected');
    expect(await verifyPassword(hash, 'lasting')).toBe(true);
    expect(hashersOf(process.pid)).not.toContain(pid);
  });

  it('ends when the server is killed', async () => {
    child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    const hashers = hashersOf(child.pid ?? 0);
    expect(hashers).toHaveLength(1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const isThere = () => readdirSync('/proc').includes(String(hashers[0]));
    await expect.poll(isThere, { timeout: 10_000 }).toBe(false);
  });

  it('keeps nobody alive who has nothing more to do', async () => {
    const program = `const { hashPassword } = await import(${JSON.stringify(PASSWORDS)}); await hashPassword('once');`;
    child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
    expect((await once(child, 'exit'))[0]).toBe(0);
  });
});
