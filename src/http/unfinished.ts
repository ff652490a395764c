// Requests that are being answered: those that cannot be finished before the process must end are told so, not just cut off.
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { overloaded } from '../database/failure.ts';
import { sendProblem } from './problem.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Answers all requests that have come whole and still wait: 503, to be sent again. Their work may go on. */
    refuseUnfinished(): void;
  }
  interface FastifyContextConfig {
    /** What it does is given up when its connection ends: cut, it does not go on behind a refusal. */
    endsWithConnection?: boolean;
  }
}

/** Not one whose answer has begun: that can only be cut. */
function canBeRefused(reply: FastifyReply): boolean {
  const { request } = reply;
  if (request.routeOptions.config.endsWithConnection) return false;
  return request.raw.complete && !reply.sent && !reply.raw.headersSent;
}

export function installUnfinished(app: FastifyInstance): void {
  const unfinished = new Map<ServerResponse, FastifyReply>();
  // One function for all of them, which is called on the answer that has ended.
  const forget = function (this: ServerResponse) {
    unfinished.delete(this);
  };
  app.addHook('onRequest', (_request, reply, done) => {
    unfinished.set(reply.raw, reply);
    // Also of a client that is gone before its answer.
    reply.raw.on('close', forget);
    done();
  });
  app.decorate('refuseUnfinished', () => {
    for (const reply of unfinished.values())
      if (canBeRefused(reply)) sendProblem(reply, reply.request, overloaded());
  });
}
