// What owners do to their accounts through Better Auth's endpoints, done as on our own routes: the password and the sessions.
// Better Auth would leave other sessions alive when the password changes, and of more than a hundred it ends a hundred.
import type { BetterAuthPlugin } from 'better-auth';
import { APIError } from 'better-auth/api';
import { deleteSessionCookie } from 'better-auth/cookies';
import { CODE_LENGTH } from '../../contract/limits.ts';
import type { AccountDeletions, DeletionFault } from './account-deletion.ts';
import { DELETE_USER } from './better-auth-endpoints.ts';
import { bodyOf, instead } from './instead.ts';
import type { PasswordChecks } from './password-checks.ts';
import type { SessionEnds } from './session-ends.ts';

/** A deletion asks for what shows the owner: no link in a mail can do it. */
export const NO_DELETION_BY_LINK = '/delete-user/callback';

const DELETION_REFUSALS: Record<DeletionFault, [code: string, message: string]> = {
  password_missing: ['INVALID_PASSWORD', 'The password must be given.'],
  password_wrong: ['INVALID_PASSWORD', 'Invalid password'],
  code_missing: ['INVALID_CODE', 'The second factor is on: `code` must be a code of it or a recovery code.'],
  code_wrong: ['INVALID_CODE', 'Invalid code'],
  recovery_code_wrong: ['INVALID_CODE', 'Invalid code'],
  session_old: ['SESSION_NOT_FRESH', 'Sign in again to delete the account.'],
};

interface OwnerParts {
  checks: PasswordChecks;
  ends: SessionEnds;
  deletions: AccountDeletions;
}

/** An overlong password has been refused before, by the rules for all endpoints. */
function isText(given: unknown, maximum = Number.POSITIVE_INFINITY): given is string | undefined {
  return given === undefined || (typeof given === 'string' && given.length <= maximum);
}

/** Whatever the body says besides: there is no deletion by a token. */
function userDeletion(deletions: AccountDeletions) {
  return instead(DELETE_USER, async ({ context, actor, signedIn }) => {
    const { password, code } = bodyOf(context);
    if (!isText(password) || !isText(code, CODE_LENGTH))
      throw new APIError('BAD_REQUEST', {
        code: 'VALIDATION_ERROR',
        message: `password and code are texts, the latter of at most ${CODE_LENGTH} characters`,
      });
    const proof = code === undefined || /^[\d\s]*$/.test(code) ? { code } : { recoveryCode: code };
    const leaver = { ...actor, sessionCreatedAt: new Date(signedIn.session.createdAt) };
    const fault = await deletions.delete(leaver, { ...proof, password });
    if (fault) {
      const [code, message] = DELETION_REFUSALS[fault];
      throw new APIError(fault === 'session_old' ? 'FORBIDDEN' : 'BAD_REQUEST', { code, message });
    }
    deleteSessionCookie(context);
    return { success: true, message: 'User deleted' };
  });
}

export function ownerPlugin({ checks, ends, deletions }: OwnerParts) {
  const changePassword = instead('/change-password', async ({ context, actor, signedIn }) => {
    const { currentPassword, newPassword, revokeOtherSessions = false } = bodyOf(context);
    if (typeof currentPassword !== 'string' || typeof newPassword !== 'string') return undefined;
    if (typeof revokeOtherSessions !== 'boolean') return undefined;
    const changed = await checks.change(actor, currentPassword, newPassword);
    if (!changed)
      throw new APIError('BAD_REQUEST', { code: 'INVALID_PASSWORD', message: 'Invalid password' });
    // The session that did it stays, so there is no new token to tell.
    return { token: revokeOtherSessions ? signedIn.session.token : null, user: signedIn.user };
  });

  const revokeSession = instead('/revoke-session', async ({ context, actor }) => {
    const { token } = bodyOf(context);
    if (typeof token !== 'string') return undefined;
    const ended = await ends.oneByToken(actor, token);
    if (ended === actor.sessionId) deleteSessionCookie(context);
    return { status: true };
  });

  const revokeSessions = instead('/revoke-sessions', async ({ context, actor }) => {
    await ends.all(actor);
    deleteSessionCookie(context);
    return { status: true };
  });

  const revokeOtherSessions = instead('/revoke-other-sessions', async ({ actor }) => {
    await ends.others(actor);
    return { status: true };
  });

  return {
    id: 'donewell-owner',
    hooks: {
      before: [changePassword, revokeSession, revokeSessions, revokeOtherSessions, userDeletion(deletions)],
    },
  } satisfies BetterAuthPlugin;
}
