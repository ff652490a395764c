// The door of every /api route: finds the caller, counts the request, keeps foreign pages from using cookies.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { User } from '../../contract/auth.ts';
import { SIGNED_IN_AS } from '../../contract/headers.ts';
import type { Scope } from '../../contract/token.ts';
import { AppError } from '../errors.ts';
import { tokenSecurity } from '../http/docs.ts';
import { assertTrustedWrite, isForeignPage, isWrite, type OriginRules } from '../http/origin.ts';
import { type RateWindow, rateLimited, setRateHeaders } from '../http/rate-limit.ts';
import { isApiToken } from './api-token.ts';
import type { ApiTokens, TokenCaller } from './api-tokens.ts';
import { bearerToken, type Caller, type Callers } from './caller.ts';
import type { SessionUses } from './session-uses.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks by a session. */
    caller: Caller | undefined;
    /** Who asks by an API token, at a route that its scopes open. */
    tokenCaller: TokenCaller | undefined;
  }
  interface FastifyContextConfig {
    /** The route answers 401 to a caller without a session. */
    needsSession?: boolean;
    /** With these an API token will do instead of the session. A route that names none takes no token. */
    scopes?: readonly Scope[];
    /** Counted, but never refused for being one too many: whoever wants to leave may. */
    isNeverTooMany?: boolean;
    /** Better Auth checks the origin of this route by itself. */
    ownOriginCheck?: boolean;
  }
}

export interface GuardOptions {
  callers: Callers;
  tokens: ApiTokens;
  rules: OriginRules;
  /** Requests of one user. */
  requests: RateWindow;
  uses: SessionUses;
}

export function unauthenticated(): AppError {
  return new AppError('unauthenticated', 'Sign in to continue.');
}

/** The caller of a route that needs a session; a token is none. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw unauthenticated();
  return request.caller;
}

/** The user of a route that needs a session or a token. */
export function userIdOf(request: FastifyRequest): string {
  return request.tokenCaller?.userId ?? callerOf(request).userId;
}

/** Who the caller is, for what shows it or sends a mail. @throws AppError 401 for one who has been deleted since the door. */
export async function profileOf(callers: Callers, caller: Caller): Promise<User> {
  const user = await callers.userOf(caller);
  if (!user) throw unauthenticated();
  return user;
}

/** Whether an answer may take the cookie away: a form on a foreign page comes without it, and has no say in that. */
export function mayClearCookie(rules: OriginRules, request: FastifyRequest): boolean {
  return request.caller !== undefined || !isForeignPage(rules, request);
}

function isApi(request: FastifyRequest): boolean {
  return /^\/api(\/|\?|$)/.test(request.url);
}

function assertOrigin(options: GuardOptions, request: FastifyRequest): void {
  if (request.routeOptions.config.ownOriginCheck || !isWrite(request)) return;
  const { authorization, cookie } = request.headers;
  const cookieBorne = bearerToken(authorization) === undefined && options.callers.cookie.isIn(cookie);
  if (cookieBorne) assertTrustedWrite(options.rules, request);
}

/** Refuses whatever the route does not name. @throws AppError `unauthorized_access` (403). */
function assertScopes({ scopes }: TokenCaller, needed: readonly Scope[] | undefined): void {
  if (!needed) throw new AppError('unauthorized_access', 'This cannot be done with an API token: sign in.');
  const missing = needed.filter((scope) => !scopes.includes(scope));
  if (missing.length > 0)
    throw new AppError('unauthorized_access', `The API token lacks the scope ${missing.join(' and ')}.`);
}

/** A browser that says who it takes itself to be is not served as somebody else. */
function assertExpected(request: FastifyRequest): void {
  const expected = request.headers[SIGNED_IN_AS];
  const userId = request.tokenCaller?.userId ?? request.caller?.userId;
  if (expected !== undefined && expected !== userId) throw unauthenticated();
}

async function count({ requests }: GuardOptions, userId: string, reply: FastifyReply): Promise<void> {
  reply.request.askedBy = userId;
  const state = await requests.consume(userId);
  setRateHeaders(reply, requests.options, state);
  if (!state.allowed && !reply.request.routeOptions.config.isNeverTooMany)
    throw rateLimited('You have made too many requests.', state);
}

async function admit(options: GuardOptions, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { config } = request.routeOptions;
  const bearer = bearerToken(request.headers.authorization);
  if (bearer !== undefined && isApiToken(bearer)) {
    // Where anybody may ask, a token makes nobody.
    const token = config.needsSession ? await options.tokens.find(bearer) : undefined;
    if (token) {
      await count(options, token.userId, reply);
      assertScopes(token, config.scopes);
      request.tokenCaller = token;
    }
  } else {
    request.caller = await options.callers.find(request.headers);
    if (request.caller) {
      options.uses.note(request.caller.session.id);
      await count(options, request.caller.userId, reply);
    }
    assertOrigin(options, request);
  }
  assertExpected(request);
  if (config.needsSession && !request.caller && !request.tokenCaller) throw unauthenticated();
}

/** Installs the door. It stands before the body is read: a stranger's body is never parsed. */
export function installGuard(app: FastifyInstance, options: GuardOptions): void {
  app.decorateRequest('caller', undefined);
  app.decorateRequest('tokenCaller', undefined);
  // What the door asks for is what the document says.
  app.addHook('onRoute', ({ config, schema }) => {
    if (config?.scopes && schema) Object.assign(schema, tokenSecurity(config.scopes));
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (!isApi(request)) return done();
    admit(options, request, reply).then(() => done(), done);
  });
}
