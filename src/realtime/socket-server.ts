// The Socket.IO server: its limits, what it logs of those it turns away, and how it is closed.
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { Server } from 'socket.io';
import { SOCKET_PATH } from '../../contract/events.ts';
import { SOCKET_PACKET_BYTES, SOCKET_PACKETS_PER_SECOND } from '../../contract/limits.ts';
import { requestIdOf } from '../http/request-id.ts';
import { PoliteWebSocketServer } from './polite-web-socket.ts';
import type { RealtimeServer } from './socket.ts';

// Milliseconds.
const HANDSHAKE_TIMEOUT = 10_000;
/** How long clients may take to answer the closing of their connection. */
const CLOSING_TIME = 1_500;
const SECOND = 1_000;

/** What is used of an Engine.IO connection, the transport below the sockets. */
interface Connection {
  remoteAddress: string;
  /** A WebSocket, unless the client polls. */
  transport: { socket?: { terminate?: () => void } };
  close(discard: boolean): void;
  on(event: 'packet', listener: () => void): void;
  on(event: 'close', listener: (reason: string) => void): void;
}

interface Refusal {
  code: number;
  message: string;
}

/** Clients have nothing to say here but answers to pings: one that floods is cut, before anything is done about it. */
function limitPackets(connection: Connection, warn: (message: string) => void): void {
  let packets = 0;
  let since = performance.now();
  connection.on('packet', () => {
    const now = performance.now();
    if (now - since >= SECOND) {
      packets = 0;
      since = now;
    }
    packets++;
    if (packets !== SOCKET_PACKETS_PER_SECOND + 1) return;
    warn(`A socket from ${connection.remoteAddress} was closed: it sent too many packets.`);
    const { socket } = connection.transport;
    connection.close(true);
    // Without waiting for its goodbye, which may never come.
    socket?.terminate?.();
  });
}

/**
 * Whether the answers are wanted as scripts (JSONP, for browsers of long ago). Any page may load a script, and its browser
 * names no origin then that could be asked after: what the cookie opens must not be readable so.
 */
function wantsScripts({ url = '' }: IncomingMessage): boolean {
  return new URLSearchParams(url.replace(/^[^?]*/, '')).has('j');
}

/** @param idOf makes the id of a connection; without it they are random. */
export function createSocketServer(
  server: HttpServer,
  { warn, idOf }: { warn: (message: string) => void; idOf: (() => string) | undefined },
): RealtimeServer {
  const io: RealtimeServer = new Server(server, {
    path: SOCKET_PATH,
    serveClient: false,
    maxHttpBufferSize: SOCKET_PACKET_BYTES,
    connectTimeout: HANDSHAKE_TIMEOUT,
    perMessageDeflate: false,
    wsEngine: PoliteWebSocketServer,
    allowRequest: (request, decide) =>
      wantsScripts(request) ? decide('Answers as scripts are not given', false) : decide(null, true),
  });
  const { engine } = io;
  if (idOf) engine.generateId = idOf;
  engine.on('headers', (headers: Record<string, string>, request: IncomingMessage) => {
    if (request.headers.upgrade !== undefined) headers['X-Request-Id'] = requestIdOf(request);
  });
  engine.on('connection_error', ({ code, message }: Refusal) => {
    warn(`A socket request was refused: ${message} (${code}).`);
  });
  engine.on('connection', (connection: Connection) => {
    limitPackets(connection, warn);
    connection.on('close', (reason) => {
      if (/error/.test(reason)) warn(`A socket from ${connection.remoteAddress} was closed: ${reason}.`);
    });
  });
  return io;
}

/** Closes all connections and waits for requests in flight. Clients connect again by themselves, elsewhere if they can. */
export async function closeSocketServer(
  io: RealtimeServer,
  upgraded: ReadonlySet<{ destroy(): unknown }>,
): Promise<void> {
  const late = setTimeout(() => {
    for (const socket of upgraded) socket.destroy();
  }, CLOSING_TIME);
  await io.close();
  clearTimeout(late);
}
