// Where the links of mails lead: a lost password, a new one, a confirmed e-mail. Opening one does nothing; a press does.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { EmailConfirmed } from '../../contract/links.ts';
import { Field } from '../field.tsx';
import { faults, useForm } from '../form.ts';
import { call } from '../http.ts';
import { user } from '../person.ts';
import { dropCodes, go, linkCodes } from '../routes.ts';
import { Doorway } from './door-page.tsx';
import { DoorForm, ForgotForm } from './forms.tsx';
import { useLink } from './link-check.ts';
import { newPasswordFault, PASSWORD_HINT } from './password-rules.ts';

const OLD_LINK = 'This link is not valid any more: it was used, is too old, or a newer one was sent.';

function Title({ words }: { words: string }): JSX.Element {
  return (
    <h2 id="door-title" tabIndex={-1}>
      {words}
    </h2>
  );
}

/** A signed-in person's way back; everybody else's to the door. Aside where there is something else to do. */
function Onwards({ isAside = false }: { isAside?: boolean }): JSX.Element {
  return (
    <button type="button" class={`button ${isAside ? 'quiet' : 'primary'} wide`} onClick={() => go('tasks')}>
      {user.value ? 'To your tasks' : 'Sign in'}
    </button>
  );
}

function NewPassword({ onDone, onOld }: { onDone: (words: string) => void; onOld: () => void }): JSX.Element {
  const form = useForm<'password'>({
    id: 'reset',
    labels: { password: 'New password' },
    check: ({ password }) => faults({ password: newPasswordFault(password) }),
    send: async ({ password }) => {
      const json = { token: linkCodes.value.token, password };
      const { message } = await call<{ message: string }>('POST', 'api/auth/reset-password', {
        json,
        anonymous: true,
      });
      dropCodes();
      onDone(message);
    },
    explain: ({ code }) => {
      if (code !== 'invalid_link') return undefined;
      onOld();
      return {};
    },
  });
  return (
    <>
      <p class="lead-small">All devices of the account are signed out when you choose it.</p>
      <DoorForm form={form} button="Save the password">
        <Field {...form.field('password')} type="password" autocomplete="new-password" hint={PASSWORD_HINT} />
      </DoorForm>
    </>
  );
}

export function ResetPage(): JSX.Element {
  const link = useLink('reset-password', linkCodes.value.token);
  const step = useSignal<'old' | 'done' | 'sent' | undefined>(undefined);
  const now = step.value ?? link;
  const words = useSignal('');
  const tell = (next: 'done' | 'sent') => (text: string) => {
    words.value = text;
    step.value = next;
  };
  return (
    <Doorway>
      <div class="door-steps" role="status">
        <Title words={now === 'done' ? 'Done' : 'Choose a new password'} />
        {now === 'asking' && <p class="lead-small">One moment…</p>}
        {now === 'live' && <NewPassword onDone={tell('done')} onOld={() => (step.value = 'old')} />}
        {now === 'old' && (
          <>
            <p>{OLD_LINK}</p>
            <ForgotForm onTold={tell('sent')} />
            <Onwards isAside />
          </>
        )}
        {(now === 'done' || now === 'sent') && (
          <>
            <p>{words.value}</p>
            <Onwards />
          </>
        )}
      </div>
    </Doorway>
  );
}

/** For whoever is told of what somebody else did, too: signed in or not. */
export function ForgotPage(): JSX.Element {
  const told = useSignal('');
  return (
    <Doorway>
      <div class="door-steps" role="status">
        <Title words={told.value === '' ? 'Choose a new password' : 'Look into your mail'} />
        {told.value === '' ? <ForgotForm onTold={(words) => (told.value = words)} /> : <p>{told.value}</p>}
        <Onwards isAside={told.value === ''} />
      </div>
    </Doorway>
  );
}

export function VerifyPage(): JSX.Element {
  const form = useForm<'token'>({
    id: 'verify',
    labels: { token: 'Link' },
    send: async () => {
      const json = { token: linkCodes.value.token };
      const { message } = await call<EmailConfirmed>('POST', 'api/auth/verify-email', {
        json,
        anonymous: true,
      });
      done.value = message;
    },
    explain: ({ code }) => (code === 'invalid_link' ? { form: OLD_LINK } : undefined),
  });
  const done = useSignal('');
  const link = useLink('verify-email', linkCodes.value.token);
  return (
    <Doorway>
      <div class="door-steps" role="status">
        <Title words={done.value === '' ? 'Confirm your e-mail' : 'Done'} />
        {done.value === '' && link === 'asking' && <p class="lead-small">One moment…</p>}
        {done.value === '' && link === 'live' && (
          <DoorForm form={form} button="Confirm">
            <p class="lead-small">One press, and we know that this address is yours.</p>
          </DoorForm>
        )}
        {(done.value !== '' || link === 'old') && (
          <>
            <p>{done.value || OLD_LINK}</p>
            <Onwards />
          </>
        )}
      </div>
    </Doorway>
  );
}
