// A fresh sign-in: what a stolen session must not do needs one that is only minutes old.
import { FRESH_SIGN_IN_MINUTES } from '../../contract/limits.ts';
import { AppError } from '../errors.ts';

export function isFresh(session: { createdAt: Date | string }): boolean {
  return Date.now() - new Date(session.createdAt).getTime() <= FRESH_SIGN_IN_MINUTES * 60_000;
}

/** @throws AppError `fresh_sign_in_required` (403). */
export function assertFresh(session: { created_at: string }): void {
  if (isFresh({ createdAt: session.created_at })) return;
  throw new AppError('fresh_sign_in_required', 'Sign in again, then do this within ten minutes.');
}
