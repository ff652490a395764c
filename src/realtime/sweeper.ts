// The sweeper: again and again it has the hub compare itself with the database, sooner when nobody tells us of changes.
import type { Hub } from './hub.ts';

// Milliseconds between two sweeps: with somebody to tell us of changes, and without.
const SWEEP_INTERVAL = 3_000;
const SWEEP_INTERVAL_UNTOLD = 1_000;

export interface Sweeper {
  /** Sweeps as soon as a sweep in progress has ended. */
  now(): void;
  stop(): void;
}

/**
 * Sweeps one after another, never two at once.
 * @param report hears of a sweep that failed: the next one comes all the same, and sockets stay.
 */
export function startSweeper(hub: Hub, isTold: () => boolean, report: (failure: unknown) => void): Sweeper {
  let sweeping = false;
  let again = false;
  let sweptAt = performance.now();
  const sweep = async () => {
    again = sweeping;
    if (sweeping) return;
    sweeping = true;
    do {
      again = false;
      sweptAt = performance.now();
      await hub.sweep().catch(report);
    } while (again);
    sweeping = false;
  };
  const timer = setInterval(() => {
    void hub.sweepExpired().catch(report);
    const interval = isTold() ? SWEEP_INTERVAL : SWEEP_INTERVAL_UNTOLD;
    if (!sweeping && performance.now() - sweptAt >= interval) void sweep();
  }, SWEEP_INTERVAL_UNTOLD);
  timer.unref();
  return { now: () => void sweep(), stop: () => clearInterval(timer) };
}
