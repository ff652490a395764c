// What every answer tells browsers: which pages may read it, and to run, load or frame nothing that we did not send.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isAllowedOrigin, type OriginRules } from './origin.ts';

/** Headers that a page of another origin may read. */
const EXPOSED_HEADERS = [
  'ETag',
  'Location',
  'Retry-After',
  'Idempotency-Replayed',
  'X-Request-Id',
  'RateLimit',
  'RateLimit-Policy',
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const PREFLIGHT_SECONDS = 600;
const HSTS_SECONDS = 31_536_000;

/** Of every page: to run, load or frame nothing that we did not send. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join(';');

/** Of data, and of refusals that come before the hooks below: nothing in them is for a page to show, run or keep. */
export const DATA_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none';base-uri 'none';frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'cross-origin', // CORS decides who reads
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
};

/** Which page asks decides the CORS headers. */
const VARY = { vary: 'Origin' };
/** Not on plain HTTP: it would lock a LAN visitor out. */
const HSTS = { 'strict-transport-security': `max-age=${HSTS_SECONDS}` };

/** Lets the page that asks read the answer if it is one of ours. @returns whether it is. */
export function letPageRead(rules: OriginRules, request: FastifyRequest, reply: FastifyReply): boolean {
  const { origin } = request.headers;
  if (origin === undefined || !isAllowedOrigin(rules, request, origin)) return false;
  reply
    .header('access-control-allow-origin', origin)
    .header('access-control-allow-credentials', 'true')
    .header('access-control-expose-headers', EXPOSED_HEADERS.join(', '));
  return true;
}

/** Answers a browser that asks beforehand. It sends no credentials, so nobody else may stand before this. */
function answerPreflight(request: FastifyRequest, reply: FastifyReply): void {
  const wanted = request.headers['access-control-request-headers'];
  if (wanted !== undefined) reply.header('access-control-allow-headers', wanted);
  reply
    .code(204)
    .header('access-control-allow-methods', METHODS.join(', '))
    .header('access-control-max-age', String(PREFLIGHT_SECONDS))
    .header('vary', 'Origin, Access-Control-Request-Headers')
    .header('content-length', '0')
    .send();
}

export function installSecurity(
  app: FastifyInstance,
  { rules, https }: { rules: OriginRules; https: boolean },
): void {
  // Put together once: they are the same for every answer.
  const ofAll = { ...VARY, ...(https ? HSTS : {}) };
  const ofData = { ...DATA_HEADERS, ...ofAll };
  const ofPages = { ...PAGE_HEADERS, ...ofAll };
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(request.url.startsWith('/api') ? ofData : ofPages);
    const isOurs = letPageRead(rules, request, reply);
    if (isOurs && request.method === 'OPTIONS') answerPreflight(request, reply);
    else done();
  });
}
