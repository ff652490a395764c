// The forms at the door: sign in, sign up, the second step, and a lost password.
import { type Signal, useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { Field } from '../field.tsx';
import { type Form, faults, useForm } from '../form.ts';
import { call, Refused } from '../http.ts';
import { user } from '../person.ts';
import { linkCodes } from '../routes.ts';
import { logIn, secondStep, signUp } from '../session.ts';
import { emailFault, newPasswordFault, PASSWORD_HINT } from './password-rules.ts';

const CHECK_MAIL = 'Open the link in the mail that is on its way to you, then sign in.';

interface FrameProps<Name extends string> {
  form: Form<Name>;
  button: string;
  children: ComponentChildren;
}

/** One form, one big button, and room for what no field is about. */
export function DoorForm<Name extends string>({ form, button, children }: FrameProps<Name>): JSX.Element {
  return (
    <form class="door-form" ref={form.form} onSubmit={form.onSubmit} noValidate>
      {children}
      <p class="fault" role="alert">
        {form.faults.form}
      </p>
      <button type="submit" class="button primary wide" aria-disabled={form.isBusy}>
        {form.isBusy ? 'One moment…' : button}
      </button>
    </form>
  );
}

type FieldOf<Name extends string> = ReturnType<Form<Name>['field']>;

/** What was typed as the e-mail goes along from one form of the door to the next. */
function kept<Name extends string>(field: FieldOf<Name>, typed: Signal<string> | undefined): FieldOf<Name> {
  const onInput = (value: string) => {
    field.onInput(value);
    if (typed) typed.value = value;
  };
  return { ...field, onInput };
}

export interface LogInProps {
  /** Somebody whose session has ended. */
  isReturning: boolean;
  typed: Signal<string>;
  onCode: () => void;
}

export function LogInForm({ isReturning, typed, onCode }: LogInProps): JSX.Element {
  const form = useForm<'email' | 'password'>({
    id: 'door',
    labels: { email: 'E-mail', password: 'Password' },
    start: { email: typed.value || (isReturning ? (user.value?.email ?? '') : '') },
    check: ({ email, password }) =>
      faults({
        email: emailFault(email),
        password: password === '' ? 'Please type your password.' : undefined,
      }),
    send: async ({ email, password }) => {
      try {
        await logIn({ email: email.trim(), password });
      } catch (error) {
        if (!(error instanceof Refused && error.code === 'two_factor_required')) throw error;
        onCode();
      }
    },
    explain: ({ code }) =>
      code === 'invalid_credentials' ? { password: 'E-mail or password is wrong.' } : undefined,
  });
  return (
    <DoorForm form={form} button="Sign in">
      <Field {...kept(form.field('email'), typed)} type="email" autocomplete="username" />
      <Field {...form.field('password')} type="password" autocomplete="current-password" />
    </DoorForm>
  );
}

/** Of what was pasted: the code, or the link with it. */
function codeIn(given: string): string {
  return given.trim().replace(/^.*#invitation=/, '');
}

interface SignUpFormProps {
  isByInvitation: boolean;
  typed: Signal<string>;
  onTold: (words: string) => void;
}

export function SignUpForm({ isByInvitation, typed, onTold }: SignUpFormProps): JSX.Element {
  const start = { invitation: linkCodes.value.invitation, email: typed.value };
  const isInvited = useSignal(isByInvitation || start.invitation !== '');
  const form = useForm<'name' | 'email' | 'password' | 'invitation'>({
    id: 'door',
    labels: { name: 'Name', email: 'E-mail', password: 'Password', invitation: 'Invitation' },
    start,
    check: ({ name, email, password }) =>
      faults({
        name: name.trim() === '' ? 'Please tell us your name.' : undefined,
        email: emailFault(email),
        password: newPasswordFault(password),
      }),
    send: async ({ name, email, password, ...given }) => {
      const invitation = codeIn(given.invitation);
      const wanted = { name, email: email.trim(), password, ...(invitation ? { invitation } : {}) };
      if ((await signUp(wanted)) === 'confirm') onTold(CHECK_MAIL);
    },
    explain: ({ code, message }) => {
      if (code === 'email_taken')
        return { email: 'There is already an account with this e-mail. Sign in instead?' };
      if (code !== 'invitation_required') return undefined;
      isInvited.value = true;
      return { invitation: message };
    },
  });
  return (
    <DoorForm form={form} button="Create account">
      <Field {...form.field('name')} type="text" autocomplete="name" />
      <Field {...kept(form.field('email'), typed)} type="email" autocomplete="username" />
      <Field {...form.field('password')} type="password" autocomplete="new-password" hint={PASSWORD_HINT} />
      {isInvited.value && (
        <Field
          {...form.field('invitation')}
          type="text"
          autocomplete="off"
          hint="The code in the link that you were given. It opens the door once."
        />
      )}
    </DoorForm>
  );
}

/** The second step: what the authenticator app shows, or a recovery code. */
export function CodeForm({ onBack }: { onBack: () => void }): JSX.Element {
  const isRecovery = useSignal(false);
  const form = useForm<'code' | 'recovery_code'>({
    id: 'door',
    labels: { code: 'Code', recovery_code: 'Recovery code' },
    check: ({ code, recovery_code }) =>
      isRecovery.value
        ? faults({ recovery_code: recovery_code.trim() === '' ? 'Please type a recovery code.' : undefined })
        : faults({ code: /^\s*\d{3}\s*\d{3}\s*$/.test(code) ? undefined : 'A code has six digits.' }),
    send: ({ code, recovery_code }) =>
      secondStep(isRecovery.value ? { recovery_code } : { code: code.replace(/\s/g, '') }),
    explain: ({ code, message }) => {
      if (code === 'invalid_code') return { [isRecovery.value ? 'recovery_code' : 'code']: message };
      if (code === 'unauthenticated') return { form: 'That took too long. Go back and sign in again.' };
      return undefined;
    },
  });
  return (
    <>
      <p class="lead-small">
        {isRecovery.value
          ? 'Each recovery code signs in once.'
          : 'Enter the six digits that your authenticator app shows.'}
      </p>
      <DoorForm form={form} button="Go on">
        {isRecovery.value ? (
          <Field {...form.field('recovery_code')} type="text" autocomplete="off" />
        ) : (
          <Field {...form.field('code')} type="text" mode="numeric" autocomplete="one-time-code" />
        )}
      </DoorForm>
      <p class="door-links">
        <button
          type="button"
          class="link"
          onClick={() => {
            isRecovery.value = !isRecovery.value;
            form.clear();
          }}
        >
          {isRecovery.value ? 'Use a code of the app' : 'Use a recovery code'}
        </button>
        <button type="button" class="link" onClick={onBack}>
          Back
        </button>
      </p>
    </>
  );
}

interface ForgotFormProps {
  typed?: Signal<string>;
  onTold: (words: string) => void;
}

export function ForgotForm({ typed, onTold }: ForgotFormProps): JSX.Element {
  const form = useForm<'email'>({
    id: 'door',
    labels: { email: 'E-mail' },
    start: { email: typed?.value || (user.value?.email ?? '') },
    check: ({ email }) => faults({ email: emailFault(email) }),
    send: async ({ email }) => {
      const json = { email: email.trim() };
      const { message } = await call<{ message: string }>('POST', 'api/auth/forgot-password', {
        json,
        anonymous: true,
      });
      onTold(message);
    },
  });
  return (
    <>
      <p class="lead-small">We send you a link by which you can choose a new one.</p>
      <DoorForm form={form} button="Send the link">
        <Field {...kept(form.field('email'), typed)} type="email" autocomplete="username" />
      </DoorForm>
    </>
  );
}
