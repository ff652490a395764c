// What is wrong with a request to delete an account, in the words of our routes.
import { FRESH_SIGN_IN_MINUTES } from '../../contract/limits.ts';
import type { DeletionFault } from '../auth/account-deletion.ts';
import { AppError, validationError } from '../errors.ts';

const FIELDS: Record<Exclude<DeletionFault, 'session_old'>, [path: string, message: string]> = {
  password_missing: ['password', 'must be given: the account has one'],
  password_wrong: ['password', 'is wrong'],
  code_missing: ['code', 'or recovery_code must be given, one of the two'],
  code_wrong: ['code', 'is wrong, too old or was used before'],
  recovery_code_wrong: ['recovery_code', 'is wrong or was used before'],
};

export function deletionProblem(fault: DeletionFault): AppError {
  if (fault === 'session_old')
    return new AppError(
      'fresh_sign_in_required',
      `The account has no password: sign in again, and delete it within ${FRESH_SIGN_IN_MINUTES} minutes.`,
    );
  const [path, message] = FIELDS[fault];
  return validationError([{ path, message }]);
}
