// The events of a socket: what the server sends, and that it expects nothing back.
import type { Stats } from './dashboard.ts';
import type { Task } from './task.ts';

/** Where Socket.IO listens, with and without a trailing slash. */
export const SOCKET_PATH = '/socket.io';

/** Where in the user's history an event stands. */
export interface Revision {
  /** The revision after this event. */
  rev: number;
  /** The revision before it: when that is yours, the event follows on what you have. */
  prev_rev: number;
  /** When the change happened. */
  at: string;
}

export type TaskEvent = Revision & { task: Task };
export type TaskDeletedEvent = Revision & { id: number };
export type StatsEvent = Stats & { rev: number };

export interface ServerToClientEvents {
  'task:created': (event: TaskEvent) => void;
  'task:updated': (event: TaskEvent) => void;
  'task:restored': (event: TaskEvent) => void;
  'task:deleted': (event: TaskDeletedEvent) => void;
  /** At most four a second; the last is always sent. */
  'dashboard:stats': (event: StatsEvent) => void;
  /** Something could not be pushed: call /api/sync. */
  'sync:required': (event: { rev: number }) => void;
  /** The session has ended; the server disconnects next. */
  'session:revoked': (event: Record<string, never>) => void;
}

/** Nothing: writes go over HTTP. */
export type ClientToServerEvents = Record<string, never>;
