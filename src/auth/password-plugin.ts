// Better Auth's own change of a password, made by our rules: wrong guesses are limited and all other sessions end.
import type { BetterAuthPlugin } from 'better-auth';
import { APIError, createAuthMiddleware, getSessionFromCtx } from 'better-auth/api';
import { clientIn } from './client-headers.ts';
import type { PasswordChecks } from './password-checks.ts';

interface Body {
  currentPassword?: unknown;
  newPassword?: unknown;
  revokeOtherSessions?: unknown;
}

export function passwordPlugin(checks: PasswordChecks) {
  return {
    id: 'donewell-password',
    hooks: {
      before: [
        {
          matcher: ({ path }) => path === '/change-password',
          handler: createAuthMiddleware(async (ctx) => {
            const { currentPassword, newPassword, revokeOtherSessions } = (ctx.body ?? {}) as Body;
            // Of a body that is none of its kind Better Auth says itself what is wrong.
            if (typeof currentPassword !== 'string' || typeof newPassword !== 'string') return;
            if (typeof (revokeOtherSessions ?? false) !== 'boolean') return;
            const signedIn = await getSessionFromCtx(ctx, { disableRefresh: true });
            if (!signedIn)
              throw new APIError('UNAUTHORIZED', { code: 'UNAUTHORIZED', message: 'Unauthorized' });
            const { session, user } = signedIn;
            const actor = { userId: user.id, sessionId: session.id, client: clientIn(ctx.headers) };
            const changed = await checks.change(actor, currentPassword, newPassword);
            if (!changed)
              throw new APIError('BAD_REQUEST', { code: 'INVALID_PASSWORD', message: 'Invalid password' });
            // The session that did it stays, so there is no new token to tell.
            return { token: revokeOtherSessions === true ? session.token : null, user };
          }),
        },
      ],
    },
  } satisfies BetterAuthPlugin;
}
