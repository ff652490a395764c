// What a measurement cost: CPU time of whole families of processes, to the nanosecond, which noise from outside moves least.
import { readdirSync, readFileSync } from 'node:fs';

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const fields = readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
      const parent = Number(fields?.[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // It has ended since.
    }
  }
  return children;
}

/** Milliseconds of one tick of `/proc/<pid>/stat`. */
const TICK = 10;

/** Its living threads' to the nanosecond; by ticks, where threads that have ended had more. */
function ownMilliseconds(pid: number): number {
  let nanoseconds = 0;
  let ticks = 0;
  try {
    for (const task of readdirSync(`/proc/${pid}/task`))
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    ticks = Number(fields[11]) + Number(fields[12]);
  } catch {
    // It has ended since.
  }
  return Math.max(nanoseconds / 1e6, ticks * TICK);
}

/** CPU milliseconds so far, by process, of these processes and all below them. */
export function cpuOf(pids: readonly number[]): Map<number, number> {
  const children = childrenByParent();
  const found = new Map<number, number>();
  const visit = (pid: number) => {
    if (found.has(pid)) return;
    found.set(pid, ownMilliseconds(pid));
    for (const child of children.get(pid) ?? []) visit(child);
  };
  for (const pid of pids) visit(pid);
  return found;
}

/** Milliseconds between two looks. What ended in between is not seen. */
export function cpuBetween(before: Map<number, number>, after: Map<number, number>): number {
  return [...after].reduce((sum, [pid, milliseconds]) => sum + milliseconds - (before.get(pid) ?? 0), 0);
}

/** Kilobytes of memory that a process holds, without its children. */
export function residentKilobytes(pid: number, kind: 'VmRSS' | 'RssAnon' = 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${kind}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN);
}
