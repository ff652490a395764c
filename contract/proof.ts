// What people show to prove who they are: the password of the account, a code of the second factor, a recovery code.
import { Type } from 'typebox';
import { CODE_LENGTH, PASSWORD_GIVEN_LENGTH } from './limits.ts';

export const CurrentPassword = Type.String({
  format: 'password',
  maxLength: PASSWORD_GIVEN_LENGTH,
  description: 'The password of the account.',
  examples: ['correct horse battery'],
  'x-error': `must be a string of at most ${PASSWORD_GIVEN_LENGTH} characters`,
});

export const Code = Type.String({
  maxLength: CODE_LENGTH,
  description: 'The six digits that the authenticator app shows.',
  examples: ['492039'],
  'x-error': `must be a string of at most ${CODE_LENGTH} characters`,
});

export const RecoveryCode = Type.String({
  maxLength: CODE_LENGTH,
  description: 'A recovery code that was not used yet; case, blanks and dashes do not matter.',
  examples: ['k7m2p9-x4qdtr-8vw3hn-6zb5cj'],
  'x-error': `must be a string of at most ${CODE_LENGTH} characters`,
});
