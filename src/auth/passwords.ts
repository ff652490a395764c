// Passwords: the rules for a new one, and bcrypt off the event loop with a bounded number of hashes at once.
import { PASSWORD_MAXIMUM_BYTES, PASSWORD_MINIMUM_LENGTH } from '../../contract/limits.ts';
import { codePointLength } from '../text/clean-text.ts';
import { isCommonPassword } from './common-passwords.ts';
import { HASHES_AT_ONCE, hashApart } from './hashing.ts';
import { Semaphore } from './semaphore.ts';

const BCRYPT_COST = 12;
/** At about a quarter of a second each, a longer queue would outlast its clients' patience. */
const LONGEST_QUEUE = 64;

const semaphore = new Semaphore(HASHES_AT_ONCE, LONGEST_QUEUE);

/** @throws AppError `overloaded` (503) when too many are waiting already, or the process that hashes has died. */
export function hashPassword(password: string): Promise<string> {
  return semaphore.run(async () => String(await hashApart({ password, cost: BCRYPT_COST })));
}

/** @throws AppError `overloaded` (503) when too many are waiting already, or the process that hashes has died. */
export function verifyPassword(hash: string, password: string): Promise<boolean> {
  return semaphore.run(async () => (await hashApart({ password, hash })) === true);
}

export function isTooLong(password: string): boolean {
  return Buffer.byteLength(password) > PASSWORD_MAXIMUM_BYTES;
}

export interface PasswordFault {
  /** As Better Auth's clients know it. */
  code: 'PASSWORD_TOO_SHORT' | 'PASSWORD_TOO_LONG' | 'INVALID_PASSWORD' | 'PASSWORD_COMPROMISED';
  /** Completes "password …". */
  message: string;
}

/** What is wrong with a new password, if anything is. */
export function passwordFault(password: string): PasswordFault | undefined {
  const fault = (code: PasswordFault['code'], message: string) => ({ code, message });
  if (codePointLength(password) < PASSWORD_MINIMUM_LENGTH)
    return fault('PASSWORD_TOO_SHORT', `must be at least ${PASSWORD_MINIMUM_LENGTH} characters long`);
  if (isTooLong(password))
    return fault('PASSWORD_TOO_LONG', `must be at most ${PASSWORD_MAXIMUM_BYTES} bytes long`);
  if (password.includes('\0')) return fault('INVALID_PASSWORD', 'must not contain a NUL character');
  return isCommonPassword(password)
    ? fault(
        'PASSWORD_COMPROMISED',
        'is one of the most common passwords, or as easy to guess: choose another',
      )
    : undefined;
}
