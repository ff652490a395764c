// The routes of export and import: parse, call, answer.
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { NDJSON_TYPE } from '../../contract/headers.ts';
import { IMPORT_BYTES, IMPORT_FAULTS_COUNTED, IMPORT_TASKS } from '../../contract/limits.ts';
import {
  EXPORT_LINES,
  IMPORT_LINES_TOLD,
  type ImportFormat,
  ImportQuery,
  ImportResult,
} from '../../contract/portability.ts';
import type { SecurityEventKind } from '../../contract/security-events.ts';
import type { AuditTrail, SecurityEvent } from '../audit/audit-trail.ts';
import { userIdOf } from '../auth/guard.ts';
import { assertStillIn } from '../auth/still-in.ts';
import { AppError } from '../errors.ts';
import { bodyPieces } from '../http/body-deadline.ts';
import { clientOf } from '../http/client.ts';
import { operation } from '../http/docs.ts';
import { idempotencyKeyOf, startRequestHash, unreadHash } from '../http/idempotency.ts';
import { checkQuery } from '../http/input.ts';
import { ProgressAnswer } from '../http/progress-answer.ts';
import { JSON_TYPE } from '../http/server.ts';
import { type Answered, answerOf, sendAnswer } from '../sync/answered-write.ts';
import type { Writes } from '../sync/user-write.ts';
import { openExport } from './export.ts';
import { type Importing, importAll, tryImport } from './import.ts';
import { receive } from './receive.ts';
import type { Received } from './received.ts';
import {
  EXPORTS_AT_ONCE,
  EXPORTS_OF_ONE_USER,
  IMPORTS_AT_ONCE,
  IMPORTS_OF_ONE_USER,
  Slots,
} from './slots.ts';

export interface PortabilityOptions {
  /** With connections of their own: a long export or import keeps nobody else waiting. */
  writes: Writes;
  trail: AuditTrail;
}

/** A body of lines, each of which is one of these. */
function linesOf(
  description: string,
  members: readonly TSchema[],
  more: Record<string, object> = {},
): TSchema {
  const content = { ...more, [NDJSON_TYPE]: { schema: Type.Union([...members]) } };
  return { description, content } as unknown as TSchema;
}

function eventOf(request: FastifyRequest, kind: SecurityEventKind, tasks?: number): SecurityEvent {
  const { caller, tokenCaller } = request;
  return {
    userId: userIdOf(request),
    kind,
    client: clientOf(request),
    sessionId: caller?.session.id,
    details: {
      ...(tokenCaller ? { token: tokenCaller.tokenId } : {}),
      ...(tasks === undefined ? {} : { tasks }),
    },
  };
}

function exportRoute(app: FastifyInstance, { writes, trail }: PortabilityOptions): void {
  const exports = new Slots(EXPORTS_AT_ONCE, EXPORTS_OF_ONE_USER);
  const schema = operation({
    id: 'exportAccount',
    tag: 'Account',
    summary:
      'All your data as NDJSON: a header, your profile, your tasks with the trash, and a line that ends it',
    description:
      'One moment, however long it takes to read. A file without the last line is cut off. What you upload to `POST /api/account/import` may be this very file.',
    session: true,
    answers: { 200: linesOf('One JSON object a line.', EXPORT_LINES) },
  });
  const config = {
    needsSession: true,
    scopes: ['account:read', 'tasks:read'] as const,
    endsWithConnection: true,
  };
  const announce = (reply: FastifyReply) => {
    const day = new Date().toISOString().slice(0, 10);
    return reply
      .header('content-disposition', `attachment; filename="donewell-${day}.ndjson"`)
      .type(NDJSON_TYPE);
  };
  app.get('/api/account/export', { schema, config, exposeHeadRoute: false }, async (request, reply) => {
    const userId = userIdOf(request);
    const stream = await openExport(writes.database, userId, exports.take(userId));
    await trail.record(eventOf(request, 'data_exported'));
    return announce(reply).send(stream);
  });
  // Its own: nothing is read, nor told to the owner, since nothing leaves.
  app.head(
    '/api/account/export',
    { schema: { hide: true } as FastifySchema, config },
    async (_request, reply) => announce(reply).send(),
  );
}

const TYPES: Record<string, ImportFormat> = {
  [NDJSON_TYPE]: 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/x-jsonlines': 'ndjson',
  'text/csv': 'csv',
  'application/csv': 'csv',
};

/** @throws AppError `unsupported_media_type` (415). */
function formatOf({ headers }: FastifyRequest, named: ImportFormat | undefined): ImportFormat {
  const encoding = headers['content-encoding'];
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  const format = named ?? TYPES[type];
  if (format !== undefined && (encoding === undefined || encoding === 'identity')) return format;
  throw new AppError(
    'unsupported_media_type',
    'The file must be application/x-ndjson or text/csv, or named by ?format=, and not compressed.',
  );
}

