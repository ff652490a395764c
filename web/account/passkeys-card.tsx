// Passkeys: the keys of this and other devices, added and taken away.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { spokenTime } from '../dates.ts';
import { Field } from '../field.tsx';
import { faults, useForm } from '../form.ts';
import { call } from '../http.ts';
import { addPasskey, hasPasskeys, NotGiven } from '../passkey.ts';
import { useReading } from '../reading.ts';
import { say } from '../toasts.ts';
import { Card, CardForm, Unread } from './frame.tsx';

/** As Better Auth has it. */
interface Passkey {
  id: string;
  name?: string | null;
  createdAt?: string | null;
}

function AddForm({ onDone }: { onDone: () => void }): JSX.Element {
  const form = useForm<'name'>({
    id: 'passkey',
    labels: { name: 'Name of this key' },
    check: ({ name }) =>
      faults({ name: name.trim() === '' ? 'A name helps to tell it from others.' : undefined }),
    send: async ({ name }) => {
      try {
        await addPasskey(name.trim());
      } catch (error) {
        if (!(error instanceof NotGiven)) throw error;
        say(error.message, { tone: 'problem' });
        return;
      }
      say(`“${name.trim()}” signs you in from now on.`);
      onDone();
    },
  });
  return (
    <CardForm form={form} button="Add it" tone="primary" onCancel={onDone}>
      <Field
        {...form.field('name')}
        type="text"
        autocomplete="off"
        hint="Your device will ask for your finger, your face or its PIN."
      />
    </CardForm>
  );
}

export function PasskeysCard({ onChanged }: { onChanged: () => void }): JSX.Element {
  const reading = useReading(() => call<Passkey[]>('GET', 'api/auth/passkey/list-user-passkeys'));
  const isAdding = useSignal(false);
  const changed = () => {
    isAdding.value = false;
    void reading.again();
    onChanged();
  };
  const remove = async ({ id, name }: Passkey) => {
    try {
      await call('POST', 'api/auth/passkey/delete-passkey', { json: { id }, byHand: true });
      say(`“${name ?? 'The passkey'}” does not sign you in any more.`);
    } catch (error) {
      say((error as Error).message, { tone: 'problem' });
    }
    changed();
  };
  const keys = reading.value;
  return (
    <Card title="Passkeys" hint="Sign in with a finger, a face or a PIN instead of the password.">
      {!keys && <Unread reading={reading} />}
      {keys && keys.length > 0 && (
        <ul class="devices" aria-label="Passkeys">
          {keys.map((key) => (
            <li key={key.id}>
              <span>
                <strong>{key.name ?? 'Passkey'}</strong>
                {key.createdAt && <span class="hint">added {spokenTime(key.createdAt)}</span>}
              </span>
              <button
                type="button"
                class="button"
                aria-label={`Remove ${key.name ?? 'the passkey'}`}
                onClick={() => void remove(key)}
              >
                Remove
              </button>
            </li>
          ))}
        </ul>
      )}
      {!hasPasskeys && <p class="hint">This browser, or this address, has no passkeys.</p>}
      {hasPasskeys && isAdding.value && <AddForm onDone={changed} />}
      {hasPasskeys && !isAdding.value && (
        <button type="button" class="button" onClick={() => (isAdding.value = true)}>
          Add a passkey…
        </button>
      )}
    </Card>
  );
}
