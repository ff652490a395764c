// What a new password must be, as far as the page can tell.
import { PASSWORD_MAXIMUM_BYTES, PASSWORD_MINIMUM_LENGTH } from '../../contract/limits.ts';

export const PASSWORD_HINT = `${PASSWORD_MINIMUM_LENGTH} characters or more; a few words make a good one.`;

export function newPasswordFault(password: string): string | undefined {
  if (password === '') return 'Please choose a password.';
  if ([...password].length < PASSWORD_MINIMUM_LENGTH)
    return `At least ${PASSWORD_MINIMUM_LENGTH} characters, please.`;
  if (new TextEncoder().encode(password).length > PASSWORD_MAXIMUM_BYTES)
    return `At most ${PASSWORD_MAXIMUM_BYTES} bytes: that is too long.`;
  return undefined;
}

export function emailFault(email: string): string | undefined {
  return /^\S+@\S+\.\S+$/.test(email.trim()) ? undefined : 'That does not look like an e-mail address.';
}
