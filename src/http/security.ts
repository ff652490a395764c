// What every answer tells browsers: which pages may read it, and to run, load or frame nothing that we did not send.
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import type { FastifyInstance, FastifyRequest } from 'fastify';
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

const CONTENT_SECURITY_POLICY = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'manifest-src': ["'self'"],
  'worker-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
};

async function installCors(app: FastifyInstance, rules: OriginRules): Promise<void> {
  const options = {
    credentials: true,
    exposedHeaders: EXPOSED_HEADERS,
    methods: METHODS,
    maxAge: PREFLIGHT_SECONDS,
    strictPreflight: false,
  };
  await app.register(cors, {
    delegator: (request: FastifyRequest, done) => {
      const { origin } = request.headers;
      const allowed = origin !== undefined && isAllowedOrigin(rules, request, origin);
      done(null, { ...options, origin: allowed ? origin : false });
    },
  });
}

async function installHeaders(app: FastifyInstance, https: boolean): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
    // On plain HTTP this header would lock a LAN visitor out.
    strictTransportSecurity: https ? { maxAge: HSTS_SECONDS, includeSubDomains: false } : false,
    crossOriginResourcePolicy: { policy: 'cross-origin' }, // CORS decides who reads
    referrerPolicy: { policy: 'no-referrer' },
  });
}

export async function installSecurity(
  app: FastifyInstance,
  options: { rules: OriginRules; https: boolean },
): Promise<void> {
  await installHeaders(app, options.https);
  await installCors(app, options.rules);
  app.addHook('onRequest', async (request, reply) => {
    // Personal data must not lie in any cache, and which page asks decides the CORS headers.
    reply.header('vary', 'Origin');
    if (request.url.startsWith('/api')) reply.header('cache-control', 'no-store');
  });
}
