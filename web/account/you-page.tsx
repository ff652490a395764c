// Who you are here: name and e-mail, how the app looks on this device, and the way out.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Account } from '../../contract/account.ts';
import { NAME_LENGTH } from '../../contract/limits.ts';
import { emailFault } from '../door/password-rules.ts';
import { Field } from '../field.tsx';
import { faults, useForm } from '../form.ts';
import { call } from '../http.ts';
import { Icon } from '../icons.tsx';
import { leave } from '../leaving.ts';
import { user } from '../person.ts';
import { type Reading, useReading } from '../reading.ts';
import { renew } from '../session.ts';
import { chooseShortcuts, chooseTheme, hasShortcuts, THEMES, type Theme, theme } from '../theme.ts';
import { say } from '../toasts.ts';
import { AccountFrame, Card, CardForm, Unread } from './frame.tsx';

const THEME_WORDS: Record<Theme, string> = { system: 'As the system', light: 'Light', dark: 'Dark' };

function NameForm(): JSX.Element {
  const form = useForm<'name'>({
    id: 'account',
    labels: { name: 'Name' },
    start: { name: user.value?.name ?? '' },
    check: ({ name }) => {
      const length = [...name.trim()].length;
      return faults({
        name: length < 1 || length > NAME_LENGTH ? `A name has 1 to ${NAME_LENGTH} characters.` : undefined,
      });
    },
    send: async ({ name }) => {
      const json = { name: name.trim() };
      const saved = await call<Account>('PATCH', 'api/account', { json, byHand: true });
      renew({ name: saved.name });
      say('Your name is saved.');
    },
  });
  return (
    <CardForm form={form} button="Save name">
      <Field {...form.field('name')} type="text" autocomplete="name" />
    </CardForm>
  );
}

function EmailForm({ onDone }: { onDone: () => void }): JSX.Element {
  const form = useForm<'new_email' | 'current_password'>({
    id: 'account',
    labels: { new_email: 'New e-mail', current_password: 'Password' },
    check: ({ new_email, current_password }) =>
      faults({
        new_email: emailFault(new_email),
        current_password: current_password === '' ? 'Please type your password.' : undefined,
      }),
    send: async ({ new_email, current_password }) => {
      const json = { new_email: new_email.trim(), current_password };
      const { message } = await call<{ message: string }>('POST', 'api/account/email', {
        json,
        byHand: true,
      });
      say(message);
      onDone();
    },
  });
  return (
    <CardForm form={form} button="Change e-mail" tone="primary" onCancel={onDone}>
      <Field {...form.field('new_email')} type="email" autocomplete="email" />
      <Field {...form.field('current_password')} type="password" autocomplete="current-password" />
    </CardForm>
  );
}

function ConfirmButton(): JSX.Element {
  const isSent = useSignal(false);
  const send = async () => {
    try {
      const { message } = await call<{ message: string }>('POST', 'api/account/verify-email', {
        byHand: true,
      });
      isSent.value = true;
      say(message);
    } catch (error) {
      say((error as Error).message, { tone: 'problem' });
    }
  };
  return (
    <button type="button" class="button" disabled={isSent.value} onClick={() => void send()}>
      {isSent.value ? 'The link is on its way' : 'Send me the link'}
    </button>
  );
}

function EmailState({ account: { email, email_verified } }: { account: Account }): JSX.Element {
  return (
    <p class="fact-value">
      <span>{email}</span>
      <span class={`badge ${email_verified ? '' : 'is-open'}`}>
        {email_verified ? 'Confirmed' : 'Not confirmed'}
      </span>
    </p>
  );
}

function EmailCard({ reading }: { reading: Reading<Account> }): JSX.Element {
  const isChanging = useSignal(false);
  return (
    <Card title="E-mail" hint="You sign in with it, and a lost password comes back by it.">
      {reading.value ? <EmailState account={reading.value} /> : <Unread reading={reading} />}
      {isChanging.value ? (
        <EmailForm onDone={() => (isChanging.value = false)} />
      ) : (
        <div class="form-foot">
          {reading.value && !reading.value.email_verified && <ConfirmButton />}
          <button type="button" class="button" onClick={() => (isChanging.value = true)}>
            Change e-mail…
          </button>
        </div>
      )}
    </Card>
  );
}

function ThisDevice(): JSX.Element {
  return (
    <Card title="On this device">
      <fieldset class="field segments-field">
        <legend>Look</legend>
        <div class="segments">
          {THEMES.map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="theme"
                checked={theme.value === one}
                onChange={() => chooseTheme(one)}
              />
              <span>{THEME_WORDS[one]}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <label class="switch">
        <input
          type="checkbox"
          checked={hasShortcuts.value}
          onChange={(event) => chooseShortcuts(event.currentTarget.checked)}
        />
        Single-key shortcuts
      </label>
      <button type="button" class="button" onClick={() => void leave()}>
        <Icon name="leave" />
        Sign out
      </button>
    </Card>
  );
}

export function YouPage(): JSX.Element {
  const reading = useReading(() => call<Account>('GET', 'api/account'));
  return (
    <AccountFrame title="Account" summary={user.value?.email ?? ''}>
      <Card title="You">
        <NameForm />
      </Card>
      <EmailCard reading={reading} />
      <ThisDevice />
    </AccountFrame>
  );
}
