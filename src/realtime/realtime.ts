// Realtime put together: Socket.IO on the HTTP server, hints from this node and others, and the sweeper behind them all.
import type { FastifyInstance } from 'fastify';
import type { ClientConfig } from 'pg';
import type { ApiTokens } from '../auth/api-tokens.ts';
import type { Callers } from '../auth/caller.ts';
import type { SessionUses } from '../auth/session-uses.ts';
import type { TrustProxy } from '../config/values.ts';
import type { Database } from '../database/database.ts';
import { AppError } from '../errors.ts';
import type { OriginRules } from '../http/origin.ts';
import { type Doorkeeper, trustIn, visitorOfHandshake } from './handshake.ts';
import { HintBatch, hintsIn, postgresCarrier, withFallback } from './hints.ts';
import { Hub } from './hub.ts';
import { Listener } from './listener.ts';
import { redisHints } from './redis-hints.ts';
import { installSocketRoutes } from './routes.ts';
import type { RealtimeServer, RealtimeSocket } from './socket.ts';
import { closeSocketServer, createSocketServer } from './socket-server.ts';
import { type Sweeper, startSweeper } from './sweeper.ts';
import { type WorkerPlace, WorkerRelay } from './worker-relay.ts';

export interface RealtimeOptions {
  database: Database;
  callers: Callers;
  tokens: ApiTokens;
  uses: SessionUses;
  rules: OriginRules;
  trustProxy: TrustProxy;
  /** A direct connection to listen on; undefined behind a pooler that hears nothing. */
  listenOn: ClientConfig | undefined;
  /** Whether there may be other nodes to tell. */
  shared: boolean;
  redisUrl: string | undefined;
  /** Of this process, when it is one of several that share a port. */
  worker: WorkerPlace | undefined;
}

export interface Realtime {
  /** To be called after each commit that changed a user's tasks. */
  announce: (userId: string, rev: number) => void;
}

type Report = (failure: unknown) => void;

/** What works behind everybody's back has nobody to fail for: that the database is away heals, the rest is for the log. */
function reportTo(log: FastifyInstance['log']): Report {
  return (failure) => {
    if (!(failure instanceof AppError)) log.error({ err: failure }, 'a defect');
  };
}

/** Lets sockets in, or tells them why not. */
function admit(io: RealtimeServer, hub: Hub, door: Doorkeeper, log: FastifyInstance['log']): void {
  const report = reportTo(log);
  const authenticate = async (socket: RealtimeSocket): Promise<string | undefined> => {
    const visitor = await visitorOfHandshake(door, socket);
    if (!visitor) return 'unauthorized';
    socket.data = { ...visitor, expiresAt: Date.parse(visitor.expiresAt), isBehind: false };
    return (await hub.arrive(socket)) ? undefined : 'too_many_connections';
  };
  io.use((socket, next) => {
    authenticate(socket).then(
      (refusal) => {
        if (refusal !== undefined)
          log.warn(`A socket from ${socket.handshake.address} was refused: ${refusal}.`);
        next(refusal === undefined ? undefined : new Error(refusal));
      },
      (error: unknown) => {
        report(error);
        // The database is away: a refusal would be final for the client, a lost connection is tried again.
        socket.conn.close();
      },
    );
  });
  io.on('connection', (socket) => void hub.add(socket));
}

function createListener(
  connection: ClientConfig,
  hub: Hub,
  sweeper: () => Sweeper,
  log: FastifyInstance['log'],
): Listener {
  return new Listener({
    connection,
    onChanges: (payload) => hub.hintAll(hintsIn(payload)),
    onSessionEnd: (sessionId) => hub.endSession(sessionId),
    onListening: () => sweeper().now(),
    warn: (message) => log.warn(message),
  });
}

/** Must be installed before the server listens. Stops with the server. */
export function installRealtime(app: FastifyInstance, options: RealtimeOptions): Realtime {
  const { database, callers, tokens, uses, rules, trustProxy, listenOn, shared, redisUrl, worker } = options;
  const report = reportTo(app.log);
  const hub = new Hub(database, uses, report);
  const relay = worker && new WorkerRelay(worker);
  const warn = (message: string) => app.log.warn(message);
  const create = () => createSocketServer(app.server, { warn, idOf: relay && (() => relay.newId()) });
  const { io, upgraded } = installSocketRoutes(app, create, relay);
  admit(io, hub, { callers, tokens, rules, trusts: trustIn(trustProxy) }, app.log);

  const listener = listenOn && createListener(listenOn, hub, () => sweeper, app.log);
  const hear = (payload: string) => hub.hintAll(hintsIn(payload));
  const redis =
    shared && redisUrl !== undefined ? redisHints(redisUrl, hear, () => sweeper.now()) : undefined;
  const isTold = () => (listener?.isListening ?? false) && (redis?.isSubscribed ?? true);
  const sweeper = startSweeper(hub, isTold, report);
  const postgres = postgresCarrier(database);
  const batch = shared ? new HintBatch(redis ? withFallback(redis, postgres) : postgres) : undefined;

  app.addHook('onReady', async () => {
    await relay?.listen();
    await listener?.start();
  });
  app.addHook('preClose', async () => {
    sweeper.stop();
    await closeSocketServer(io, upgraded);
    await batch?.close();
    redis?.close();
    await listener?.close();
    await relay?.close();
  });
  const announce = (userId: string, rev: number) => {
    hub.hint(userId, rev);
    batch?.add(userId, rev);
  };
  return { announce };
}
