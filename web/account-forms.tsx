// The forms of the account page: the name, and a new password.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { NAME_LENGTH, PASSWORD_MINIMUM_LENGTH } from '../contract/limits.ts';
import { Field } from './field.tsx';
import { call, Refused } from './http.ts';
import { user } from './person.ts';
import { rename } from './session.ts';
import { say } from './toasts.ts';

function reasonOf(error: unknown): string {
  if (error instanceof Refused && error.code === 'INVALID_PASSWORD')
    return 'That is not your present password.';
  return error instanceof Refused ? error.message : 'The server cannot be reached. Nothing was changed.';
}

export function NameForm(): JSX.Element {
  const name = useSignal(user.value?.name ?? '');
  const fault = useSignal<string | undefined>(undefined);
  const save = async (event: Event) => {
    event.preventDefault();
    const wanted = name.value.trim();
    const length = [...wanted].length;
    fault.value =
      length < 1 || length > NAME_LENGTH ? `A name has 1 to ${NAME_LENGTH} characters.` : undefined;
    if (fault.value) return;
    try {
      await call('POST', 'api/auth/update-user', { json: { name: wanted } });
      rename(wanted);
      say('Your name is saved.');
    } catch (error) {
      fault.value = reasonOf(error);
    }
  };
  return (
    <form class="form" noValidate onSubmit={(event) => void save(event)}>
      <Field
        id="account-name"
        label="Name"
        type="text"
        autocomplete="name"
        value={name.value}
        fault={fault.value}
        onInput={(value) => {
          name.value = value;
        }}
      />
      <button type="submit" class="button">
        Save name
      </button>
    </form>
  );
}

export function PasswordForm(): JSX.Element {
  const present = useSignal('');
  const next = useSignal('');
  const faults = useSignal<{ present?: string; next?: string }>({});
  const save = async (event: Event) => {
    event.preventDefault();
    faults.value = {
      ...(present.value === '' ? { present: 'Please type your present password.' } : {}),
      ...([...next.value].length < PASSWORD_MINIMUM_LENGTH
        ? { next: `At least ${PASSWORD_MINIMUM_LENGTH} characters, please.` }
        : {}),
    };
    if (Object.keys(faults.value).length > 0) return;
    try {
      const json = { currentPassword: present.value, newPassword: next.value };
      await call('POST', 'api/auth/change-password', { json });
      present.value = '';
      next.value = '';
      say('Your password is changed. Other devices stay signed in until you sign them out.');
    } catch (error) {
      const isPresent =
        error instanceof Refused && error.code === 'INVALID_PASSWORD' && /invalid/i.test(error.message);
      faults.value = {
        [isPresent ? 'present' : 'next']: isPresent ? reasonOf(error) : (error as Error).message,
      };
    }
  };
  return (
    <form class="form" noValidate onSubmit={(event) => void save(event)}>
      <Field
        id="present-password"
        label="Present password"
        type="password"
        autocomplete="current-password"
        value={present.value}
        fault={faults.value.present}
        onInput={(value) => {
          present.value = value;
        }}
      />
      <Field
        id="next-password"
        label="New password"
        type="password"
        autocomplete="new-password"
        value={next.value}
        fault={faults.value.next}
        onInput={(value) => {
          next.value = value;
        }}
      />
      <button type="submit" class="button">
        Change password
      </button>
    </form>
  );
}
