// The door of every /api route: finds the caller, counts the request, keeps foreign pages from using cookies.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import { assertTrustedWrite, type OriginRules } from '../http/origin.ts';
import { type RateWindow, rateLimited, setRateHeaders } from '../http/rate-limit.ts';
import { bearerToken, type Caller, type Callers } from './caller.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
  }
  interface FastifyContextConfig {
    /** The route answers 401 to a caller without a session. */
    needsSession?: boolean;
    /** Better Auth checks the origin of this route by itself. */
    ownOriginCheck?: boolean;
  }
}

export interface GuardOptions {
  callers: Callers;
  rules: OriginRules;
  /** Requests of one user. */
  requests: RateWindow;
}

export function unauthenticated(): AppError {
  return new AppError('unauthenticated', 'Sign in to continue.');
}

/** The caller of a route that needs a session. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw unauthenticated();
  return request.caller;
}

function isApi(request: FastifyRequest): boolean {
  return /^\/api(\/|\?|$)/.test(request.url);
}

function assertOrigin(options: GuardOptions, request: FastifyRequest): void {
  const { authorization, cookie } = request.headers;
  const cookieBorne = bearerToken(authorization) === undefined && options.callers.cookie.isIn(cookie);
  if (cookieBorne && !request.routeOptions.config.ownOriginCheck) assertTrustedWrite(options.rules, request);
}

/** Installs the door. It stands before the body is read: a stranger's body is never parsed. */
export function installGuard(app: FastifyInstance, options: GuardOptions): void {
  app.decorateRequest('caller', undefined);
  app.addHook('onRequest', async (request, reply) => {
    if (!isApi(request)) return;
    request.caller = await options.callers.find(request.headers);
    if (request.caller) {
      const state = await options.requests.consume(request.caller.userId);
      setRateHeaders(reply, options.requests.options, state);
      if (!state.allowed) throw rateLimited('You have made too many requests.', state);
    }
    assertOrigin(options, request);
    if (request.routeOptions.config.needsSession && !request.caller) throw unauthenticated();
  });
}
