// Servers that do not answer at all: whoever waits on such a connection is told so after a while, by ending it.
import type { Duplex } from 'node:stream';

/**
 * Milliseconds. Longer than PostgreSQL lets any statement take: what is still silent then is gone. Several in one piece,
 * which it may answer only when all are done, could take longer: of them, too, it is said then that nobody knows.
 */
const SILENCE = 20_000;
const LOOK_EVERY = 1_000;

/**
 * Connections that owe answers, how many, and since when nothing has come. The driver's own limit is a timer for each
 * statement, and costs more than the rest of sending it: until it is due, the timers keep the answers in memory.
 */
const owing = new Map<Duplex, { answers: number; since: number }>();
let looking: NodeJS.Timeout | undefined;

function endSilent(): void {
  const latest = performance.now() - SILENCE;
  for (const [stream, { since }] of owing) {
    if (since >= latest) continue;
    owing.delete(stream);
    stream.destroy(new Error('Query read timeout'));
  }
  if (owing.size > 0) return;
  clearInterval(looking);
  looking = undefined;
}

/** A statement was sent. */
export function asked(stream: Duplex): void {
  const debt = owing.get(stream);
  if (debt) debt.answers++;
  else owing.set(stream, { answers: 1, since: performance.now() });
  looking ??= setInterval(endSilent, LOOK_EVERY).unref();
}

/** A statement was answered, or has failed. */
export function answered(stream: Duplex): void {
  const debt = owing.get(stream);
  if (!debt) return;
  debt.answers--;
  debt.since = performance.now();
  if (debt.answers === 0) owing.delete(stream);
}
