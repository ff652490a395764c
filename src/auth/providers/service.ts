// Signing in elsewhere and what is connected, for our own routes: the work is Better Auth's, the answers are ours.
import { REDIRECT_LENGTH } from '../../../contract/limits.ts';
import type {
  ConnectionList,
  ProviderList,
  ProviderRedirect,
  ProviderSignIn,
} from '../../../contract/providers.ts';
import type { AuditTrail } from '../../audit/audit-trail.ts';
import type { Database } from '../../database/database.ts';
import { translate } from '../../database/failure.ts';
import { AppError, validationError } from '../../errors.ts';
import type { Client } from '../../http/client.ts';
import { isAPIError } from '../api-error.ts';
import type { Caller, Callers } from '../caller.ts';
import { headersOf } from '../client-headers.ts';
import { assertFresh } from '../fresh.ts';
import type { LateBetterAuth } from '../late-better-auth.ts';
import { passwordOf } from '../repository.ts';
import { settled } from '../service.ts';
import type { SignUpPolicy } from '../sign-up-policy.ts';
import { disconnect as takeAway } from './disconnect.ts';
import { FAILURE_PAGE } from './door.ts';
import { connectionsOf } from './repository.ts';
import type { ProviderSettings } from './settings.ts';

/** Seconds after which a service that is away may be there again. */
const RETRY_AFTER = 30;

export interface ProviderServiceParts {
  database: Database;
  betterAuth: LateBetterAuth;
  callers: Callers;
  trail: AuditTrail;
  providers: readonly ProviderSettings[];
  publicUrl: string;
  signUps: SignUpPolicy;
  allowedOrigins: ReadonlySet<string>;
}

export interface Departure {
  body: ProviderRedirect;
  cookies: string[];
}

function notFound(): AppError {
  return new AppError('not_found', 'There is no such service to sign in with.');
}

function refusal(error: unknown): unknown {
  if (!isAPIError(error)) return error;
  const message = error.body?.message ?? '';
  switch (error.body?.code) {
    case 'PROVIDER_UNAVAILABLE':
      return new AppError('provider_unavailable', `${message} Try again later.`, { retryAfter: RETRY_AFTER });
    case 'EMAIL_NOT_VERIFIED':
      return new AppError('email_not_verified', message);
    default:
      return error;
  }
}

/** The ways to another service, which leave from here with a cookie. */
function departures({ betterAuth, callers, providers, publicUrl, allowedOrigins }: ProviderServiceParts) {
  const home = `${publicUrl}/`;
  const known = new Set<string>(providers.map(({ id }) => id));

  /** Pages of ours alone: whoever signs in must not be handed on to a stranger. */
  function target(path: keyof ProviderSignIn, given: string | undefined, byDefault: string): string {
    if (given === undefined) return byDefault;
    const url = URL.canParse(given, home) ? new URL(given, home) : undefined;
    const isOurs = url !== undefined && url.username === '' && allowedOrigins.has(url.origin);
    const isShort = url !== undefined && url.href.length <= REDIRECT_LENGTH;
    if (isOurs && isShort && !url.searchParams.has('error') && !url.searchParams.has('two_factor'))
      return url.href;
    const message = `must be a path or an address of an allowed origin, of at most ${REDIRECT_LENGTH} characters in all, without \`error\` and \`two_factor\``;
    throw validationError([{ path, message }]);
  }

  function bodyOf(id: string, input: ProviderSignIn) {
    return {
      provider: id,
      callbackURL: target('redirect_to', input.redirect_to, home),
      errorCallbackURL: target('error_redirect_to', input.error_redirect_to, `${publicUrl}${FAILURE_PAGE}`),
      disableRedirect: true,
    };
  }

  async function depart(
    run: () => Promise<{ headers: Headers; response: { url?: string | undefined } }>,
  ): Promise<Departure> {
    const { value, error, failure } = await settled(run);
    if (value?.response.url)
      return { body: { url: value.response.url }, cookies: value.headers.getSetCookie() };
    throw failure === undefined ? refusal(error) : translate(failure);
  }

  async function signIn(id: string, input: ProviderSignIn, client: Client): Promise<Departure> {
    if (!known.has(id)) throw notFound();
    const body = bodyOf(id, input);
    const auth = await betterAuth.loaded();
    return depart(() => auth.api.signInSocial({ body, headers: headersOf(client), returnHeaders: true }));
  }

  async function connect(
    caller: Caller,
    id: string,
    input: ProviderSignIn,
    client: Client,
  ): Promise<Departure> {
    if (!known.has(id))
      throw validationError([{ path: 'provider', message: 'must be one of GET /api/auth/providers' }]);
    assertFresh(caller.session);
    const body = bodyOf(id, input);
    const headers = headersOf(client);
    headers.set('cookie', callers.cookie.pair(caller.session.token));
    const auth = await betterAuth.loaded();
    return depart(() => auth.api.linkSocialAccount({ body, headers, returnHeaders: true }));
  }

  return { signIn, connect };
}

export function createProviderService(parts: ProviderServiceParts) {
  const { database, providers } = parts;
  const names = new Map<string, string>(providers.map(({ id, name }) => [id, name]));

  function list(): ProviderList {
    return { providers: providers.map(({ id, name }) => ({ id, name })), sign_up: parts.signUps.mode };
  }

  async function connections({ userId }: Caller): Promise<ConnectionList> {
    const [rows, passwords] = await Promise.all([
      database.read(connectionsOf, [userId]),
      database.read(passwordOf, [userId]),
    ]);
    return {
      connections: rows.map(({ id, provider_id: provider, created_at: connected_at }) => ({
        id,
        provider,
        name: names.get(provider) ?? provider,
        connected_at,
      })),
      has_password: passwords.length > 0,
    };
  }

  async function disconnect({ userId, session }: Caller, id: string, client: Client): Promise<void> {
    assertFresh(session);
    if (await takeAway(parts, { userId, sessionId: session.id, client }, id)) return;
    throw new AppError('not_found', 'There is no such connection.');
  }

  return { ...departures(parts), list, connections, disconnect };
}

export type ProviderService = ReturnType<typeof createProviderService>;
