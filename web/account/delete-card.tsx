// The end of the account: what goes with it, a copy first, and the proof that it is meant.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { FRESH_SIGN_IN_MINUTES } from '../../contract/limits.ts';
import type { ConnectionList } from '../../contract/providers.ts';
import type { TwoFactorStatus } from '../../contract/two-factor.ts';
import { Field } from '../field.tsx';
import { faults, useForm } from '../form.ts';
import { call } from '../http.ts';
import { pendingCount } from '../outbox.ts';
import { useReading } from '../reading.ts';
import { deleteAccount } from '../session.ts';
import { isLoaded, tasks } from '../store.ts';
import { count } from '../task-words.ts';
import { ExportButton } from './export-button.tsx';
import { Card, CardForm, Unread } from './frame.tsx';
import { isImporting } from './importing.ts';
import { codeFault, codeIn } from './second-factor-card.tsx';

const WORD = 'delete';

/** What the server will ask for. */
interface Proofs {
  hasPassword: boolean;
  hasFactor: boolean;
}

async function readProofs(): Promise<Proofs> {
  const [{ has_password: hasPassword }, { enabled: hasFactor }] = await Promise.all([
    call<ConnectionList>('GET', 'api/account/connections'),
    call<TwoFactorStatus>('GET', 'api/account/two-factor'),
  ]);
  return { hasPassword, hasFactor };
}

function Losses(): JSX.Element {
  const place = useRef<HTMLParagraphElement>(null);
  // Whoever cannot see what has opened begins here.
  useEffect(() => place.current?.focus(), []);
  const waiting = pendingCount.value;
  return (
    <div class="losses">
      <p ref={place} tabIndex={-1}>
        <strong>It happens at once, and cannot be undone.</strong> This goes:
      </p>
      <ul>
        <li>
          {isLoaded.value ? `your ${count(tasks.value.length, 'task')}` : 'all your tasks'}, and what lies in
          the trash
          {waiting > 0 &&
            `; ${count(waiting, 'change')} of yours ${waiting === 1 ? 'waits' : 'wait'} to be sent`}
        </li>
        <li>your profile, your ways to sign in, and your API tokens</li>
        <li>what this browser keeps; all your devices are signed out</li>
      </ul>
    </div>
  );
}

function DeleteForm({ proofs, onCancel }: { proofs: Proofs; onCancel: () => void }): JSX.Element {
  const { hasPassword, hasFactor } = proofs;
  const form = useForm<'password' | 'proof' | 'word'>({
    id: 'delete',
    labels: { password: 'Password', proof: 'Code', word: `Type “${WORD}” to confirm` },
    check: ({ password, proof, word }) =>
      faults({
        password: hasPassword && password === '' ? 'Please type your password.' : undefined,
        proof: hasFactor && proof.trim() === '' ? 'Please type a code.' : undefined,
        word: word.trim().toLowerCase() === WORD ? undefined : `Please type “${WORD}”.`,
      }),
    send: ({ password, proof }) =>
      deleteAccount({ ...(hasPassword ? { password } : {}), ...(hasFactor ? codeIn(proof) : {}) }),
    explain: (refusal) => {
      const proof = codeFault(refusal);
      return proof === undefined ? undefined : { proof };
    },
  });
  // The server would wait for its end; and whoever mistypes the password still wants it.
  const held = isImporting.value
    ? 'An import is running. Once it is done, or you have stopped it, the account can be deleted.'
    : undefined;
  return (
    <CardForm form={form} button="Delete it for good" tone="primary danger" held={held} onCancel={onCancel}>
      {hasPassword ? (
        <Field {...form.field('password')} type="password" autocomplete="current-password" />
      ) : (
        <p class="hint">
          Your account has no password: you must have signed in within the last {FRESH_SIGN_IN_MINUTES}{' '}
          minutes.
        </p>
      )}
      {hasFactor && (
        <Field
          {...form.field('proof')}
          type="text"
          autocomplete="one-time-code"
          hint="Six digits of the app, or one of your recovery codes."
        />
      )}
      <Field {...form.field('word')} type="text" autocomplete="off" />
    </CardForm>
  );
}

function Opened({ onCancel }: { onCancel: () => void }): JSX.Element {
  const reading = useReading(readProofs);
  if (!reading.value) return <Unread reading={reading} />;
  return (
    <>
      <Losses />
      <ExportButton label="Download a copy first" />
      <DeleteForm proofs={reading.value} onCancel={onCancel} />
    </>
  );
}

export function DeleteCard(): JSX.Element {
  const isOpen = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef(false);
  useEffect(() => {
    if (wasOpen.current && !isOpen.value) button.current?.focus();
    wasOpen.current = isOpen.value;
  }, [isOpen.value]);
  return (
    <Card title="Delete account" hint="The account, with all that is in it.">
      {isOpen.value ? (
        <Opened onCancel={() => (isOpen.value = false)} />
      ) : (
        <button ref={button} type="button" class="button danger" onClick={() => (isOpen.value = true)}>
          Delete my account…
        </button>
      )}
    </Card>
  );
}
