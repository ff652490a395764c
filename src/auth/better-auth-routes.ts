// Better Auth's own endpoints under /api/auth, behind our door: the same sessions, limits and origin rule, its own shapes.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { isUniqueViolation, translate } from '../database/failure.ts';
import { AppError } from '../errors.ts';
import { parseJson, readOn } from '../http/body.ts';
import { clientOf } from '../http/client.ts';
import { clientAddress } from '../http/client-address.ts';
import { betterAuthOperation } from '../http/docs.ts';
import { isForeignPage, type OriginRules } from '../http/origin.ts';
import { logFailure, publicError } from '../http/problem.ts';
import { isAPIError } from './api-error.ts';
import {
  BETTER_AUTH_ENDPOINTS,
  CALLBACK,
  DELETE_USER,
  ENABLE_TWO_FACTOR,
  PASSKEY_REGISTRATION,
  SIGN_IN,
  SIGN_OUT,
  SIGN_UP,
} from './better-auth-endpoints.ts';
import { withFailure } from './call.ts';
import { bearerToken, type Caller, type Callers } from './caller.ts';
import { ADDRESS_HEADER } from './client-headers.ts';
import { mayClearCookie } from './guard.ts';
import type { LateBetterAuth } from './late-better-auth.ts';
import type { LinkRequests } from './links/requests.ts';
import type { PasswordChecks } from './password-checks.ts';
import { returnFromProvider } from './providers/door.ts';
import type { SignInLimits } from './sign-in-limits.ts';

export interface BetterAuthRoutesOptions {
  betterAuth: LateBetterAuth;
  callers: Callers;
  limits: SignInLimits;
  checks: PasswordChecks;
  trail: AuditTrail;
  rules: OriginRules;
  links: { requests: LinkRequests };
  /** Endpoints that are answered elsewhere. */
  except: ReadonlySet<string>;
  /** Origin of PUBLIC_URL, under which Better Auth believes to be. */
  origin: string;
  /** PUBLIC_URL. */
  publicUrl: string;
  requireVerifiedEmail: boolean;
}

const BASE = '/api/auth';
const PROVIDER_NAME = /^[\w-]+$/;
/** Headers of a client that Better Auth reads; whatever else came stays with us. */
const FORWARDED = ['accept', 'accept-language', 'user-agent'];
/** Endpoints that a plain HTML form may be sent to. */
const FORMS = new Set([SIGN_IN, SIGN_UP]);
/** For one who lost a race, the answer to one who came later. */
const LOST_RACES = new Map([
  [
    SIGN_UP,
    {
      status: 422,
      message: 'User already exists. Use another email.',
      code: 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL',
    },
  ],
  [
    ENABLE_TWO_FACTOR,
    { status: 409, message: 'Another request has begun it just now.', code: 'TWO_FACTOR_CONFLICT' },
  ],
  [PASSKEY_REGISTRATION, { status: 409, message: 'Previously registered', code: 'PREVIOUSLY_REGISTERED' }],
]);
const NOT_COPIED = new Set(['set-cookie', 'content-length', 'transfer-encoding', 'connection']);

/** Better Auth's error shape, for our own refusals at its endpoints. */
function sendInItsShape(reply: FastifyReply, error: AppError): FastifyReply {
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
  return reply
    .code(error.status)
    .type('application/json')
    .send(JSON.stringify({ code: error.code.toUpperCase(), message: error.message }));
}

/** Whatever fails at the routes of this scope is answered in Better Auth's shape. */
export function inItsShape(scope: FastifyInstance): void {
  scope.setErrorHandler((thrown, request, reply) => {
    const error = isAPIError(thrown)
      ? new AppError('internal_error', 'Something went wrong on our side.', { cause: thrown })
      : publicError(thrown);
    logFailure(request, error);
    readOn(reply, error);
    return sendInItsShape(reply, error);
  });
}

/** Better Auth understands cookies alone: a bearer is shown to it by one, and what we do not take it never sees. */
function cookieHeader({ headers, caller }: FastifyRequest, options: BetterAuthRoutesOptions): string {
  const { cookie } = options.callers;
  if (caller?.by === 'bearer') return cookie.pair(caller.session.token);
  const isBearer = bearerToken(headers.authorization) !== undefined;
  return isBearer ? '' : cookie.canonical(headers.cookie ?? '');
}

