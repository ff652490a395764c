// Who is signed in: found at the start, kept alive while the app is open, and ended in both places at once.
import { signal } from '@preact/signals';
import type { CurrentSession, SignedIn, User } from '../contract/auth.ts';
import { call, Refused, sessionLost } from './http.ts';
import { resetList } from './list-state.ts';
import { ownSteps } from './routes.ts';
import { closeStore, openStore, resumeStore } from './store.ts';
import { DRAFT_KEY, readSetting, writeSetting } from './theme.ts';
import { say } from './toasts.ts';

/** `starting`: not known yet. `unknown`: the server does not answer and nobody was here before. */
export const phase = signal<'starting' | 'unknown' | 'out' | 'in'>('starting');
export const user = signal<Pick<User, 'id' | 'name' | 'email'> | null>(null);

const USER_KEY = 'donewell.user';
const SHORTEST_REFRESH = 20_000;
const LONGEST_TIMER = 24 * 60 * 60 * 1000;
const RETRY = 5_000;

let refreshTimer: ReturnType<typeof setTimeout> | undefined;

/** The session slides while the app is open: half-way to its end it is prolonged. */
function keepAlive(expiresAt: string): void {
  clearTimeout(refreshTimer);
  const left = Date.parse(expiresAt) - Date.now();
  refreshTimer = setTimeout(
    () => void refresh(),
    Math.min(Math.max(left / 2, SHORTEST_REFRESH), LONGEST_TIMER),
  );
}

async function refresh(): Promise<void> {
  try {
    const { session } = await call<{ session: { expires_at: string } }>('POST', 'api/auth/refresh');
    keepAlive(session.expires_at);
  } catch (error) {
    if (!(error instanceof Refused && error.status === 401))
      refreshTimer = setTimeout(() => void refresh(), SHORTEST_REFRESH);
  }
}

/** The socket was refused or closed: asks whether the session really is over. */
async function verify(): Promise<void> {
  if (sessionLost.value || phase.value !== 'in') return;
  try {
    const current = await call<CurrentSession>('GET', 'api/auth/session');
    if (!current.user || current.user.id !== user.value?.id) sessionLost.value = true;
    else if (current.session) keepAlive(current.session.expires_at);
  } catch {
    // No answer is not an answer.
  }
}

function enter(someone: Pick<User, 'id' | 'name' | 'email'>): void {
  const { id, name, email } = someone;
  user.value = { id, name, email };
  writeSetting(USER_KEY, JSON.stringify(user.value));
  ownSteps(id);
  phase.value = 'in';
  openStore({ userId: id, onUnauthorized: () => void verify() });
}

function lastUser(): Pick<User, 'id' | 'name' | 'email'> | undefined {
  const stored = readSetting(USER_KEY);
  return stored === null ? undefined : (JSON.parse(stored) as Pick<User, 'id' | 'name' | 'email'>);
}

export async function start(): Promise<void> {
  try {
    const { user: someone, session } = await call<CurrentSession>('GET', 'api/auth/session', {
      anonymous: true,
    });
    if (someone && session) {
      keepAlive(session.expires_at);
      enter(someone);
    } else {
      // Whoever was here last is asked back; what they had not sent yet still waits.
      phase.value = 'out';
    }
  } catch {
    const last = lastUser();
    if (last) {
      enter(last);
      addEventListener('online', () => void verify(), { once: true });
    } else {
      phase.value = 'unknown';
      setTimeout(() => void start(), RETRY);
    }
  }
}

export interface Credentials {
  name?: string;
  email: string;
  password: string;
}

/** @throws Refused, Unreachable */
export async function signIn(credentials: Credentials): Promise<void> {
  const door = credentials.name === undefined ? 'login' : 'signup';
  const answer = await call<SignedIn>('POST', `api/auth/${door}`, { json: credentials, anonymous: true });
  keepAlive(answer.session.expires_at);
  if (phase.value === 'in' && user.value?.id === answer.user.id) {
    sessionLost.value = false;
    resumeStore();
    say('Welcome back. Nothing was lost.');
    return;
  }
  if (phase.value === 'in') {
    await closeStore({ erase: false });
    resetList();
  }
  sessionLost.value = false;
  enter(answer.user);
}

/** @throws Unreachable when nobody answers: the session would live on. */
export async function signOut(): Promise<void> {
  await call('POST', 'api/auth/logout', { anonymous: true });
  clearTimeout(refreshTimer);
  writeSetting(USER_KEY, null);
  await closeStore({ erase: true });
  resetList();
  ownSteps(undefined);
  writeSetting(DRAFT_KEY, null);
  user.value = null;
  sessionLost.value = false;
  phase.value = 'out';
}

export function rename(name: string): void {
  if (!user.value) return;
  user.value = { ...user.value, name };
  writeSetting(USER_KEY, JSON.stringify(user.value));
}
