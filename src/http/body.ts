// Request bodies: JSON only, strictly UTF-8, of bounded depth, without NUL or lone surrogates.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { JSON_DEPTH } from '../../contract/limits.ts';
import { AppError } from '../errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body's bytes; undefined when there was none. */
    rawBody: Buffer | undefined;
    /** Why the body cannot be used. Kept, not thrown, so that an idempotent route can keep this answer too. */
    bodyError: AppError | undefined;
  }
  interface FastifyContextConfig {
    /** The route reads the body by `jsonBody` and so reports an unusable one itself. */
    ownBodyErrors?: boolean;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function malformed(detail: string): AppError {
  return new AppError('malformed_json', detail);
}

function assertString(text: string): void {
  if (text.includes('\0')) throw malformed('The body has a NUL character in a string.');
  if (!text.isWellFormed()) throw malformed('The body has half a surrogate pair in a string.');
}

/** A string of a valid JSON text, as it stands there. */
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/g;

/**
 * Looks at the text, not at what was made of it: of a name that is there twice the parser keeps only the last value. What UTF-8 has let
 * through needs an escape to be wrong.
 */
function assertSound(json: string): void {
  const structure = json.replace(STRING, (string) => {
    if (string.includes('\\u')) assertString(JSON.parse(string));
    return '';
  });
  let depth = 0;
  for (const character of structure) {
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    if (depth > JSON_DEPTH) throw malformed(`The body is nested deeper than ${JSON_DEPTH} levels.`);
  }
}

/** @throws AppError `malformed_json` (400). */
export function parseJson(bytes: Buffer): unknown {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw malformed('The body is not valid JSON in UTF-8.');
  }
  assertSound(text);
  return value;
}

function isJson(contentType: string): boolean {
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  return type === 'application/json' && (charset === undefined || /^"?utf-?8"?$/.test(charset));
}

function readBody(request: FastifyRequest, bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  request.rawBody = bytes;
  const encoding = request.headers['content-encoding'];
  try {
    if (
      !isJson(request.headers['content-type'] ?? '') ||
      (encoding !== undefined && encoding !== 'identity')
    ) {
      throw new AppError(
        'unsupported_media_type',
        'The body must be application/json in UTF-8, not compressed.',
      );
    }
    return parseJson(bytes);
  } catch (error) {
    request.bodyError = error as AppError;
    return undefined;
  }
}

/** The parsed body of a route that needs one. @throws AppError 400 or 415. */
export function jsonBody(request: FastifyRequest): unknown {
  if (request.bodyError) throw request.bodyError;
  if (request.rawBody === undefined) throw malformed('The body is empty; JSON is needed.');
  return request.body;
}

/**
 * Of a body that is too large the rest is thrown away as it comes, until its deadline: were the connection closed while the client still
 * writes, as Fastify would do it, the client would not see the answer.
 */
export function readOn(reply: FastifyReply, { code }: AppError): void {
  if (code === 'payload_too_large') reply.removeHeader('connection');
}

/** Installs the only body parser of the server. */
export function installBodyParser(app: FastifyInstance): void {
  app.decorateRequest('rawBody', undefined);
  app.decorateRequest('bodyError', undefined);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, bytes, done) => {
    done(null, readBody(request, bytes as Buffer));
  });
  app.addHook('preValidation', (request, _reply, done) => {
    const isOwn = request.bodyError === undefined || request.routeOptions.config.ownBodyErrors;
    done(isOwn ? undefined : request.bodyError);
  });
}
