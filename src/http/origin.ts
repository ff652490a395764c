// Which pages may use a visitor's cookie: the server's own, those of PUBLIC_URL and the allowed front ends.
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';

export interface OriginRules {
  /** Origins of `ALLOWED_ORIGINS` and of `PUBLIC_URL`. */
  readonly allowed: ReadonlySet<string>;
}

/** The origin under which this very request reached the server. No other site can send its own cookies along with it. */
export function ownOrigin(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}`.toLowerCase();
}

function isOurs({ allowed }: OriginRules, origin: string, own: string): boolean {
  const page = origin.toLowerCase();
  // Where the service is reached by https, a page of the same host that came without is anybody's on the way.
  const secure = page.replace(/^http:/, 'https:');
  return allowed.has(page) || (page === own.toLowerCase() && (page === secure || !allowed.has(secure)));
}

export function isAllowedOrigin(rules: OriginRules, request: FastifyRequest, origin: string): boolean {
  return isOurs(rules, origin, ownOrigin(request));
}

/**
 * True when a browser page that is not one of ours may have caused a request with these headers. For the handshake of a
 * socket, too, which Fastify does not see.
 * @param own the server's own origin, as the request reached it.
 */
export function isForeign(rules: OriginRules, headers: IncomingHttpHeaders, own: string): boolean {
  const { origin } = headers;
  return origin === undefined ? headers['sec-fetch-site'] === 'cross-site' : !isOurs(rules, origin, own);
}

export function isForeignPage(rules: OriginRules, request: FastifyRequest): boolean {
  return isForeign(rules, request.headers, ownOrigin(request));
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** By its method: the others change nothing. */
export function isWrite({ method }: FastifyRequest): boolean {
  return !SAFE_METHODS.has(method);
}

/** Refuses a write that carries a cookie from a foreign page. @throws AppError `unauthorized_access` (403). */
export function assertTrustedWrite(rules: OriginRules, request: FastifyRequest): void {
  if (!isWrite(request) || !isForeignPage(rules, request)) return;
  throw new AppError(
    'unauthorized_access',
    'This page may not make changes here: its origin is not one of ALLOWED_ORIGINS.',
  );
}
