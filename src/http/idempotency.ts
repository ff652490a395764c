// Idempotency-Key: which request a key stands for, and where its first answer is kept.
import { createHash, type Hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { IDEMPOTENCY_HOURS, IDEMPOTENCY_KEY_LENGTH } from '../../contract/limits.ts';
import { isUniqueViolation } from '../database/failure.ts';
import { read, write } from '../database/statement.ts';
import { AppError, validationError } from '../errors.ts';

/** An answer as it is kept and sent again, byte for byte. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface KeptAnswer extends Answer {
  request_hash: Buffer;
}

const VISIBLE_ASCII = new RegExp(`^[\\x21-\\x7e]{1,${IDEMPOTENCY_KEY_LENGTH}}$`);

/** $1 user id, $2 key */
export const findAnswer = read<KeptAnswer>(
  'idempotency_find',
  `select status, headers, body, request_hash from idempotency_key
   where user_id = $1 and key = $2 and created_at > now() - interval '${IDEMPOTENCY_HOURS} hours'`,
);

/** $1 user id, $2 key, $3 hash of the request, $4 status, $5 headers as JSON, $6 body. An expired answer gives way. */
export const keepAnswer = write(
  'idempotency_keep',
  `insert into idempotency_key (user_id, key, request_hash, status, headers, body) values ($1, $2, $3, $4, $5, $6)
   on conflict (user_id, key) do update set request_hash = excluded.request_hash, status = excluded.status,
     headers = excluded.headers, body = excluded.body, created_at = now()`,
);

/**
 * Parts of a statement that makes changes for each of `input` and keeps their answers, all at once: the condition that nothing is kept
 * under the `key` of one, and the insert, to be followed by a select of user id, key, hash of the request, status, headers and body.
 * Of two such statements at once the second fails, see `isAnswerKept`. As a value, not by `not exists`: that would be a join, which of a
 * table that was empty when it was last counted reads all of it.
 */
export const NOTHING_KEPT =
  '(select true from idempotency_key as kept where kept.user_id = input.user_id and kept.key = input.key) is null';
export const KEEP_NEW = 'insert into idempotency_key (user_id, key, request_hash, status, headers, body)';

/** True for the failure of a statement that was about to keep an answer where by now there is one. */
export function isAnswerKept(error: unknown): boolean {
  return isUniqueViolation(error) && (error as { constraint?: string }).constraint === 'idempotency_key_pkey';
}

/** What a kept answer belongs to. */
export interface Keyed {
  key: string;
  hash: () => Buffer;
}

/** @throws AppError `validation_error` for a key that is empty, too long or not visible ASCII. */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && VISIBLE_ASCII.test(key)) return key;
  throw validationError([
    { path: 'Idempotency-Key', message: `must be 1 to ${IDEMPOTENCY_KEY_LENGTH} visible ASCII characters` },
  ]);
}

/** Two requests are the same when method, path and the bytes of the body are: these the caller adds. */
export function startRequestHash(request: FastifyRequest): Hash {
  const path = request.url.replace(/\/+(?=\?|$)/, '');
  return createHash('sha256').update(`${request.method} ${path}\n`);
}

export function requestHash(request: FastifyRequest): Buffer {
  return startRequestHash(request)
    .update(request.rawBody ?? '')
    .digest();
}

/** Of a body that is too large, and so not read to its end, no more is known than the length it was said to have. */
export function unreadHash(request: FastifyRequest): Buffer {
  const length = request.headers['content-length'] ?? '';
  return startRequestHash(request).update(`\0too large ${length}`).digest();
}

export function keyReused(): AppError {
  return new AppError(
    'idempotency_key_reused',
    'This Idempotency-Key was used for another request: take a new one.',
  );
}

const NOT_KEPT = new Set([
  'malformed_request',
  'unauthenticated',
  'invalid_credentials',
  'unauthorized_access',
  'idempotency_in_progress',
  'rate_limited',
  'idempotency_key_reused',
]);

/** Refusals are answers too; those about who asks or how often, and failures of ours, are not. */
export function isKept(error: AppError): boolean {
  return error.status < 500 && !NOT_KEPT.has(error.code);
}
