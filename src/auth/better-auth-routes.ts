// Better Auth's own endpoints under /api/auth, behind our door: the same sessions, limits and origin rule, its own shapes.
import { isAPIError } from 'better-auth/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { translate } from '../database/failure.ts';
import { AppError } from '../errors.ts';
import { clientAddress } from '../http/client-address.ts';
import { betterAuthOperation } from '../http/docs.ts';
import { isForeignPage, type OriginRules } from '../http/origin.ts';
import { publicError } from '../http/problem.ts';
import { ADDRESS_HEADER, type BetterAuth, withFailure } from './better-auth.ts';
import type { Callers } from './caller.ts';
import type { SignInLimits } from './sign-in-limits.ts';

export interface BetterAuthRoutesOptions {
  auth: BetterAuth;
  callers: Callers;
  limits: SignInLimits;
  rules: OriginRules;
  /** Origin of PUBLIC_URL, under which Better Auth believes to be. */
  origin: string;
}

interface Endpoint {
  path?: string;
  options?: {
    method?: string | string[];
    metadata?: { SERVER_ONLY?: boolean; scope?: string; openapi?: { description?: string } };
  };
}

const BASE = '/api/auth';
/** Headers of a client that Better Auth reads; whatever else came stays with us. */
const FORWARDED = ['accept', 'accept-language', 'content-type', 'user-agent', 'cookie', 'referer'];
const NOT_COPIED = new Set(['set-cookie', 'content-length', 'transfer-encoding', 'connection']);

/** Better Auth's error shape, for our own refusals at its endpoints. */
function sendInItsShape(reply: FastifyReply, error: AppError): FastifyReply {
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
  return reply
    .code(error.status)
    .type('application/json')
    .send(JSON.stringify({ code: error.code.toUpperCase(), message: error.message }));
}

function forwardedHeaders(request: FastifyRequest, options: BetterAuthRoutesOptions): Headers {
  const { caller } = request;
  const headers = new Headers();
  for (const name of FORWARDED) {
    const value = request.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  headers.set(ADDRESS_HEADER, clientAddress(request));
  // A bearer caller is shown to Better Auth by the cookie that it understands, and never together with another one.
  if (request.headers.authorization !== undefined && caller?.by === 'bearer')
    headers.set('cookie', options.callers.cookie.pair(caller.session.token));
  // Our rule knows more (own address, clients that send no Origin); where it refuses, Better Auth says so in its words.
  const foreign = isForeignPage(options.rules, request) && caller?.by !== 'bearer';
  const { origin } = request.headers;
  if (!foreign) headers.set('origin', options.origin);
  else if (origin !== undefined) headers.set('origin', origin);
  return headers;
}

function toRequest(request: FastifyRequest, options: BetterAuthRoutesOptions): Request {
  const path = request.url.replace(/\/+(?=\?|$)/, '');
  const init: RequestInit = {
    method: request.method === 'HEAD' ? 'GET' : request.method,
    headers: forwardedHeaders(request, options),
  };
  if (request.rawBody !== undefined && init.method !== 'GET') init.body = new Uint8Array(request.rawBody);
  return new Request(`${options.origin}${path}`, init);
}

async function call(request: FastifyRequest, options: BetterAuthRoutesOptions): Promise<Response> {
  if (request.bodyError?.code === 'malformed_json') throw request.bodyError;
  const { result, failure } = await withFailure(() => options.auth.handler(toRequest(request, options)));
  // What Better Auth made of a database that was away is never the truth.
  if (failure !== undefined && result.status >= 400) {
    const known = translate(failure);
    if (known instanceof AppError || result.status >= 500) throw known;
  }
  if (result.status === 404 && (await result.clone().text()) === '')
    throw new AppError('not_found', 'There is nothing at this address.');
  return result;
}

function fieldOf(request: FastifyRequest, field: string): string {
  const form = request.headers['content-type']?.includes('form')
    ? new URLSearchParams(request.rawBody?.toString() ?? '')
    : undefined;
  const value = form
    ? form.get(field)
    : (request.body as Record<string, unknown> | null | undefined)?.[field];
  return typeof value === 'string' ? value : '';
}

async function userIdIn(response: Response): Promise<string | undefined> {
  if (!response.ok) return undefined;
  const body = (await response
    .clone()
    .json()
    .catch(() => ({}))) as { user?: { id?: string } };
  return body.user?.id;
}

class NotCounted extends Error {
  readonly response: Response;
  constructor(response: Response) {
    super();
    this.response = response;
  }
}

async function limitedSignUp(
  address: string,
  request: FastifyRequest,
  options: BetterAuthRoutesOptions,
): Promise<Response> {
  const uncount = await options.limits.countSignUp(address);
  const response = await call(request, options);
  if (response.status === 400 || response.status === 403 || response.status === 415) await uncount();
  const userId = await userIdIn(response);
  if (userId !== undefined) await options.limits.remember(userId, address);
  return response;
}

/** Sign-in and sign-up through this door count as through the other. */
async function limited(
  path: string,
  request: FastifyRequest,
  options: BetterAuthRoutesOptions,
): Promise<Response> {
  const address = clientAddress(request);
  if (path === '/sign-up/email') return limitedSignUp(address, request, options);
  if (path !== '/sign-in/email') return call(request, options);
  try {
    return await options.limits.attempt({ email: fieldOf(request, 'email'), address }, async () => {
      const response = await call(request, options);
      // Only a wrong password is a wrong sign-in; a malformed or refused one told the caller nothing.
      if (!response.ok && response.status !== 401) throw new NotCounted(response);
      return { userId: await userIdIn(response), result: response };
    });
  } catch (error) {
    if (error instanceof NotCounted) return error.response;
    throw error;
  }
}

async function send(reply: FastifyReply, response: Response): Promise<FastifyReply> {
  for (const [name, value] of response.headers) if (!NOT_COPIED.has(name)) reply.header(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) reply.header('set-cookie', cookies);
  return reply.code(response.status).send(Buffer.from(await response.arrayBuffer()));
}

function endpointsOf(auth: BetterAuth): { path: string; methods: string[]; summary: string }[] {
  const endpoints = Object.values(auth.api as unknown as Record<string, Endpoint>);
  return endpoints.flatMap(({ path, options }) => {
    const serverOnly = options?.metadata?.SERVER_ONLY === true || options?.metadata?.scope === 'server';
    if (path === undefined || serverOnly) return [];
    const methods = [options?.method ?? 'GET'].flat().filter((method) => method !== '*');
    return [{ path, methods, summary: options?.metadata?.openapi?.description ?? `Better Auth: ${path}` }];
  });
}

/** Each endpoint is a route of its own, so that a wrong method or an unknown path is answered as everywhere else. */
export async function betterAuthRoutes(
  app: FastifyInstance,
  options: BetterAuthRoutesOptions,
): Promise<void> {
  await app.register(async (scope) => {
    scope.setErrorHandler((thrown, request, reply) => {
      const error = isAPIError(thrown)
        ? new AppError('internal_error', 'Something went wrong on our side.', { cause: thrown })
        : publicError(thrown);
      if (error.code === 'internal_error') request.log.error({ err: error.cause }, 'a defect');
      return sendInItsShape(reply, error);
    });
    for (const { path, methods, summary } of endpointsOf(options.auth)) {
      const url = `${BASE}${path}`;
      for (const method of methods) {
        const schema = betterAuthOperation(method, path, summary);
        scope.route({
          method,
          url,
          schema,
          config: { ownBodyErrors: true, ownOriginCheck: true },
          handler: async (request, reply) => send(reply, await limited(path, request, options)),
        });
      }
    }
  });
}
