// One socket: what the server knows of it, and how events are written to it without ever piling up.
import type { Server, Socket } from 'socket.io';
import type { ClientToServerEvents, ServerToClientEvents } from '../../contract/events.ts';
import type { Feed, PushedEvent } from './feed.ts';

/** Chosen by the server alone, from the session. */
export interface SocketData {
  userId: string;
  /** Of the session, or of the API token, that opened it. */
  sessionId: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** Could not be written for a while: it is told to sync once it can be. */
  isBehind: boolean;
}

type NoEvents = Record<string, never>;
export type RealtimeServer = Server<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>;
export type RealtimeSocket = Socket<ClientToServerEvents, ServerToClientEvents, NoEvents, SocketData>;

/** Packets that may wait for a slow reader. What one look at the database brought may come on top of them. */
const LONGEST_BUFFER = 64;

/** Milliseconds in which a client that has left closes its connection itself. */
const GOODBYE = 2_000;

function isStuck(socket: RealtimeSocket): boolean {
  const { transport, writeBuffer } = socket.conn as unknown as {
    transport: { writable: boolean };
    writeBuffer: unknown[];
  };
  return !transport.writable && writeBuffer.length >= LONGEST_BUFFER;
}

/** Sends events, or, to a socket that cannot take more, one `sync:required` as soon as it can, and the stats as they are then. */
export function deliver(
  socket: RealtimeSocket,
  events: readonly PushedEvent[],
  feed: Pick<Feed, 'rev' | 'repeatStats'>,
): void {
  if (socket.data.isBehind) return;
  if (!isStuck(socket)) {
    for (const [name, payload] of events)
      (socket.emit as (name: string, body: unknown) => boolean)(name, payload);
    return;
  }
  socket.data.isBehind = true;
  socket.conn.once('drain', () => {
    socket.data.isBehind = false;
    socket.emit('sync:required', { rev: feed.rev });
    feed.repeatStats();
  });
}

/** There is nothing else to join on a connection: of one that goes on nobody here would know any more. */
export function seeOff({ conn }: RealtimeSocket): void {
  const timer = setTimeout(() => conn.close(), GOODBYE);
  conn.once('close', () => clearTimeout(timer));
}

/** Tells the client why, then closes the connection once that has been written. */
export function revoke(socket: RealtimeSocket): void {
  socket.emit('session:revoked', {});
  socket.disconnect(true);
}
