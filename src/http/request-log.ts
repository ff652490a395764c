// One line for each request: the route and never the URL, which may carry secrets in its path or query.
import type { FastifyInstance } from 'fastify';
import { clientAddress } from './client-address.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The user who asks, as soon as the door knows: also of a request that is refused. */
    askedBy: string | undefined;
  }
}

export function installRequestLog(app: FastifyInstance): void {
  app.decorateRequest('askedBy', undefined);
  // Nothing in this line can be a secret, and to look for one takes longer than to write it.
  const log = app.log.child({}, { redact: [] });
  app.addHook('onResponse', (request, reply, done) => {
    const line = {
      reqId: request.id,
      method: request.method,
      route: request.is404 ? 'unknown' : request.routeOptions.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      address: clientAddress(request),
      user: request.askedBy,
    };
    log.info(line, 'request');
    done();
  });
}
