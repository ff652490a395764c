// Realtime put together: Socket.IO on the HTTP server, hints from this node and others, and the sweeper behind them all.
import type { FastifyInstance } from 'fastify';
import type { ClientConfig } from 'pg';
import { Server } from 'socket.io';
import { SOCKET_PACKET_BYTES } from '../../contract/limits.ts';
import type { Callers } from '../auth/caller.ts';
import type { Database } from '../database/database.ts';
import type { OriginRules } from '../http/origin.ts';
import { callerOfHandshake } from './handshake.ts';
import { HintBatch, hintsIn, postgresCarrier } from './hints.ts';
import { Hub } from './hub.ts';
import { Listener } from './listener.ts';
import { redisHints } from './redis-hints.ts';
import { limitInbound, type RealtimeServer, type RealtimeSocket } from './socket.ts';

export interface RealtimeOptions {
  database: Database;
  callers: Callers;
  rules: OriginRules;
  /** A direct connection to listen on; undefined behind a pooler that hears nothing. */
  listenOn: ClientConfig | undefined;
  /** Whether there may be other nodes to tell. */
  shared: boolean;
  redisUrl: string | undefined;
}

export interface Realtime {
  /** To be called after each commit that changed a user's tasks. */
  announce: (userId: string, rev: number) => void;
  /** Closes a session's sockets on this node now; other nodes hear of it from the database. */
  endSession: (sessionId: string) => void;
}

// Milliseconds between two sweeps: with somebody to tell us of changes, and without.
const SWEEP_INTERVAL = 5_000;
const SWEEP_INTERVAL_UNTOLD = 1_000;
const HANDSHAKE_TIMEOUT = 10_000;

function createSocketServer(app: FastifyInstance, rules: OriginRules): RealtimeServer {
  const io: RealtimeServer = new Server(app.server, {
    path: '/socket.io',
    serveClient: false,
    maxHttpBufferSize: SOCKET_PACKET_BYTES,
    connectTimeout: HANDSHAKE_TIMEOUT,
    perMessageDeflate: false,
    // Other origins than these get no CORS headers; who may connect is decided in the handshake.
    cors: { origin: [...rules.allowed], credentials: true },
  });
  return io;
}

function admit(
  io: RealtimeServer,
  hub: Hub,
  options: RealtimeOptions,
  warn: (message: string) => void,
): void {
  const authenticate = async (socket: RealtimeSocket): Promise<string | undefined> => {
    const caller = await callerOfHandshake(options.callers, options.rules, socket);
    if (!caller) return 'unauthorized';
    socket.data = {
      userId: caller.userId,
      sessionId: caller.session.id,
      expiresAt: Date.parse(caller.session.expires_at),
      isBehind: false,
    };
    return (await hub.arrive(caller.userId)) ? undefined : 'too_many_connections';
  };
  io.use((socket, next) => {
    authenticate(socket).then(
      (refusal) => {
        if (refusal !== undefined) warn(`A socket was refused: ${refusal}.`);
        next(refusal === undefined ? undefined : new Error(refusal));
      },
      // The database is away: a refusal would be final for the client, a lost connection is tried again.
      () => socket.conn.close(),
    );
  });
  io.on('connection', (socket) => {
    limitInbound(socket, warn);
    void hub.add(socket);
  });
}

/** Sweeps one after another, never two at once. @returns how to sweep now and how to stop. */
function startSweeper(hub: Hub, isTold: () => boolean): { now: () => void; stop: () => void } {
  let sweeping = false;
  let again = false;
  let sweptAt = 0;
  const sweep = async () => {
    if (sweeping) {
      again = true;
      return;
    }
    sweeping = true;
    sweptAt = Date.now();
    await hub.sweep().catch(() => {}); // the database is away; sockets stay
    sweeping = false;
    if (again) {
      again = false;
      void sweep();
    }
  };
  const timer = setInterval(() => {
    void hub.sweepExpired().catch(() => {});
    if (Date.now() - sweptAt >= (isTold() ? SWEEP_INTERVAL : SWEEP_INTERVAL_UNTOLD)) void sweep();
  }, SWEEP_INTERVAL_UNTOLD);
  timer.unref();
  return { now: () => void sweep(), stop: () => clearInterval(timer) };
}

/** Must be installed before the server listens. Stops with the server. */
export function installRealtime(app: FastifyInstance, options: RealtimeOptions): Realtime {
  const warn = (message: string) => app.log.warn(message);
  const hub = new Hub(options.database);
  const io = createSocketServer(app, options.rules);
  admit(io, hub, options, warn);

  const listener =
    options.listenOn &&
    new Listener({
      connection: options.listenOn,
      onChanges: (payload) => hub.hintAll(hintsIn(payload)),
      onSessionEnd: (sessionId) => hub.endSession(sessionId),
      onListening: () => sweeper.now(),
      warn,
    });
  const redis =
    options.shared && options.redisUrl !== undefined
      ? redisHints(
          options.redisUrl,
          (payload) => hub.hintAll(hintsIn(payload)),
          () => sweeper.now(),
        )
      : undefined;
  const sweeper = startSweeper(hub, () => listener?.isListening ?? false);
  const batch = options.shared ? new HintBatch(redis ?? postgresCarrier(options.database)) : undefined;

  app.addHook('onReady', async () => listener?.start());
  app.addHook('preClose', async () => {
    sweeper.stop();
    await io.close();
    await batch?.flush();
    redis?.close();
    await listener?.close();
  });
  const announce = (userId: string, rev: number) => {
    hub.hint(userId, rev);
    batch?.add(userId, rev);
  };
  return { announce, endSession: (sessionId) => hub.endSession(sessionId) };
}
