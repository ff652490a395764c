// Sync on the wire: all that changed since a cursor, in the order of revisions.
import { type Static, Type } from 'typebox';
import { Time } from './common.ts';
import { Stats } from './dashboard.ts';
import { SYNC_DEFAULT_LIMIT, SYNC_LIMIT } from './limits.ts';
import { Task } from './task.ts';

export const Tombstone = Type.Object(
  { id: Type.Integer({ minimum: 1 }), rev: Type.Integer({ minimum: 1 }), deleted_at: Time },
  { $id: 'Tombstone' },
);
export type Tombstone = Static<typeof Tombstone>;

export const SyncPage = Type.Object(
  {
    tasks: Type.Array(Task, {
      description: 'Created, changed or restored, in the order of their revisions.',
    }),
    deleted: Type.Array(Tombstone, { description: 'Gone, in the order of their revisions.' }),
    cursor: Type.String({ description: 'For the next call. Opaque, and only yours.' }),
    has_more: Type.Boolean({ description: 'Call again at once with the cursor.' }),
    rev: Type.Integer({ minimum: 0, description: "The user's revision at the moment of this answer." }),
    stats: Stats,
  },
  { $id: 'SyncPage' },
);
export type SyncPage = Static<typeof SyncPage>;

export const SyncQuery = Type.Object({
  cursor: Type.Optional(Type.String({ description: 'Of the answer before; absent for everything.' })),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: SYNC_LIMIT,
      default: SYNC_DEFAULT_LIMIT,
      'x-error': `must be a whole number from 1 to ${SYNC_LIMIT}`,
    }),
  ),
});
export type SyncQuery = Static<typeof SyncQuery>;
