// The second step of signing in: a challenge, which a right password was given, and a code make a session.
import type { TwoFactorLogin } from '../../../contract/two-factor.ts';
import { translate } from '../../database/failure.ts';
import { AppError, validationError } from '../../errors.ts';
import type { Client } from '../../http/client.ts';
import { isAPIError } from '../api-error.ts';
import type { Callers } from '../caller.ts';
import { headersOf } from '../client-headers.ts';
import type { LateBetterAuth } from '../late-better-auth.ts';
import { type NewSession, newSession, settled } from '../service.ts';
import type { ChallengeCookie } from './challenge.ts';
import type { Proof } from './second-factors.ts';

interface SecondStepParts {
  betterAuth: LateBetterAuth;
  callers: Callers;
  challenges: ChallengeCookie;
}

/** Better Auth's words for a code that is wrong, or that another request has used up meanwhile. */
const WRONG = new Set<string | undefined>(['INVALID_CODE', 'INVALID_BACKUP_CODE']);

/** @throws AppError `validation_error` when it is not exactly one of the two. */
export function oneProof(given: { code?: string; recovery_code?: string }): Proof {
  const { code, recovery_code: recoveryCode } = given;
  if ((code === undefined) === (recoveryCode === undefined))
    throw validationError([{ path: 'code', message: 'or recovery_code must be given, one of the two' }]);
  return { code, recoveryCode };
}

function startAgain(cause?: unknown): AppError {
  return new AppError('unauthenticated', 'The sign-in has taken too long or was ended. Start again.', {
    cause,
  });
}

function refusal(error: unknown): unknown {
  if (!isAPIError(error)) return error;
  if (error.statusCode >= 500) return error;
  const isWrong = WRONG.has(error.body?.code) || error.statusCode === 409;
  return isWrong
    ? new AppError('invalid_code', 'The code is wrong, too old or was used before.', { cause: error })
    : startAgain(error);
}

/** @param input with a challenge from the body or the cookie. @throws AppError `unauthenticated`, `invalid_code` (401) */
export async function secondStep(
  { betterAuth, callers, challenges }: SecondStepParts,
  input: TwoFactorLogin,
  client: Client,
): Promise<NewSession> {
  const { code, recoveryCode } = oneProof(input);
  const cookie = challenges.header(input.challenge ?? '');
  if (cookie === undefined) throw startAgain();
  const headers = headersOf(client);
  headers.set('cookie', cookie);
  const auth = await betterAuth.loaded();
  const { value, error, failure } = await settled(() =>
    code === undefined
      ? auth.api.verifyBackupCode({ body: { code: recoveryCode ?? '' }, headers, returnHeaders: true })
      : auth.api.verifyTOTP({ body: { code }, headers, returnHeaders: true }),
  );
  if (failure !== undefined) throw translate(failure);
  if (!value?.response.token) throw refusal(error);
  return newSession(callers, { headers: value.headers, token: value.response.token });
}
