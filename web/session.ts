// Who is signed in: found at the start, kept alive while the app is open, and ended in both places at once.
import { effect, signal, untracked } from '@preact/signals';
import type { AccountDeletion } from '../contract/account.ts';
import type { CurrentSession, SignedIn, SignUp } from '../contract/auth.ts';
import type { TwoFactorLogin } from '../contract/two-factor.ts';
import { call, Refused, serverNow, sessionLost, Unreachable } from './http.ts';
import { resetList } from './list-state.ts';
import { become, lastPerson, type Person, user, watchOtherTabs } from './person.ts';
import { dropCodes, linkCodes, ownSteps } from './routes.ts';
import { Storage } from './storage.ts';
import { closeStore, openStore, resumeStore } from './store.ts';
import { draftKeyOf, writeSetting } from './theme.ts';
import { forgetToasts, say } from './toasts.ts';

/** `starting`: not known yet. `unknown`: the server does not answer and nobody was here before. */
export const phase = signal<'starting' | 'unknown' | 'out' | 'in'>('starting');

const SHORTEST_REFRESH = 20_000;
const LONGEST_TIMER = 24 * 60 * 60 * 1000;
const RETRY = 5_000;

let refreshTimer: ReturnType<typeof setTimeout> | undefined;

/** The session slides while the app is open: half-way to its end it is prolonged. */
function keepAlive(expiresAt: string): void {
  clearTimeout(refreshTimer);
  const left = Date.parse(expiresAt) - serverNow();
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

/** The account is being deleted: that its session ends is no news. */
let isDeleting = false;

/** The socket was refused or closed: asks whether the session really is over. */
async function verify(): Promise<void> {
  if (sessionLost.value || phase.value !== 'in' || isDeleting) return;
  try {
    const current = await call<CurrentSession>('GET', 'api/auth/session', { anonymous: true });
    if (!current.user || current.user.id !== user.value?.id) sessionLost.value = true;
    else if (current.session) keepAlive(current.session.expires_at);
  } catch {
    // No answer is not an answer.
  }
}

/** Whoever looks at the page again may have signed in again in another tab. */
async function lookAgain(): Promise<void> {
  if (document.hidden || !sessionLost.value || phase.value !== 'in') return;
  const current = await call<CurrentSession>('GET', 'api/auth/session', { anonymous: true }).catch(
    () => null,
  );
  if (!sessionLost.value || !current?.session || current.user?.id !== user.value?.id) return;
  keepAlive(current.session.expires_at);
  goOn();
}

function goOn(): void {
  sessionLost.value = false;
  resumeStore();
  say('Welcome back. Nothing was lost.');
}

function enter({ id, name, email }: Person): void {
  become({ id, name, email });
  ownSteps(id);
  phase.value = 'in';
  openStore({ userId: id, onUnauthorized: () => void verify() });
}

/** Whoever opens an invitation and is in already is told that it still waits for somebody. */
function sayUnused(): void {
  say('You are signed in already; the invitation was not used.');
}

effect(() => {
  if (phase.value !== 'in' || linkCodes.value.invitation === '') return;
  untracked(() => {
    dropCodes();
    sayUnused();
  });
});

/** Nothing of one person is left in the page for the next. */
async function clearPage(options: { erase: boolean }): Promise<void> {
  clearTimeout(refreshTimer);
  await closeStore(options);
  resetList();
  forgetToasts();
}

export async function start(): Promise<void> {
  try {
    const { user: someone, session } = await call<CurrentSession>('GET', 'api/auth/session', {
      anonymous: true,
    });
    if (someone && session) {
      keepAlive(session.expires_at);
      const isInvited = linkCodes.value.invitation !== '';
      enter(someone);
      if (isInvited) sayUnused();
    } else {
      // Whoever was here last is asked back; what they had not sent yet still waits.
      phase.value = 'out';
    }
  } catch {
    const last = lastPerson();
    if (last) {
      enter(last);
      addEventListener('online', () => void verify(), { once: true });
    } else {
      phase.value = 'unknown';
      setTimeout(() => void start(), RETRY);
    }
  }
}

// What is in this page is not for the one who is here now: it begins anew.
watchOtherTabs(() => location.reload());
document.addEventListener('visibilitychange', () => void lookAgain());
addEventListener('focus', () => void lookAgain());

/** Somebody is in, by whatever door: the one who was here goes on, another one starts afresh. */
async function arrive({ user: someone, session }: Pick<SignedIn, 'user' | 'session'>): Promise<void> {
  keepAlive(session.expires_at);
  if (phase.value === 'in' && user.value?.id === someone.id) return goOn();
  if (phase.value === 'in') await clearPage({ erase: false });
  sessionLost.value = false;
  enter(someone);
}

/** @throws Refused (`two_factor_required` when a code is still to come), Unreachable */
export async function logIn(json: { email: string; password: string }): Promise<void> {
  await arrive(await call<SignedIn>('POST', 'api/auth/login', { json, anonymous: true }));
}

/**
 * @returns `confirm` where the server lets nobody in before the e-mail is confirmed.
 * @throws Refused, Unreachable
 */
export async function signUp(json: SignUp): Promise<'in' | 'confirm'> {
  const answer = await call<SignedIn | { message: string }>('POST', 'api/auth/signup', {
    json,
    anonymous: true,
  });
  if (!('session' in answer)) return 'confirm';
  await arrive(answer);
  return 'in';
}

/** The browser has the first step in a cookie. @throws Refused, Unreachable */
export async function secondStep(json: Omit<TwoFactorLogin, 'challenge'>): Promise<void> {
  await arrive(await call<SignedIn>('POST', 'api/auth/two-factor', { json, anonymous: true }));
}

/** After a door that sets the cookie alone. @throws Refused, Unreachable */
export async function arriveByCookie(): Promise<void> {
  const { user: someone, session } = await call<CurrentSession>('GET', 'api/auth/session', {
    anonymous: true,
  });
  if (someone && session) await arrive({ user: someone, session });
}

/** Nobody is here any more, and nothing that this browser kept of them. */
async function depart(): Promise<void> {
  const leaving = user.value;
  await clearPage({ erase: true });
  become(null);
  ownSteps(undefined);
  if (leaving) writeSetting(draftKeyOf(leaving.id), null);
  sessionLost.value = false;
  phase.value = 'out';
}

/** @throws Unreachable when nobody answers: the session would live on. */
export async function signOut(): Promise<void> {
  try {
    await call('POST', 'api/auth/logout');
  } catch (error) {
    // Somebody else is signed in by now: that is not ours to end.
    if (!(error instanceof Refused && error.status === 401)) throw error;
  }
  await depart();
}

/** Changes of whoever was here last that the server has never heard of. */
export async function unsentOfLastPerson(): Promise<number> {
  const last = lastPerson();
  if (!last) return 0;
  const storage = new Storage(last.id);
  const { length } = await storage.readOperations();
  await storage.close();
  return length;
}

/** Nothing that this browser kept of whoever was here last: they may never sign in again, their account may be gone. */
export async function forgetLastPerson(): Promise<void> {
  const last = lastPerson();
  if (!last) return;
  await new Storage(last.id).erase();
  writeSetting(draftKeyOf(last.id), null);
  become(null);
}

/** The account with all that is in it, on the server and here. @throws Refused, Unreachable: then it is still there */
export async function deleteAccount(json: AccountDeletion): Promise<void> {
  isDeleting = true;
  try {
    const { message } = await call<{ message: string }>('DELETE', 'api/account', { json, byHand: true });
    await depart();
    say(message);
  } catch (error) {
    // The answer may have been lost, after all had been done.
    if (!(error instanceof Unreachable) || !(await isSessionOver())) throw error;
    await depart();
    say(
      'The answer was lost, but your session is over: your account is deleted, or you can sign in and see.',
    );
  } finally {
    isDeleting = false;
    void verify();
  }
}

async function isSessionOver(): Promise<boolean> {
  const current = await call<CurrentSession>('GET', 'api/auth/session', { anonymous: true }).catch(
    () => undefined,
  );
  return current?.user === null;
}

/** What the account page has changed. */
export function renew(change: Partial<Pick<Person, 'name' | 'email'>>): void {
  if (user.value) become({ ...user.value, ...change });
}
