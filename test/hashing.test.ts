// The process that hashes passwords: it gives way to all others, is replaced when it dies, and never outlives the server.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { HASHES_AT_ONCE, hashApart } from '../src/auth/hashing.ts';
import { hashPassword, verifyPassword } from '../src/auth/passwords.ts';

const PASSWORDS = path.resolve(import.meta.dirname, '../src/auth/passwords.ts');
/** Hashes once, says so, and then hashes on and on. */
const PROGRAM = `const { hashPassword } = await import(${JSON.stringify(PASSWORDS)});
  await hashPassword('once'); process.stdout.write('hashed'); for (;;) await hashPassword('again');`;

/** Hashes where no file can be opened any more, twice, and then where some can. An unhandled failure would end it. */
const WANTING = `const { hashPassword } = await import(${JSON.stringify(PASSWORDS)});
  const { closeSync, openSync } = await import('node:fs');
  const files = [];
  try { for (;;) files.push(openSync('/dev/null')); } catch {}
  const codes = await Promise.all([1, 2].map(() => hashPassword('wanting').catch(({ code }) => code)));
  for (const file of files) closeSync(file);
  process.stdout.write([...codes, (await hashPassword('enough')).slice(0, 7)].join(' '));`;

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
    // Whoever comes after these waits for one of them to end, and then gets a new process.
    const together = Array.from({ length: HASHES_AT_ONCE }, () => verifyPassword(hash, 'lasting'));
    const waiting = Promise.allSettled(together);
    process.kill(Number(pid), 'SIGKILL');
    const busy = {
      status: 'rejected',
      reason: expect.objectContaining({ code: 'overloaded', retryAfter: 2 }),
    };
    expect(await waiting).toEqual(together.map(() => busy));
    expect(await verifyPassword(hash, 'lasting')).toBe(true);
    expect(hashersOf(process.pid)).not.toContain(pid);
  });

  it('that hangs is given up: those who wait are told so, and the next one gets an answer', async () => {
    const hash = await hashPassword('patient');
    const [pid] = hashersOf(process.pid);
    process.kill(Number(pid), 'SIGSTOP');
    const waiting = hashApart({ password: 'patient', hash }, 100);
    await expect(waiting).rejects.toMatchObject({ code: 'overloaded', retryAfter: 2 });
    expect(await verifyPassword(hash, 'patient')).toBe(true);
    expect(hashersOf(process.pid)).not.toContain(pid);
  });

  it('answers those who wait although it, too, is told to stop', async () => {
    const hash = await hashPassword('patient');
    const [pid] = hashersOf(process.pid);
    const waiting = verifyPassword(hash, 'patient');
    process.kill(Number(pid), 'SIGTERM');
    expect(await waiting).toBe(true);
    expect(hashersOf(process.pid)).toEqual([pid]);
  });

  it('that cannot be started for want of files is told as that, once for all, and started when there are some', async () => {
    child = spawn(
      'sh',
      ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, WANTING],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const said = text(child.stdout as NodeJS.ReadableStream);
    expect((await once(child, 'exit'))[0]).toBe(0);
    expect(await said).toBe('overloaded overloaded $2b$12$');
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
