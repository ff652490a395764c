// What the system says about other processes: are they alive, and are they PostgreSQL's on a given directory.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from './error.ts';

const run = promisify(execFile);

/**
 * When a process started, in clock ticks since boot (field 22 of /proc/<pid>/stat): with the pid it names one process,
 * however often the pid is used again. Undefined when it is dead, a zombie, or this system has no /proc.
 */
export function startTicks(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the name in brackets and may hold anything, so fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** Alive, whoever owns it. A zombie, which only waits to be counted by its parent, is dead. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to another user.
    if (errorCode(error) !== 'EPERM') return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    readFileSync(`/proc/${pid}/stat`);
  } catch {
    return true; // hidden from us (hidepid), but it answered the signal
  }
  return startTicks(pid) !== undefined;
}

/**
 * The PostgreSQL processes at work in a cluster directory, its postmaster as well as orphans of a killed one: all of
 * them have the cluster as their working directory. `hint` is the pid that postmaster.pid names, all that can be
 * asked about where there is no /proc.
 */
export async function postgresProcessesIn(cluster: string, hint: number | undefined): Promise<number[]> {
  if (process.platform !== 'linux') {
    return hint !== undefined && (await commandOf(hint)).includes(cluster) ? [hint] : [];
  }
  const home = statSync(cluster);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && worksIn(name, home))
    .map(Number);
}

function worksIn(pid: string, home: { dev: number; ino: number }): boolean {
  try {
    // After an upgrade of the package the kernel appends " (deleted)" to the name.
    const executable = path.basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
    if (executable !== 'postgres') return false;
    const directory = statSync(`/proc/${pid}/cwd`);
    return directory.dev === home.dev && directory.ino === home.ino;
  } catch {
    return false; // ended meanwhile, or another user's: PostgreSQL always runs as the owner of its directory
  }
}

async function commandOf(pid: number): Promise<string> {
  try {
    return (await run('ps', ['-p', String(pid), '-o', 'command='])).stdout;
  } catch {
    return '';
  }
}
