// How long a body may take to arrive: all of it within half a minute, or, where a file is taken, without a long pause.
import type { IncomingMessage, Server } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import { answerClientError } from './client-error.ts';
import { tooSlow } from './request-line.ts';

/** Milliseconds. */
const BODY_DEADLINE = 30_000;

interface Deadline {
  timer: NodeJS.Timeout;
  /** What is done when the time is over. */
  miss: () => void;
}

const deadlines = new WeakMap<IncomingMessage, Deadline>();

/** For a body that nobody waits for: 408, as to any request that is too slow, and the end of the connection. */
function refuseSlow({ socket }: IncomingMessage): void {
  const late = Object.assign(new Error('The body did not arrive in time'), {
    code: 'ERR_HTTP_REQUEST_TIMEOUT',
  });
  answerClientError(late as unknown as Parameters<typeof answerClientError>[0], socket);
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
    const miss = () => refuseSlow(raw);
    const timer = setTimeout(() => {
      if (!raw.complete) deadline.miss(); // else it is all there, only not read yet
    }, milliseconds);
    const deadline: Deadline = { timer, miss };
    deadlines.set(raw, deadline);
    const end = () => {
      clearTimeout(timer);
      deadlines.delete(raw);
    };
    raw.once('end', end);
    raw.once('close', end);
  });
}

/** Begins the time for the rest of a body anew. */
function goOn(raw: IncomingMessage): Deadline | undefined {
  const deadline = deadlines.get(raw);
  deadline?.timer.refresh();
  return deadline;
}

/** @throws AppError `malformed_request` (408) when it does not come in time: whoever waits for it ends what they have begun. */
async function nextPiece(
  raw: IncomingMessage,
  pieces: AsyncIterator<Buffer>,
): Promise<IteratorResult<Buffer>> {
  const deadline = goOn(raw);
  if (!deadline) return pieces.next();
  const { miss } = deadline;
  try {
    return await new Promise((resolve, reject) => {
      deadline.miss = () => reject(tooSlow());
      pieces.next().then(resolve, reject);
    });
  } finally {
    deadline.miss = miss;
    goOn(raw);
  }
}

/**
 * The body as it arrives, never whole in memory: the next piece is read when the one before has been dealt with. Each
 * piece that is taken begins the time for the rest anew.
 * @param options.bytes how many there may be.
 * @throws AppError `payload_too_large` (413), `malformed_request` for a body that breaks off (400) or stops (408).
 */
export async function* bodyPieces(
  { raw }: FastifyRequest,
  options: { bytes: number },
): AsyncGenerator<Buffer> {
  const tooLarge = () =>
    new AppError('payload_too_large', `The file is larger than ${options.bytes / 1_048_576} MiB.`);
  if (Number(raw.headers['content-length'] ?? 0) > options.bytes) throw tooLarge();
  // The connection is kept, whatever becomes of the body: the answer goes over it.
  const pieces = raw.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  try {
    let read = 0;
    for (let piece = await nextPiece(raw, pieces); !piece.done; piece = await nextPiece(raw, pieces)) {
      read += piece.value.length;
      if (read > options.bytes) throw tooLarge();
      yield piece.value;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('malformed_request', 'The body broke off.', { cause: error });
  } finally {
    // Not to be waited for: after a body that stopped, the iterator still does.
    void pieces.return?.();
  }
}
