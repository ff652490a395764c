// Signing in elsewhere under our rules: whom another service may vouch for, and that nothing of its is kept but who it was.
import { createHash } from 'node:crypto';
import type { BetterAuthPlugin } from 'better-auth';
import {
  APIError,
  addOAuthServerContext,
  createAuthMiddleware,
  getOAuthState,
  getSessionFromCtx,
} from 'better-auth/api';
import { REDIRECT_LENGTH } from '../../../contract/limits.ts';
import type { SignInFailure } from '../../../contract/sign-in-failures.ts';
import type { AuditTrail } from '../../audit/audit-trail.ts';
import type { Database } from '../../database/database.ts';
import { codePointLength } from '../../text/clean-text.ts';
import { CALLBACK } from '../better-auth-endpoints.ts';
import { currentCall, noting } from '../call.ts';
import { clientIn } from '../client-headers.ts';
import { isFresh } from '../fresh.ts';
import { bodyOf, instead } from '../instead.ts';
import type { SignInLimits } from '../sign-in-limits.ts';
import { disconnect } from './disconnect.ts';
import { failurePage } from './door.ts';
import { beginReturn, isEmailVerified } from './repository.ts';
import type { ProviderSettings } from './settings.ts';
import { oidcPlugin } from './upstream.ts';

const SIGN_IN = '/sign-in/social';
const CONNECT = '/link-social';
const DISCONNECT = '/unlink-account';
/** The tokens of other services are not kept, so nothing can be done with them; failures have a page of ours. */
export const WITHOUT_TOKENS = ['/get-access-token', '/refresh-token', '/account-info', '/error'];

const TOKENS = [
  'accessToken',
  'refreshToken',
  'idToken',
  'accessTokenExpiresAt',
  'refreshTokenExpiresAt',
  'scope',
] as const;

type Context = Parameters<Parameters<typeof createAuthMiddleware>[0]>[0];
type Account = { id: string; userId: string; providerId: string };

export interface ProviderParts {
  database: Database;
  limits: SignInLimits;
  trail: AuditTrail;
  providers: readonly ProviderSettings[];
  /** PUBLIC_URL. */
  publicUrl: string;
  log: (message: string) => void;
}

function only(...paths: string[]) {
  const known = new Set<string | undefined>(paths);
  return ({ path }: { path?: string | undefined }) => known.has(path);
}

function refuse(
  status: 'BAD_REQUEST' | 'FORBIDDEN' | 'NOT_FOUND' | 'SERVICE_UNAVAILABLE',
  code: string,
  message: string,
) {
  return new APIError(status, { code, message });
}

function isOfCallback(context: { path?: string | undefined } | null | undefined): boolean {
  return context?.path === CALLBACK;
}

/** `error` in the address of the next page is ours to say. What is no text Better Auth refuses by itself. */
function assertTargets({ errorCallbackURL, ...next }: Record<string, unknown>): void {
  const texts = (targets: unknown[]) => targets.filter((target) => typeof target === 'string');
  const refused = (what: string) =>
    refuse('BAD_REQUEST', 'INVALID_CALLBACK_URL', `The callback URL must ${what}.`);
  if (
    texts([errorCallbackURL, ...Object.values(next)]).some((text) => codePointLength(text) > REDIRECT_LENGTH)
  )
    throw refused(`have at most ${REDIRECT_LENGTH} characters`);
  if (texts(Object.values(next)).some((text) => /[?&](error|two_factor)(=|&|$)/.test(text)))
    throw refused('not have `error` or `two_factor`');
}

/** A provider that is not there could not be asked; one of another name is not the one that the operator meant. */
function assertAvailable({ providers, log }: ProviderParts, { context }: Context, id: string): void {
  const settings = providers.find((provider) => provider.id === id);
  if (!settings) throw refuse('NOT_FOUND', 'PROVIDER_NOT_FOUND', 'Provider not found');
  const found = context.socialProviders.find((provider) => provider.id === id);
  const plain = (issuer: string | undefined) => issuer?.replace(/\/+$/, '');
  const isOther = found !== undefined && plain(settings.issuer) !== plain(found.issuer);
  if (isOther) log(`The provider at OIDC_ISSUER calls itself ${found.issuer}: set OIDC_ISSUER to that.`);
  if (found && !isOther) return;
  throw refuse(
    'SERVICE_UNAVAILABLE',
    'PROVIDER_UNAVAILABLE',
    `${settings.name} cannot be reached right now.`,
  );
}

function beginning(parts: ProviderParts) {
  return createAuthMiddleware(async (context) => {
    const { provider, idToken, callbackURL, newUserCallbackURL, errorCallbackURL } = (context.body ??
      {}) as Record<string, unknown>;
    if (typeof provider !== 'string') return undefined; // Better Auth says what is wrong
    // Such a token is bound to no browser: whoever gets hold of one could sign in with it.
    if (idToken !== undefined) throw refuse('NOT_FOUND', 'ID_TOKEN_NOT_SUPPORTED', 'ID token not supported');
    await parts.limits.countBeginning(clientIn(context.headers).address);
    assertAvailable(parts, context, provider);
    assertTargets({ callbackURL, newUserCallbackURL, errorCallbackURL });
    await addOAuthServerContext({ provider });
    return callbackURL === undefined
      ? { context: { body: { callbackURL: `${parts.publicUrl}/` } } }
      : undefined;
  });
}

