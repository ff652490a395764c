// What we do in the place of an endpoint of Better Auth, for who is signed in: its clients, its shapes, our doing.
import type { BetterAuthPlugin } from 'better-auth';
import { APIError, createAuthMiddleware, getSessionFromCtx } from 'better-auth/api';
import { AppError } from '../errors.ts';
import type { Actor } from './caller.ts';
import { clientIn } from './client-headers.ts';

type Context = Parameters<Parameters<typeof createAuthMiddleware>[0]>[0];
type SignedIn = NonNullable<Awaited<ReturnType<typeof getSessionFromCtx>>>;
type BeforeHook = NonNullable<NonNullable<BetterAuthPlugin['hooks']>['before']>[number];

interface Call {
  context: Context;
  actor: Actor;
  signedIn: SignedIn;
}

function unauthorized(): APIError {
  return new APIError('UNAUTHORIZED', { code: 'UNAUTHORIZED', message: 'Unauthorized' });
}

export function bodyOf({ body }: Context): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? body : {};
}

/**
 * In the place of an endpoint. What is done may leave the call to Better Auth, which says itself what is wrong with a body
 * that is none of its kind.
 */
export function instead(path: string, run: (call: Call) => Promise<object | undefined>): BeforeHook {
  return {
    matcher: (context) => context.path === path,
    handler: createAuthMiddleware(async (context) => {
      const signedIn = await getSessionFromCtx(context, { disableRefresh: true });
      if (!signedIn) throw unauthorized();
      const { user, session } = signedIn;
      const actor = { userId: user.id, sessionId: session.id, client: clientIn(context.headers) };
      return run({ context, actor, signedIn }).catch((error: unknown) => {
        throw error instanceof AppError && error.code === 'unauthenticated' ? unauthorized() : error;
      });
    }),
  };
}
