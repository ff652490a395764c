// The state of the connection, always in sight, in words.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { pausedUntil } from './http.ts';
import { connection } from './live.ts';
import { isUnreachable, pendingCount } from './outbox.ts';
import { isForgetful } from './storage.ts';
import { isLoaded, isSyncing } from './store.ts';

type Tone = 'good' | 'busy' | 'bad';

function changes(count: number): string {
  return count === 1 ? '1 change' : `${count} changes`;
}

interface State {
  tone: Tone;
  text: string;
  /** On a line of its own. */
  more?: string;
}

function stateNow(secondsLeft: number): State {
  const waiting = pendingCount.value;
  if (connection.value === 'offline' || isUnreachable.value) {
    const how = isForgetful.value ? 'waiting, kept only while this page is open' : 'waiting';
    return { tone: 'bad', text: 'Offline', ...(waiting > 0 ? { more: `${changes(waiting)} ${how}` } : {}) };
  }
  if (secondsLeft > 0) return { tone: 'busy', text: `Many requests · goes on in ${secondsLeft}\u00a0s` };
  if (waiting > 1) return { tone: 'busy', text: `Saving ${changes(waiting)}…` };
  if (isSyncing.value && !isLoaded.value) return { tone: 'busy', text: 'Loading…' };
  if (connection.value === 'connecting') return { tone: 'busy', text: 'Connecting…' };
  return { tone: 'good', text: 'Live' };
}

export function StatusChip(): JSX.Element {
  const secondsLeft = useSignal(0);
  const until = pausedUntil.value;
  useEffect(() => {
    const tell = () => {
      secondsLeft.value = Math.max(0, Math.ceil((until - performance.now()) / 1000));
    };
    tell();
    if (until === 0) return;
    const timer = setInterval(tell, 500);
    return () => clearInterval(timer);
  }, [until]);
  const { tone, text, more } = stateNow(secondsLeft.value);
  return (
    <p class={`status status-${tone}`} role="status" aria-live="polite">
      <span class="status-dot" aria-hidden="true" />
      <span class="status-text">
        {text}
        {more !== undefined && (
          <>
            <span class="visually-hidden"> · </span>
            <span class="status-more">{more}</span>
          </>
        )}
      </span>
    </p>
  );
}
