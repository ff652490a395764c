// The order in which imported tasks take their revisions: that of their last changes where they come from.
import { setImmediate } from 'node:timers/promises';

/** How many are sorted, or merged, before others get their turn of the event loop. */
const AT_ONCE = 5_000;

export type Compare = (one: number, other: number) => number;

async function merged(
  source: Uint32Array,
  target: Uint32Array,
  [start, middle, end]: readonly [number, number, number],
  compare: Compare,
): Promise<void> {
  let left = start;
  let right = middle;
  for (let at = start; at < end; at++) {
    const one = source[left] ?? 0;
    const other = source[right] ?? 0;
    const takesLeft = right >= end || (left < middle && compare(one, other) <= 0);
    target[at] = takesLeft ? one : other;
    if (takesLeft) left++;
    else right++;
    if (at % AT_ONCE === 0) await setImmediate();
  }
}

/** The numbers below `count`, sorted; equal ones keep their order. Takes its time, but never the event loop's. */
export async function sortedIndexes(count: number, compare: Compare): Promise<Uint32Array> {
  let sorted = Uint32Array.from({ length: count }, (_, index) => index);
  let room = new Uint32Array(count);
  for (let start = 0; start < count; start += AT_ONCE) {
    sorted.subarray(start, start + AT_ONCE).sort(compare);
    await setImmediate();
  }
  for (let run = AT_ONCE; run < count; run *= 2) {
    for (let start = 0; start < count; start += 2 * run) {
      const middle = Math.min(start + run, count);
      await merged(sorted, room, [start, middle, Math.min(start + 2 * run, count)], compare);
    }
    [sorted, room] = [room, sorted];
  }
  return sorted;
}