function forwardedHeaders(request: FastifyRequest, options: BetterAuthRoutesOptions): Headers {
  const { caller } = request;
  const headers = new Headers();
  for (const name of FORWARDED) {
    const value = request.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  headers.set(ADDRESS_HEADER, clientAddress(request));
  const cookie = cookieHeader(request, options);
  if (cookie !== '') headers.set('cookie', cookie);
  // Our rule knows more (own address, clients that send no Origin); where it refuses, Better Auth says so in its words.
  const foreign = isForeignPage(options.rules, request) && caller?.by !== 'bearer';
  const { origin } = request.headers;
  // A foreign page that names none is nobody: without a cookie Better Auth would take its form for that of a program.
  headers.set('origin', foreign ? (origin ?? 'null') : options.origin);
  return headers;
}

/** The one reading of the body, for our limits and for Better Auth alike. */
function bodyOf(request: FastifyRequest, path: string): unknown {
  const { bodyError, rawBody, headers } = request;
  if (!bodyError) return request.body;
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const isForm = type === 'application/x-www-form-urlencoded' && headers['content-encoding'] === undefined;
  if (!isForm || !FORMS.has(path)) throw bodyError;
  const fields = Object.fromEntries(new URLSearchParams(rawBody?.toString()));
  return parseJson(Buffer.from(JSON.stringify(fields)));
}

function urlOf(request: FastifyRequest, path: string, origin: string): string {
  if (/%00/.test(request.url)) throw new AppError('malformed_request', 'The URL has a NUL character.');
  const [search = ''] = /\?.*/s.exec(request.url) ?? [];
  const { id = '' } = request.params as { id?: string };
  // The route's own spelling. What stands for the name of a provider must be one: `..\sign-in` would lead past everything that
  // is counted, since URLs take it for a path.
  if (path === CALLBACK && !PROVIDER_NAME.test(id))
    throw new AppError('not_found', 'There is nothing at this address.');
  return `${origin}${BASE}${path.replace(':id', id)}${search}`;
}

type Incoming = { request: FastifyRequest; path: string; body: unknown };

function toRequest({ request, path, body }: Incoming, options: BetterAuthRoutesOptions): Request {
  const init = {
    method: request.method === 'HEAD' ? 'GET' : request.method,
    headers: forwardedHeaders(request, options),
  };
  const url = urlOf(request, path, options.origin);
  if (body === undefined || init.method === 'GET') return new Request(url, init);
  init.headers.set('content-type', 'application/json');
  return new Request(url, { ...init, body: JSON.stringify(body) });
}

async function call(incoming: Incoming, options: BetterAuthRoutesOptions): Promise<Response> {
  const forwarded = toRequest(incoming, options);
  const auth = await options.betterAuth.loaded();
  const { result, failure } = await withFailure(() =>
    auth.handler(forwarded).catch((error: unknown) => ({ thrown: error })),
  );
  const lostRace = isUniqueViolation(failure) ? LOST_RACES.get(incoming.path) : undefined;
  if (lostRace && ('thrown' in result || result.status >= 400)) {
    const { status, ...body } = lostRace;
    return Response.json(body, { status });
  }
  if ('thrown' in result) throw translate(failure ?? result.thrown);
  // The plugin takes every registration that it cannot verify for a failure of its own.
  if (incoming.path === PASSKEY_REGISTRATION && result.status === 500 && failure === undefined)
    return new Response(result.body, { status: 400, headers: result.headers });
  // What Better Auth made of a database that was away is never the truth.
  if (failure !== undefined && result.status >= 400) {
    const known = translate(failure);
    if (known instanceof AppError || result.status >= 500) throw known;
  }
  if (result.status === 404 && (await result.clone().text()) === '')
    throw new AppError('not_found', 'There is nothing at this address.');
  return result;
}

function textIn(body: unknown, field: 'email' | 'password'): string | undefined {
  const { [field]: text } = (body ?? {}) as { email?: unknown; password?: unknown };
  return typeof text === 'string' ? text : undefined;
}

type AnswerBody = { code?: string; user?: { id?: string } };

async function bodyIn(response: Response): Promise<AnswerBody> {
  const body = (await response
    .clone()
    .json()
    .catch(() => null)) as AnswerBody | null;
  return body ?? {};
}

async function userIdIn(response: Response): Promise<string | undefined> {
  return response.ok ? (await bodyIn(response)).user?.id : undefined;
}

class NotCounted extends Error {
  readonly response: Response;
  constructor(response: Response) {
    super();
    this.response = response;
  }
}

/** Who has the right password, but an e-mail that is not confirmed, is sent a new link. */
async function refusedSignIn(
  response: Response,
  email: string,
  { links }: BetterAuthRoutesOptions,
): Promise<Response> {
  const { code } = await bodyIn(response);
  if (code === 'EMAIL_NOT_VERIFIED') await links.requests.verificationAtSignIn(email);
  return response;
}

async function limitedSignUp(
  address: string,
  incoming: Incoming,
  options: BetterAuthRoutesOptions,
): Promise<Response> {
  const uncount = await options.limits.countSignUp(address);
  const make = () =>
    call(incoming, options).catch(async (error: unknown) => {
      await uncount();
      throw error;
    });
  const first = await make();
  // Where it is not told that an e-mail is taken, who lost a race for it is answered as a latecomer is.
  const response = first.status === 422 && options.requireVerifiedEmail ? await make() : first;
  if (response.status === 400 || response.status === 403 || response.status === 415) await uncount();
  const userId = await userIdIn(response);
  if (userId !== undefined) await options.limits.remember(userId, address);
  return response;
}

async function limitedSignIn(
  address: string,
  incoming: Incoming,
  options: BetterAuthRoutesOptions,
): Promise<Response> {
  const email = textIn(incoming.body, 'email') ?? '';
  try {
    const response = await options.limits.attempt({ email, address }, async () => {
      const response = await call(incoming, options);
      // Only a wrong password is a wrong sign-in; a malformed or refused one told the caller nothing.
      if (!response.ok && response.status !== 401) throw new NotCounted(response);
      // Without a user where the second factor is still to come.
      return { right: response.ok, userId: await userIdIn(response), result: response };
    });
    if (response.status === 401) options.trail.recordFailedSignIn(email, clientOf(incoming.request));
    return response;
  } catch (error) {
    if (error instanceof NotCounted) return refusedSignIn(error.response, email, options);
    throw error;
  }
}

/** Whichever endpoint asks somebody who is signed in for the password: wrong ones are counted together. */
async function limitedCheck(
  caller: Caller,
  incoming: Incoming,
  options: BetterAuthRoutesOptions,
): Promise<Response> {
  const { userId, session } = caller;
  return options.limits.attemptCheck(userId, async () => {
    const response = await call(incoming, options);
    const right = response.ok || (await bodyIn(response)).code !== 'INVALID_PASSWORD';
    if (!right) {
      const actor = { userId, sessionId: session.id, client: clientOf(incoming.request) };
      await options.checks.tellWrong(actor);
    }
    return { right, result: response };
  });
}

/** What is limited through the other door is limited through this one. */
async function limited(
  path: string,
  request: FastifyRequest,
  options: BetterAuthRoutesOptions,
): Promise<Response> {
  const { caller } = request;
  const address = clientAddress(request);
  const incoming = { request, path, body: bodyOf(request, path) };
  if (path === CALLBACK) {
    const forward = async () => (await options.betterAuth.loaded()).handler(toRequest(incoming, options));
    return returnFromProvider(forward, { publicUrl: options.publicUrl, log: request.log });
  }
  if (path === SIGN_UP) return limitedSignUp(address, incoming, options);
  if (path === SIGN_IN) return limitedSignIn(address, incoming, options);
  if (caller && path !== DELETE_USER && textIn(incoming.body, 'password') !== undefined)
    return limitedCheck(caller, incoming, options);
  return call(incoming, options);
}

async function send(
  reply: FastifyReply,
  response: Response,
  { withCookies }: { withCookies: boolean },
): Promise<FastifyReply> {
  for (const [name, value] of response.headers) if (!NOT_COPIED.has(name)) reply.header(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0 && withCookies) reply.header('set-cookie', cookies);
  return reply.code(response.status).send(Buffer.from(await response.arrayBuffer()));
}

/** Each endpoint is a route of its own, so that a wrong method or an unknown path is answered as everywhere else. */
export async function betterAuthRoutes(
  app: FastifyInstance,
  options: BetterAuthRoutesOptions,
): Promise<void> {
  await app.register(async (scope) => {
    inItsShape(scope);
    for (const { path, methods, summary = `Better Auth: ${path}` } of BETTER_AUTH_ENDPOINTS) {
      if (options.except.has(path)) continue;
      const url = `${BASE}${path}`;
      for (const method of methods) {
        const schema = betterAuthOperation(method, path, summary);
        scope.route({
          method,
          url,
          schema,
          config: { ownBodyErrors: true, ownOriginCheck: true, isNeverTooMany: path === SIGN_OUT },
          handler: async (request, reply) =>
            send(reply, await limited(path, request, options), {
              withCookies: path !== SIGN_OUT || mayClearCookie(options.rules, request),
            }),
        });
      }
    }
  });
}
