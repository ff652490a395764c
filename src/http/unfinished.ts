// Requests that are being answered: those that cannot be finished before the process must end are told so, not just cut off.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { overloaded } from '../database/failure.ts';
import { sendProblem } from './problem.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Answers all requests that have come whole and still wait: 503, to be sent again. Their work may go on. */
    refuseUnfinished(): void;
  }
}

export function installUnfinished(app: FastifyInstance): void {
  const unfinished = new Map<FastifyRequest, FastifyReply>();
  app.addHook('onRequest', (request, reply, done) => {
    unfinished.set(request, reply);
    // Also of a client that is gone before its answer.
    reply.raw.once('close', () => unfinished.delete(request));
    done();
  });
  app.decorate('refuseUnfinished', () => {
    for (const [request, reply] of unfinished)
      if (request.raw.complete && !reply.sent) sendProblem(reply, request, overloaded());
  });
}
