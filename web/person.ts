// Who this page belongs to. All tabs of a browser share one cookie, and so must agree on whose it is.
import { signal } from '@preact/signals';
import type { User } from '../contract/auth.ts';
import { sendAs } from './http.ts';
import { readSetting, writeSetting } from './theme.ts';

export type Person = Pick<User, 'id' | 'name' | 'email'>;

export const user = signal<Person | null>(null);

const USER_KEY = 'donewell.user';

/** Who was here last, and has not signed out. */
export function lastPerson(): Person | undefined {
  try {
    const { id, name, email } = JSON.parse(readSetting(USER_KEY) ?? 'null') as Partial<Person>;
    if (typeof id !== 'string' || typeof name !== 'string' || typeof email !== 'string') return undefined;
    return { id, name, email };
  } catch {
    return undefined;
  }
}

/** `null` when nobody is here any more. */
export function become(person: Person | null): void {
  user.value = person;
  sendAs(person?.id);
  writeSetting(USER_KEY, person && JSON.stringify(person));
}

/** Calls back when another tab has signed out or let somebody else in; also when the page comes back from the past. */
export function watchOtherTabs(onChange: () => void): void {
  const look = () => {
    const mine = user.peek();
    if (mine && lastPerson()?.id !== mine.id) onChange();
  };
  addEventListener('storage', ({ key }) => {
    if (key === USER_KEY || key === null) look();
  });
  addEventListener('pageshow', look);
}
