// A new password, by whoever knows the old one.
import type { JSX } from 'preact';
import type { SessionsEnded } from '../../contract/account.ts';
import { newPasswordFault, PASSWORD_HINT } from '../door/password-rules.ts';
import { Field } from '../field.tsx';
import { faults, useForm } from '../form.ts';
import { call } from '../http.ts';
import { count } from '../task-words.ts';
import { say } from '../toasts.ts';
import { Card, CardForm } from './frame.tsx';

export function PasswordCard({ onChanged }: { onChanged: () => void }): JSX.Element {
  const form = useForm<'current_password' | 'new_password'>({
    id: 'security',
    labels: { current_password: 'Present password', new_password: 'New password' },
    check: ({ current_password, new_password }) =>
      faults({
        current_password: current_password === '' ? 'Please type your present password.' : undefined,
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
