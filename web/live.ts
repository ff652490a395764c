// The socket: loaded after the first paint, connected while there is a network, and always honest about its state.
import { signal } from '@preact/signals';
import type { Socket } from 'socket.io-client';
import { root } from './http.ts';

export type Connection = 'connecting' | 'live' | 'offline';
export const connection = signal<Connection>('connecting');

export interface LiveOptions {
  userId: string;
  onSocket: (socket: Socket) => void;
  /** The server has ended the session, or does not know it. */
  onUnauthorized: () => void;
}

export interface Live {
  /** Where the server has closed the door, a socket does not knock by itself. */
  reconnect: () => void;
  end: () => void;
}

/** Connects and stays connected. */
export function goLive({ userId, onSocket, onUnauthorized }: LiveOptions): Live {
  let socket: Socket | undefined;
  let stopped = false;
  const offline = () => {
    connection.value = 'offline';
    socket?.disconnect();
  };
  const online = () => {
    connection.value = 'connecting';
    if (socket) socket.connect();
    else void start();
  };
  const start = async () => {
    if (!navigator.onLine) return offline();
    // A chunk of its own: the page is there before it.
    const { io } = await import('socket.io-client').catch(() => ({ io: undefined }));
    if (stopped || socket) return;
    if (!io) {
      connection.value = 'offline';
      setTimeout(() => !stopped && void start(), 5_000);
      return;
    }
    socket = io(root.origin, {
      path: new URL('socket.io', root).pathname,
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      // The cookie may be another person's by now.
      auth: { signed_in_as: userId },
      autoConnect: false,
      reconnectionDelayMax: 15_000,
    });
    socket.on('connect', () => {
      connection.value = 'live';
    });
    socket.on('disconnect', () => {
      connection.value = navigator.onLine ? 'connecting' : 'offline';
    });
    socket.on('connect_error', ({ message }) => {
      if (message === 'unauthorized') onUnauthorized();
      else connection.value = 'offline';
    });
    socket.on('session:revoked', onUnauthorized);
    onSocket(socket);
    socket.connect();
  };
  addEventListener('offline', offline);
  addEventListener('online', online);
  void start();
  const end = () => {
    stopped = true;
    removeEventListener('offline', offline);
    removeEventListener('online', online);
    socket?.disconnect();
  };
  return { reconnect: () => void (navigator.onLine && socket?.connect()), end };
}
