// The page on which people land when signing in elsewhere has failed, unless a front end has one of its own.
import { SIGN_IN_FAILURES, type SignInFailure } from '../../../contract/sign-in-failures.ts';
import { noticePage } from '../../http/page.ts';

function sentenceFor(error: unknown): string {
  const known = typeof error === 'string' && Object.hasOwn(SIGN_IN_FAILURES, error);
  return SIGN_IN_FAILURES[known ? (error as SignInFailure) : 'failed'];
}

export function pageOfFailure(root: string, error: unknown): string {
  return noticePage(root, { title: 'Not signed in', words: sentenceFor(error), onwards: 'Back to Donewell' });
}
