// What a page reads from the server by itself: once it is shown, and again whenever the connection is back.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Unreachable, whenAllowed } from './http.ts';
import { connection } from './live.ts';

export interface Reading<Value> {
  /** The last that was read; it stays while the next is on its way, and when that fails. */
  value: Value | undefined;
  /** Why nothing newer could be read. */
  fault: string | undefined;
  again: () => Promise<void>;
}

/** @throws Unreachable at once when there is no network: a page that waits without a word looks broken. */
export async function whenReachable(): Promise<void> {
  if (!navigator.onLine) throw new Unreachable('There is no network. This page needs the server.');
  await whenAllowed();
}

export function useReading<Value>(read: () => Promise<Value>): Reading<Value> {
  const value = useSignal<Value | undefined>(undefined);
  const fault = useSignal<string | undefined>(undefined);
  const latest = useRef(0);
  /** Something may have been missed: it could not be read, or a connection was lost. That there is none yet is no loss. */
  const isBehind = useRef(false);
  const wasLive = useRef(false);
  const again = async () => {
    latest.current += 1;
    const mine = latest.current;
    const tell = (found: Value | undefined, text: string | undefined) => {
      if (mine !== latest.current) return;
      if (found !== undefined) value.value = found;
      fault.value = text;
    };
    try {
      await whenReachable();
      tell(await read(), undefined);
    } catch (error) {
      isBehind.current = true;
      tell(undefined, (error as Error).message);
    }
  };
  const isLive = connection.value === 'live';
  useEffect(() => void again(), []);
  useEffect(() => {
    if (isLive && isBehind.current) void again();
    isBehind.current = !isLive && (isBehind.current || wasLive.current);
    wasLive.current ||= isLive;
  }, [isLive]);
  return { value: value.value, fault: fault.value, again };
}
