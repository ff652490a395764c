// The route of /api/sync: parse, call, answer.
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { SyncPage, SyncQuery } from '../../contract/sync.ts';
import { userIdOf } from '../auth/guard.ts';
import type { Database } from '../database/database.ts';
import type { Cursors } from '../http/cursor.ts';
import { operation } from '../http/docs.ts';
import { checkQuery } from '../http/input.ts';
import { readSync } from './service.ts';

const READ = { needsSession: true, scopes: ['tasks:read'] as const };
const Headers = Type.Object({
  'if-none-match': Type.Optional(Type.String({ description: 'For polling: 304 while nothing has changed.' })),
});

/** A cursor that was given twice is as useless as a foreign one, and must lead to the same new start. */
function oneCursor(query: unknown): unknown {
  const { cursor } = query as { cursor?: unknown };
  return Array.isArray(cursor) || (typeof cursor === 'string' && cursor.includes('\0'))
    ? { ...(query as object), cursor: 'unusable' }
    : query;
}

export function syncRoutes(
  app: FastifyInstance,
  { database, cursors }: { database: Database; cursors: Cursors },
): void {
  const schema = operation({
    id: 'sync',
    tag: 'Sync',
    summary: 'All that changed since the cursor; everything, without one',
    description:
      'Call again with the returned cursor until `has_more` is false: then you have exactly what the server has. An answer without a cursor replaces whatever you have: it says nothing of what was deleted before.',
    session: true,
    query: SyncQuery,
    headers: Headers,
    answers: { 200: SyncPage, 304: Type.Null({ description: 'Not modified' }) },
    errors: ['sync_reset', 'validation_error'],
  });
  app.get('/api/sync', { schema, config: READ }, async (request, reply) => {
    const query = checkQuery(SyncQuery, oneCursor(request.query));
    const userId = userIdOf(request);
    const { etag, page } = await readSync(database, cursors, userId, query, request.headers['if-none-match']);
    reply.header('etag', etag);
    return page ?? reply.code(304).send();
  });
}
