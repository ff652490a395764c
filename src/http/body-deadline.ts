// How long a body may take to arrive: all of it within half a minute, or, where a file is taken, without a long pause.
import type { IncomingMessage, Server } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import { answerClientError } from './client-error.ts';

/** Milliseconds. */
const BODY_DEADLINE = 30_000;

const deadlines = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** Answers 408, as to any request that is too slow, and closes the connection. */
function refuseSlow(raw: IncomingMessage): void {
  if (raw.complete) return; // all there, only not read yet
  const tooSlow = Object.assign(new Error('The body did not arrive in time'), {
    code: 'ERR_HTTP_REQUEST_TIMEOUT',
  });
  answerClientError(tooSlow as unknown as Parameters<typeof answerClientError>[0], raw.socket);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/**
 * Of every request, whoever answers it: also what nobody reads has its end, once the answer is out and the rest is
 * thrown away. Only `bodyPieces`, which runs for those who were let in, gives more time.
 */
export function installBodyDeadline(server: Server, milliseconds = BODY_DEADLINE): void {
  // Before the routes, which may read the body at once.
  server.prependListener('request', (raw) => {
    if (!hasBody(raw)) return;
    const timer = setTimeout(() => refuseSlow(raw), milliseconds);
    deadlines.set(raw, timer);
    const end = () => {
      clearTimeout(timer);
      deadlines.delete(raw);
    };
    raw.once('end', end);
    raw.once('close', end);
  });
}

/**
 * The body as it arrives, never whole in memory: the next piece is read when the one before has been dealt with. Each
 * piece that is taken begins the time for the rest anew.
 * @param options.bytes how many there may be.
 * @throws AppError `payload_too_large` (413), or 400 for a body that breaks off.
 */
export async function* bodyPieces(
  { raw }: FastifyRequest,
  options: { bytes: number },
): AsyncGenerator<Buffer> {
  const tooLarge = () =>
    new AppError('payload_too_large', `The file is larger than ${options.bytes / 1_048_576} MiB.`);
  if (Number(raw.headers['content-length'] ?? 0) > options.bytes) throw tooLarge();
  const goOn = () => deadlines.get(raw)?.refresh();
  let read = 0;
  try {
    goOn();
    // The connection is kept, whatever becomes of the body: the answer goes over it.
    for await (const piece of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      read += piece.length;
      if (read > options.bytes) throw tooLarge();
      goOn();
      yield piece;
      goOn(); // it has waited for us
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('malformed_request', 'The body broke off.', { cause: error });
  }
}
