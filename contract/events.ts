// The events of a socket: what the server sends, and that it expects nothing back.
import { type Static, Type } from 'typebox';
import { Time } from './common.ts';
import { Stats } from './dashboard.ts';
import { STATS_INTERVAL } from './limits.ts';
import { Task } from './task.ts';

/** Where Socket.IO listens, with and without a trailing slash. */
export const SOCKET_PATH = '/socket.io';

const revision = Type.Integer({
  minimum: 0,
  description: "The user's revision after this event.",
  examples: [18],
});

/** Where in the user's history an event stands. */
const place = {
  rev: revision,
  prev_rev: Type.Integer({
    minimum: 0,
    description: 'The revision before it: when that is yours, the event follows on what you have.',
    examples: [17],
  }),
  at: Time,
};

export const TaskEvent = Type.Object({ ...place, task: Task }, { $id: 'TaskEvent' });
export type TaskEvent = Static<typeof TaskEvent>;

export const TaskDeletedEvent = Type.Object(
  { ...place, id: Type.Integer({ minimum: 1, examples: [42] }) },
  { $id: 'TaskDeletedEvent' },
);
export type TaskDeletedEvent = Static<typeof TaskDeletedEvent>;

export const StatsEvent = Type.Object({ ...Stats.properties, rev: revision }, { $id: 'StatsEvent' });
export type StatsEvent = Static<typeof StatsEvent>;

export const SyncRequiredEvent = Type.Object({ rev: revision }, { $id: 'SyncRequiredEvent' });
export type SyncRequiredEvent = Static<typeof SyncRequiredEvent>;

export const SessionRevokedEvent = Type.Object({}, { $id: 'SessionRevokedEvent' });
export type SessionRevokedEvent = Static<typeof SessionRevokedEvent>;

/** Every event to the client: its payload, and when it comes. */
export const SERVER_EVENTS = {
  'task:created': {
    payload: TaskEvent,
    summary: 'A task is there that was not. It may have been changed since: this is how it is now.',
  },
  'task:updated': { payload: TaskEvent, summary: 'A task has changed.' },
  'task:restored': { payload: TaskEvent, summary: 'A task is back from the trash.' },
  'task:deleted': { payload: TaskDeletedEvent, summary: 'A task is gone, into the trash or for good.' },
  'dashboard:stats': {
    payload: StatsEvent,
    summary: `The stats after changes: at most every ${STATS_INTERVAL} ms, and the last ones always.`,
  },
  'sync:required': {
    payload: SyncRequiredEvent,
    summary: 'Something could not be pushed: call /api/sync.',
  },
  'session:revoked': {
    payload: SessionRevokedEvent,
    summary: 'The session has ended; the server disconnects next.',
  },
} as const;

export type ServerToClientEvents = {
  [Name in keyof typeof SERVER_EVENTS]: (event: Static<(typeof SERVER_EVENTS)[Name]['payload']>) => void;
};

/** Nothing: writes go over HTTP. */
export type ClientToServerEvents = Record<string, never>;