/** Aborted when the client goes away before it has its answer. */
function abortOf({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

interface Import {
  request: FastifyRequest;
  format: ImportFormat;
  signal: AbortSignal;
  /** Undefined where the client wants one answer at the end. */
  progress: ProgressAnswer | undefined;
}

/**
 * One body is one request: what is read of it is hashed for its Idempotency-Key. Whoever sent it may have been signed out
 * since the first byte.
 */
function receiving({ database }: Writes, { request, format }: Import) {
  const hash = startRequestHash(request);
  let digest: Buffer | undefined;
  const pieces = async function* () {
    for await (const piece of bodyPieces(request, { bytes: IMPORT_BYTES })) {
      hash.update(piece);
      yield piece;
    }
    await assertStillIn((statement, values) => database.read(statement, values), request);
  };
  const tooLarge = (error: unknown) => {
    if (error instanceof AppError && error.code === 'payload_too_large') digest = unreadHash(request);
    throw error;
  };
  return {
    receive: () => receive(pieces(), format).catch(tooLarge),
    hash: () => {
      digest ??= hash.digest();
      return digest;
    },
  };
}

function importing({ request, signal, progress }: Import, file: Received): Importing {
  const onProgress = (done: number, total: number) => progress?.tell(done, total);
  return { file, userId: userIdOf(request), signal, onProgress };
}

async function runImport({ writes, trail }: PortabilityOptions, one: Import): Promise<Answered> {
  const { receive: receiveFile, hash } = receiving(writes, one);
  const files: (() => Promise<void>)[] = [];
  const parse = async () => {
    const { file, close } = await receiveFile();
    files.push(close);
    one.progress?.begin();
    return importing(one, file);
  };
  try {
    return await answerOf(writes, one.request, {
      parse,
      hash,
      run: async (write, what) => {
        await write.locked();
        // The lock may have been waited for.
        await assertStillIn((statement, values) => write.transaction.query(statement, values), one.request);
        const result = await importAll(write, what);
        if (result.created > 0)
          trail.add(write.transaction, eventOf(one.request, 'data_imported', result.created));
        return { status: 200, body: result };
      },
    });
  } finally {
    for (const close of files) await close();
  }
}

/** Changes nothing, and so needs no key. */
async function runDry({ writes }: PortabilityOptions, one: Import): Promise<Answered> {
  idempotencyKeyOf(one.request);
  const { file, close } = await receiving(writes, one).receive();
  try {
    const result = await writes.database.snapshot((transaction) =>
      tryImport(transaction, importing(one, file)),
    );
    const headers = { 'content-type': JSON_TYPE };
    return { answer: { status: 200, headers, body: JSON.stringify(result) }, replayed: false };
  } finally {
    await close();
  }
}

const ImportHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description: 'The same key with the same file returns the first answer again for 24 hours.',
    }),
  ),
  accept: Type.Optional(
    Type.String({ description: `\`${NDJSON_TYPE}\` for lines of progress before the result.` }),
  ),
});

const FILE = { type: 'string', format: 'binary' };

function importRoute(app: FastifyInstance, options: PortabilityOptions): void {
  const imports = new Slots(IMPORTS_AT_ONCE, IMPORTS_OF_ONE_USER);
  const schema = operation({
    id: 'importTasks',
    tag: 'Account',
    summary: 'Import tasks from an export, a CSV file or Todoist: all of them or none',
    description: `At most ${IMPORT_BYTES / 1_048_576} MiB and ${IMPORT_TASKS} tasks, which is also as many as an account may have after an import. If any line is wrong, nothing is written and \`errors\` names the first of them, \`errors_total\` says how many; from ${IMPORT_FAULTS_COUNTED} on the rest is not checked. The same file again makes nothing that is still there. See docs/portability.md for the formats.`,
    session: true,
    query: ImportQuery,
    headers: ImportHeaders,
    body: {
      content: { [NDJSON_TYPE]: { schema: FILE }, 'text/csv': { schema: FILE } },
    } as unknown as TSchema,
    answers: {
      200: linesOf(
        'What was done. As NDJSON: lines of progress, and at last the result or, if it failed meanwhile, a problem.',
        IMPORT_LINES_TOLD,
        { 'application/json': { schema: ImportResult } },
      ),
    },
    errors: [
      'payload_too_large',
      'unsupported_media_type',
      'validation_error',
      'idempotency_key_reused',
      'malformed_json',
    ],
  });
  const config = { needsSession: true, scopes: ['tasks:write'] as const, endsWithConnection: true };
  app.post('/api/account/import', { schema, config }, async (request, reply) => {
    const { format, dry_run = false } = checkQuery(ImportQuery, request.query);
    const wantsLines = request.headers.accept?.includes(NDJSON_TYPE) ?? false;
    const progress = wantsLines && !dry_run ? new ProgressAnswer(request, reply) : undefined;
    const one = { request, format: formatOf(request, format), signal: abortOf(reply), progress };
    const release = imports.take(userIdOf(request));
    try {
      const answered = await (dry_run ? runDry(options, one) : runImport(options, one));
      return progress?.end(answered.answer) ?? sendAnswer(reply, answered);
    } catch (error) {
      if (!progress?.fail(error)) throw error;
      return reply;
    } finally {
      release();
    }
  });
}

export async function portabilityRoutes(app: FastifyInstance, options: PortabilityOptions): Promise<void> {
  exportRoute(app, options);
  await app.register(async (scope) => {
    // Whatever it is, it is read as it arrives.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    importRoute(scope, options);
  });
}
