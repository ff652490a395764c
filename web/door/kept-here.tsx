// What this browser still keeps of somebody whose session has ended: it waits for them, or is removed.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { removeLastPerson } from '../leaving.ts';
import { lastPerson } from '../person.ts';

/** The server does not say why a session has ended: it would tell strangers which accounts there are. */
export function KeptHere(): JSX.Element | null {
  const last = useSignal(lastPerson());
  if (!last.value) return null;
  const remove = async () => {
    if (await removeLastPerson()) last.value = undefined;
  };
  return (
    <div class="door-kept">
      <p>
        What <strong>{last.value.name}</strong> wrote here is kept on this device for the next sign-in.
      </p>
      <button type="button" class="link" onClick={() => void remove()}>
        Remove this account’s data from this device
      </button>
    </div>
  );
}
