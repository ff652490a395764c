// A new password, by whoever knows the old one; or a first one, by a link.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { SessionsEnded } from '../../contract/account.ts';
import { newPasswordFault, PASSWORD_HINT } from '../door/password-rules.ts';
import { Field } from '../field.tsx';
import { faults, useForm } from '../form.ts';
import { call } from '../http.ts';
import { user } from '../person.ts';
import { count } from '../task-words.ts';
import { say } from '../toasts.ts';
import { Card, CardForm } from './frame.tsx';

export function PasswordCard({ onChanged }: { onChanged: () => void }): JSX.Element {
  const form = useForm<'current_password' | 'new_password'>({
    id: 'security',
    labels: { current_password: 'Current password', new_password: 'New password' },
    check: ({ current_password, new_password }) =>
      faults({
        current_password: current_password === '' ? 'Please type your current password.' : undefined,
        new_password: newPasswordFault(new_password),
      }),
    send: async (json) => {
      const { ended } = await call<SessionsEnded>('POST', 'api/account/password', { json, byHand: true });
      form.clear();
      say(
        ended === 0
          ? 'Your password is changed.'
          : `Your password is changed, and ${count(ended, 'other device')} signed out.`,
      );
      onChanged();
    },
  });
  return (
    <Card title="Password" hint="All other devices are signed out when it changes.">
      <CardForm form={form} button="Change password">
        <Field {...form.field('current_password')} type="password" autocomplete="current-password" />
        <Field
          {...form.field('new_password')}
          type="password"
          autocomplete="new-password"
          hint={PASSWORD_HINT}
        />
      </CardForm>
    </Card>
  );
}

/** Of an account that another service, or a passkey, opens. */
export function FirstPasswordCard(): JSX.Element {
  const isSent = useSignal(false);
  const send = async () => {
    try {
      const json = { email: user.value?.email ?? '' };
      const { message } = await call<{ message: string }>('POST', 'api/auth/forgot-password', {
        json,
        byHand: true,
      });
      isSent.value = true;
      say(message);
    } catch (error) {
      say((error as Error).message, { tone: 'problem' });
    }
  };
  return (
    <Card
      title="Password"
      hint="This account has none. A link in a mail lets you choose one; all devices are then signed out."
    >
      <button type="button" class="button" disabled={isSent.value} onClick={() => void send()}>
        {isSent.value ? 'The link is on its way' : 'Send me the link'}
      </button>
    </Card>
  );
}
