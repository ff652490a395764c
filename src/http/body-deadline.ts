// How long a body may take to arrive: all of it within half a minute, or, where files are sent, without a long pause.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import { answerClientError } from './client-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads the body by `bodyPieces`, under limits of its own. */
    readsPieces?: boolean;
    /** Milliseconds that a body may take to arrive. */
    bodyDeadline?: number;
  }
}

/** Milliseconds. */
const BODY_DEADLINE = 30_000;
const LONGEST_PAUSE = 30_000;

/** Answers 408, as to any request that is too slow, and closes the connection. */
function refuseSlow({ raw }: FastifyRequest): void {
  const tooSlow = Object.assign(new Error('The body did not arrive in time'), {
    code: 'ERR_HTTP_REQUEST_TIMEOUT',
  });
  answerClientError(tooSlow as unknown as Parameters<typeof answerClientError>[0], raw.socket);
}

/** Must be installed before the routes. */
export function installBodyDeadline(app: FastifyInstance): void {
  app.addHook('onRequest', async (request) => {
    const { raw, routeOptions } = request;
    const { headers } = raw;
    if (headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0') return;
    if (routeOptions.config?.readsPieces) return;
    const timer = setTimeout(() => refuseSlow(request), routeOptions.config?.bodyDeadline ?? BODY_DEADLINE);
    // Also what nobody reads has its end, once the answer is out and the rest is thrown away.
    raw.once('end', () => clearTimeout(timer));
    raw.once('close', () => clearTimeout(timer));
  });
}

/**
 * The body as it arrives, never whole in memory: the next piece is read when the one before has been dealt with.
 * @param options.bytes how many there may be; `pause` milliseconds without any.
 * @throws AppError `payload_too_large` (413), or 400 for a body that breaks off.
 */
export async function* bodyPieces(
  request: FastifyRequest,
  options: { bytes: number; pause?: number },
): AsyncGenerator<Buffer> {
  const { raw } = request;
  const tooLarge = () =>
    new AppError('payload_too_large', `The file is larger than ${options.bytes / 1_048_576} MiB.`);
  if (Number(raw.headers['content-length'] ?? 0) > options.bytes) throw tooLarge();
  const timer = setTimeout(() => refuseSlow(request), options.pause ?? LONGEST_PAUSE);
  let read = 0;
  try {
    // The connection is kept, whatever becomes of the body: the answer goes over it.
    for await (const piece of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      read += piece.length;
      if (read > options.bytes) throw tooLarge();
      yield piece;
      timer.refresh();
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('malformed_request', 'The body broke off.', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
