// The account: name, password, the devices that are signed in, the look, and the way out.
import type { JSX } from 'preact';
import { NameForm, PasswordForm } from './account-forms.tsx';
import { Icon } from './icons.tsx';
import { pendingCount } from './outbox.ts';
import { user } from './person.ts';
import { signOut } from './session.ts';
import { SessionsList } from './sessions-list.tsx';
import { chooseTheme, THEMES, type Theme, theme } from './theme.ts';
import { say } from './toasts.ts';

const THEME_WORDS: Record<Theme, string> = { system: 'As the system', light: 'Light', dark: 'Dark' };

function ThemeChoice(): JSX.Element {
  return (
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
  );
}

async function leave(): Promise<void> {
  const waiting = pendingCount.value;
  const question = `${waiting} of your changes have not been sent yet and would be lost. Sign out all the same?`;
  if (waiting > 0 && !confirm(question)) return;
  try {
    await signOut();
  } catch {
    say('The server cannot be reached, so you are still signed in.', { tone: 'problem' });
  }
}

export function AccountPage(): JSX.Element {
  return (
    <div class="page account-page">
      <header class="page-head">
        <h1>Account</h1>
        <p class="summary">{user.value?.email}</p>
      </header>
      <section class="sheet card" aria-labelledby="you">
        <h2 id="you">You</h2>
        <div class="card-body">
          <NameForm />
        </div>
      </section>
      <section class="sheet card" aria-labelledby="look">
        <h2 id="look">On this device</h2>
        <div class="card-body">
          <ThemeChoice />
          <button type="button" class="button" onClick={() => void leave()}>
            <Icon name="leave" />
            Sign out
          </button>
        </div>
      </section>
      <section class="sheet card" aria-labelledby="password">
        <h2 id="password">Password</h2>
        <div class="card-body">
          <PasswordForm />
        </div>
      </section>
      <section class="sheet card" aria-labelledby="sessions">
        <h2 id="sessions">Signed-in devices</h2>
        <div class="card-body">
          <SessionsList />
        </div>
      </section>
    </div>
  );
}
