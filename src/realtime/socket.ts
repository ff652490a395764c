// One socket: what the server knows of it, and how an event is written to it without ever piling up.
import type { Server, Socket } from 'socket.io';
import type { ClientToServerEvents, ServerToClientEvents } from '../../contract/events.ts';
import { SOCKET_PACKETS_PER_SECOND } from '../../contract/limits.ts';
import type { EventName } from './feed.ts';

/** Chosen by the server alone, from the session. */
export interface SocketData {
  userId: string;
  sessionId: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** Could not be written for a while: it is told to sync once it can be. */
  isBehind: boolean;
}

type NoEvents = Record<string, never>;
export type RealtimeServer = Server<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>;
export type RealtimeSocket = Socket<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>;

/** Packets that may wait for a slow reader. */
const LONGEST_BUFFER = 64;

function isStuck(socket: RealtimeSocket): boolean {
  const { transport, writeBuffer } = socket.conn as unknown as {
    transport: { writable: boolean };
    writeBuffer: unknown[];
  };
  return !transport.writable && writeBuffer.length >= LONGEST_BUFFER;
}

/** Sends an event, or, to a socket that cannot take more, one `sync:required` as soon as it can. */
export function deliver(
  socket: RealtimeSocket,
  event: EventName,
  payload: unknown,
  revNow: () => number,
): void {
  if (socket.data.isBehind) return;
  if (!isStuck(socket)) {
    (socket.emit as (name: EventName, body: unknown) => boolean)(event, payload);
    return;
  }
  socket.data.isBehind = true;
  socket.conn.once('drain', () => {
    socket.data.isBehind = false;
    socket.emit('sync:required', { rev: revNow() });
  });
}

/** Clients have nothing to say here. A chatty one is ignored, a flooding one is closed. */
export function limitInbound(socket: RealtimeSocket, warn: (message: string) => void): void {
  let packets = 0;
  let second = 0;
  socket.use((_packet, next) => {
    const now = Math.floor(Date.now() / 1000);
    packets = now === second ? packets + 1 : 1;
    second = now;
    if (packets <= SOCKET_PACKETS_PER_SECOND) return next();
    warn('A socket was closed: it sent too many packets.');
    socket.disconnect(true);
  });
}

/** Tells the client why, then closes the connection once that has been written. */
export function revoke(socket: RealtimeSocket): void {
  socket.emit('session:revoked', {});
  socket.disconnect(true);
}
