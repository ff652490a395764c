// Answers that their reader does not take are kept in memory until the connection is closed: after a pause that is too long, by us.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Milliseconds in which a reader takes nothing at all. */
const READING_DEADLINE = 60_000;
/** Bytes that wait for all readers together. From there on less is borne with. */
const MUCH = 64 * 1_048_576;
/** Parts of the deadline: what is borne with then, and how often is looked. */
const LESS = 6;
const LOOKS = 12;

/**
 * Of all connections but those of sockets, which know of slow readers themselves. A connection whose answer has gone to the system is not
 * looked at: what is unread there takes no memory of ours, and it is closed for idleness.
 */
export function installReadingDeadline(server: Server, milliseconds = READING_DEADLINE): void {
  const connections = new Set<Socket>();
  const forget = function (this: Socket) {
    connections.delete(this);
  };
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', forget);
  });
  server.on('upgrade', (_request, socket) => connections.delete(socket as Socket));
  const little = Math.ceil(milliseconds / LESS);
  const look = () => {
    let held = 0;
    for (const { writableLength } of connections) held += writableLength;
    const patience = held > MUCH ? little : milliseconds;
    for (const socket of connections) {
      const { timeout = 0 } = socket;
      // Node's own time-out knows of parts that were taken, too, and ends the connection.
      if (socket.writableLength > 0) {
        if (timeout !== patience) socket.setTimeout(patience);
      } else if (timeout === milliseconds || timeout === little) {
        socket.setTimeout(0); // the next answer may take its time
      }
    }
  };
  const timer = setInterval(look, milliseconds / LOOKS);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}
