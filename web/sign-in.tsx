// The door: sign in or sign up, with every refusal said at the field it is about.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { PASSWORD_MINIMUM_LENGTH } from '../contract/limits.ts';
import { Field } from './field.tsx';
import { Refused } from './http.ts';
import { Logo } from './icons.tsx';
import { user } from './person.ts';
import { type Credentials, signIn } from './session.ts';

type FieldName = 'name' | 'email' | 'password';
type Faults = Partial<Record<FieldName | 'form', string>>;

const LABELS: Record<FieldName, string> = { name: 'Name', email: 'E-mail', password: 'Password' };

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/\.?$/, '.');
}

/** Which field a refusal is about. */
function faultsOf(error: unknown): Faults {
  if (!(error instanceof Refused))
    return { form: 'The server cannot be reached. What you typed is still here.' };
  if (error.code === 'email_taken')
    return { email: 'There is already an account with this e-mail. Sign in instead?' };
  if (error.code === 'invalid_credentials') return { password: 'E-mail or password is wrong.' };
  if (error.status === 429) {
    const minutes = Math.ceil((error.retryAfter ?? 60_000) / 60_000);
    return { form: `Too many attempts. Try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.` };
  }
  const faults: Faults = {};
  for (const { path, message } of error.fields)
    if (path in LABELS) faults[path as FieldName] = sentence(`${LABELS[path as FieldName]} ${message}`);
  return Object.keys(faults).length > 0 ? faults : { form: error.message };
}

/** What can be said without asking the server. */
function faultsBefore({ name, email, password }: Credentials): Faults {
  const faults: Faults = {};
  if (name !== undefined && name.trim() === '') faults.name = 'Please tell us your name.';
  if (!/^\S+@\S+\.\S+$/.test(email)) faults.email = 'That does not look like an e-mail address.';
  if (password === '') faults.password = 'Please type your password.';
  else if (name !== undefined && [...password].length < PASSWORD_MINIMUM_LENGTH)
    faults.password = `At least ${PASSWORD_MINIMUM_LENGTH} characters, please.`;
  return faults;
}

function useDoor(isNew: boolean, known: string) {
  const [values, setValues] = useState({ name: '', email: known, password: '' });
  const [faults, setFaults] = useState<Faults>({});
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    const first = (['name', 'email', 'password'] as const).find((name) => faults[name]);
    if (first) form.current?.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
  }, [faults]);
  const submit = async (event: Event) => {
    event.preventDefault();
    const { name, email, password } = values;
    const credentials = { ...(isNew ? { name } : {}), email: email.trim(), password };
    const before = faultsBefore(credentials);
    setFaults(before);
    if (Object.keys(before).length > 0 || isBusy) return;
    setBusy(true);
    try {
      await signIn(credentials);
    } catch (error) {
      setFaults(faultsOf(error));
    } finally {
      setBusy(false);
    }
  };
  const change = (name: FieldName) => (value: string) => {
    setValues((now) => ({ ...now, [name]: value }));
    setFaults(({ [name]: _fixed, form: _form, ...others }) => others);
  };
  return { values, faults, isBusy, form, submit, change, setFaults };
}

/** The form itself. `returning` asks somebody back whose session has ended. */
export function SignInForm({ returning = false }: { returning?: boolean }): JSX.Element {
  const [isNew, setNew] = useState(false);
  const door = useDoor(isNew, returning ? (user.value?.email ?? '') : '');
  const { values, faults, change } = door;
  const field = (name: FieldName) => ({
    id: `door-${name}`,
    name,
    label: LABELS[name],
    value: values[name],
    fault: faults[name],
    onInput: change(name),
  });
  const label = isNew ? 'Create account' : 'Sign in';
  return (
    <form class="door-form" ref={door.form} onSubmit={(event) => void door.submit(event)} noValidate>
      {!returning && <h2 id="door-title">{isNew ? 'Create your account' : 'Welcome back'}</h2>}
      {isNew && <Field {...field('name')} type="text" autocomplete="name" />}
      <Field {...field('email')} type="email" autocomplete="username" />
      <Field
        {...field('password')}
        type="password"
        autocomplete={isNew ? 'new-password' : 'current-password'}
        {...(isNew
          ? { hint: `${PASSWORD_MINIMUM_LENGTH} characters or more; a few words make a good one.` }
          : {})}
      />
      <p class="fault" role="alert">
        {faults.form}
      </p>
      <button type="submit" class="button primary wide" aria-disabled={door.isBusy}>
        {door.isBusy ? 'One moment…' : label}
      </button>
      {!returning && (
        <p class="door-switch">
          {isNew ? 'You have an account?' : 'New here?'}{' '}
          <button
            type="button"
            class="link"
            onClick={() => {
              setNew(!isNew);
              door.setFaults({});
            }}
          >
            {isNew ? 'Sign in' : 'Create an account'}
          </button>
        </p>
      )}
    </form>
  );
}

/** A page of the notebook, for the eye only. */
function Lines(): JSX.Element {
  return (
    <ul class="door-lines" aria-hidden="true">
      {['Write it down', 'Get it done', 'Tick it off'].map((line) => (
        <li key={line}>
          <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <circle cx="12" cy="12" r="9.5" />
            <path d="M7 12.5l3.5 3.5L17 8.5" pathLength="1" />
          </svg>
          <span>{line}</span>
        </li>
      ))}
    </ul>
  );
}

export function SignInPage(): JSX.Element {
  return (
    <main class="door">
      <div class="door-words">
        <Logo />
        <h1>Donewell</h1>
        <p class="lead">A well-kept list, the same on every device, down to the last line.</p>
        <Lines />
      </div>
      <section class="sheet door-sheet" aria-labelledby="door-title">
        <SignInForm />
      </section>
    </main>
  );
}
