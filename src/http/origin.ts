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

/** The same rule for a request that Fastify does not see: the handshake of a socket. `own` is the server's own origin. */
export function isAllowedHandshakeOrigin(
  rules: OriginRules,
  headers: IncomingHttpHeaders,
  own: string,
): boolean {
  const { origin } = headers;
  if (origin === undefined) return headers['sec-fetch-site'] !== 'cross-site';
  return rules.allowed.has(origin.toLowerCase()) || origin.toLowerCase() === own.toLowerCase();
}

export function isAllowedOrigin(rules: OriginRules, request: FastifyRequest, origin: string): boolean {
  return rules.allowed.has(origin.toLowerCase()) || origin.toLowerCase() === ownOrigin(request);
}

/** True when a browser page that is not one of ours may have caused this request. */
export function isForeignPage(rules: OriginRules, request: FastifyRequest): boolean {
  const { origin } = request.headers;
  if (origin !== undefined) return !isAllowedOrigin(rules, request, origin);
  return request.headers['sec-fetch-site'] === 'cross-site';
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Refuses a write that carries a cookie from a foreign page. @throws AppError `unauthorized_access` (403). */
export function assertTrustedWrite(rules: OriginRules, request: FastifyRequest): void {
  if (SAFE_METHODS.has(request.method) || !isForeignPage(rules, request)) return;
  throw new AppError(
    'unauthorized_access',
    'This page may not make changes here: its origin is not one of ALLOWED_ORIGINS.',
  );
}