/**
 * Each way back is walked once. Otherwise a browser that asks twice would send its code twice, and the other service, which
 * takes that for a theft, would undo both.
 */
function returning({ database, publicUrl }: ProviderParts) {
  return createAuthMiddleware(async (ctx) => {
    const { state } = (ctx.query ?? {}) as { state?: unknown };
    const { createAuthCookie, secret } = ctx.context;
    const own = await ctx.getSignedCookie(createAuthCookie('state').name, secret);
    if (typeof state !== 'string' || state !== own) return; // Better Auth says what is wrong
    const id = `return-${createHash('sha256').update(state).digest('base64url')}`;
    const [begun] = await noting(database.transaction((transaction) => transaction.query(beginReturn, [id])));
    if (!begun) throw ctx.redirect(failurePage(publicUrl, 'state_mismatch'));
  });
}

/** Who steals a session must not get a way in that outlives it. */
const freshness = createAuthMiddleware(async (context) => {
  const signedIn = await getSessionFromCtx(context, { disableRefresh: true });
  if (signedIn && !isFresh(signedIn.session))
    throw refuse('FORBIDDEN', 'SESSION_NOT_FRESH', 'Sign in again to change how you sign in.');
  if (context.path === CONNECT && signedIn && !signedIn.user.emailVerified)
    throw refuse('FORBIDDEN', 'EMAIL_NOT_VERIFIED', 'Confirm the e-mail of your account first.');
});

interface Identity {
  user: { id?: string; emailVerified?: boolean };
  source: { action: string; method: string; oauth?: { providerId: string } };
}

type Verdict = { error: SignInFailure } | undefined;

/**
 * Whom another service may vouch for. An account comes into being, or is connected, only by an e-mail that the service has
 * verified; and is connected only where the e-mail of the account has been verified, too: whoever typed somebody else's
 * address at sign-up must neither take over that person's identity nor be there when that person comes.
 */
function judgement({ database }: ProviderParts) {
  return async ({ user, source }: Identity): Promise<Verdict> => {
    if (source.method !== 'oauth') return undefined;
    const state = await getOAuthState();
    if (state?.serverContext?.provider !== source.oauth?.providerId) return { error: 'state_mismatch' };
    if (source.action === 'sign-in') return undefined;
    if (user.emailVerified !== true) return { error: 'email_not_verified_there' };
    if (source.action !== 'link-account') return undefined;
    const [row] = await noting(database.read(isEmailVerified, [user.id ?? '']));
    return row?.email_verified ? undefined : { error: 'email_not_verified' };
  };
}

/** After the other service has kept us waiting too long the person has been told so: then nothing more is done. */
function assertAwaited(): void {
  if (currentCall()?.abandoned) throw new Error('The other service answered too late');
}

function withoutTokens<Fields extends object>(account: Fields): { data: Fields } {
  const present = TOKENS.filter((token) => token in account);
  return { data: { ...account, ...Object.fromEntries(present.map((token) => [token, null])) } };
}

function databaseHooks({ limits, trail }: ProviderParts) {
  return {
    user: {
      create: {
        before: async (_user: object, context: Context | null | undefined) => {
          assertAwaited();
          if (isOfCallback(context))
            await noting(limits.countSignUp(clientIn(context?.headers ?? undefined).address));
        },
      },
    },
    account: {
      create: {
        before: async (account: object) => {
          assertAwaited();
          return withoutTokens(account);
        },
        after: async (account: Account, context: Context | null | undefined) => {
          // A new account is told of by itself.
          if (!isOfCallback(context) || currentCall()?.madeUser !== undefined) return;
          const { userId, providerId } = account;
          const client = clientIn(context?.headers ?? undefined);
          await trail.record({
            userId,
            kind: 'provider_connected',
            client,
            details: { provider: providerId },
          });
        },
      },
      update: { before: async (account: object) => withoutTokens(account) },
    },
    session: { create: { before: async () => assertAwaited() } },
  };
}

function aftermath({ limits }: ProviderParts) {
  return createAuthMiddleware(async ({ context, headers }) => {
    const { newSession } = context;
    if (newSession) await limits.remember(newSession.user.id, clientIn(headers).address);
  });
}

/**
 * Better Auth would take the password for one more connection and delete it, for whoever has a session: there would be nothing
 * left to ask the owner for.
 */
function disconnection(parts: ProviderParts) {
  return instead(DISCONNECT, async ({ context, actor }) => {
    const { accountId } = bodyOf(context);
    if (typeof accountId !== 'string') return undefined;
    if (!(await noting(disconnect(parts, actor, accountId))))
      throw refuse('BAD_REQUEST', 'ACCOUNT_NOT_FOUND', 'Account not found');
    return { status: true };
  });
}

/** Behind the second factor's plugin, which takes back the session of who has still to show it. */
export function providerPlugins(parts: ProviderParts) {
  const rules = {
    id: 'provider-rules',
    init: () => ({
      options: { databaseHooks: databaseHooks(parts), user: { validateUserInfo: judgement(parts) } },
    }),
    hooks: {
      before: [
        { matcher: only(CONNECT, DISCONNECT), handler: freshness },
        disconnection(parts),
        { matcher: only(SIGN_IN, CONNECT), handler: beginning(parts) },
        { matcher: only(CALLBACK), handler: returning(parts) },
      ],
      after: [{ matcher: only(CALLBACK), handler: aftermath(parts) }],
    },
  } as BetterAuthPlugin;
  return [oidcPlugin(parts.providers, parts.publicUrl), rules];
}
