// The door of /socket.io: its requests pass the same checks as all others, then Socket.IO answers them, here or in the
// worker that has the connection.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { SOCKET_PATH } from '../../contract/events.ts';
import type { RealtimeServer } from './socket.ts';
import type { WorkerRelay } from './worker-relay.ts';

type HttpListener = (...parameters: unknown[]) => void;

/** Socket.IO has put itself before the server's own listeners: they come first again. */
function restoreListeners(app: FastifyInstance, before: HttpListener[]): void {
  app.server.removeAllListeners('request').removeAllListeners('upgrade');
  for (const listener of before) app.server.on('request', listener);
}

/**
 * @param create attaches a Socket.IO server to the HTTP server.
 * @returns that server, and the sockets of all connections that were upgraded.
 */
export function installSocketRoutes(
  app: FastifyInstance,
  create: () => RealtimeServer,
  relay: WorkerRelay | undefined,
): { io: RealtimeServer; upgraded: Set<Duplex> } {
  const before = app.server.listeners('request') as HttpListener[];
  const io = create();
  const { engine } = io;
  restoreListeners(app, before);
  const upgraded = new Set<Duplex>();
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    if (relay?.takesUpgrade(request, socket, head)) return;
    engine.handleUpgrade(request as never, socket, head);
  };
  app.server.on('upgrade', upgrade);
  relay?.serve({
    onRequest: (request, response) => engine.handleRequest(request as never, response as never),
    onUpgrade: (request, socket, head) => {
      upgraded.add(socket);
      socket.once('close', () => upgraded.delete(socket));
      engine.handleUpgrade(request as never, socket, head);
    },
  });

  app.route({
    method: ['GET', 'POST'],
    url: SOCKET_PATH,
    schema: { hide: true } as FastifySchema,
    // Before the body is read: Socket.IO reads it by itself.
    onRequest: async (request, reply) => {
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value);
      if (relay?.takesRequest(request.raw, reply.raw)) return;
      engine.handleRequest(request.raw as never, reply.raw as never);
    },
    handler: async () => {},
  });
  return { io, upgraded };
}
