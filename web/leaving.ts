// Leaving this device: with a question where something that was never sent would be lost.
import { pendingCount } from './outbox.ts';
import { forgetLastPerson, signOut, unsentOfLastPerson } from './session.ts';
import { count } from './task-words.ts';
import { say } from './toasts.ts';

function mayLose(waiting: number, deed: string): boolean {
  if (waiting === 0) return true;
  const have = waiting === 1 ? 'has' : 'have';
  return confirm(
    `${count(waiting, 'change')} ${have} not been sent yet and would be lost. ${deed} all the same?`,
  );
}

/** Of whoever is here now. */
export async function leave(): Promise<void> {
  if (!mayLose(pendingCount.value, 'Sign out')) return;
  try {
    await signOut();
  } catch {
    say('The server cannot be reached, so you are still signed in.', { tone: 'problem' });
  }
}

/** Of whoever was here last, and is signed out already. @returns whether it was done. */
export async function removeLastPerson(): Promise<boolean> {
  if (!mayLose(await unsentOfLastPerson(), 'Remove it')) return false;
  await forgetLastPerson();
  say('Removed from this device.');
  return true;
}
