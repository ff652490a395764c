// A write that answers a request: with an Idempotency-Key its first answer is kept in the very transaction of the write.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { userIdOf } from '../auth/guard.ts';
import { AppError } from '../errors.ts';
import { readOn } from '../http/body.ts';
import {
  type Answer,
  findAnswer,
  idempotencyKeyOf,
  isAnswerKept,
  isKept,
  type Keyed,
  keepAnswer,
  keyReused,
  requestHash,
  unreadHash,
} from '../http/idempotency.ts';
import { problemHeaders, problemOf, publicError } from '../http/problem.ts';
import { JSON_TYPE } from '../http/server.ts';
import { type UserWrite, type Writes, writeForUser } from './user-write.ts';

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body: unknown;
}

export interface Work<Input> {
  /** Checks the request, before anything is locked. */
  parse: () => Input | Promise<Input>;
  /** Makes the change. Runs in the transaction. */
  run: (write: UserWrite, input: Input) => Promise<Reply>;
  /** What the request was, for a body that `parse` reads by itself. Asked for after `parse`. */
  hash?: () => Buffer;
  /** Does the same by itself, for a request whose answer need not be kept. */
  atOnce?: (writes: Writes, userId: string, input: Input) => Promise<Reply>;
  /** The same for one whose answer is kept; does nothing, and returns nothing, when there is one already. */
  keptAtOnce?: (writes: Writes, userId: string, input: Input, keyed: Keyed) => Promise<Answer | undefined>;
}

export interface Answered {
  answer: Answer;
  /** It was kept from an earlier request with the same key. */
  replayed: boolean;
}

function toAnswer({ status, headers = {}, body }: Reply): Answer {
  return { status, headers: { 'content-type': JSON_TYPE, ...headers }, body: JSON.stringify(body) };
}

function toProblemAnswer(error: AppError, requestId: string): Answer {
  return {
    status: error.status,
    headers: problemHeaders(error),
    body: JSON.stringify(problemOf(error, requestId)),
  };
}

/** Under the user's lock: the kept answer if there is one, else the one that `produce` makes, which is then kept. */
async function once(
  write: UserWrite,
  { key, hash: hashOf }: Keyed,
  produce: () => Promise<Answer>,
): Promise<Answered> {
  const hash = hashOf();
  const [kept] = await write.read(findAnswer, [write.userId, key]);
  if (kept && !kept.request_hash.equals(hash)) throw keyReused();
  if (kept) return { answer: kept, replayed: true };
  const answer = await produce();
  const { status, headers, body } = answer;
  write.transaction.queue(keepAnswer, [write.userId, key, hash, status, JSON.stringify(headers), body]);
  return { answer, replayed: false };
}

/** Another one with the same key came first while this one was on its way. */
function nothingIfKept(error: unknown): undefined {
  if (!isAnswerKept(error)) throw error;
}

async function keyedWrite<Input>(
  writes: Writes,
  request: FastifyRequest,
  keyed: Keyed,
  work: Work<Input>,
): Promise<Answered> {
  const userId = userIdOf(request);
  try {
    const input = await work.parse();
    const answer = await work.keptAtOnce?.(writes, userId, input, keyed).catch(nothingIfKept);
    if (answer) return { answer, replayed: false };
    return await writeForUser(writes, userId, (write) =>
      once(write, keyed, async () => toAnswer(await work.run(write, input))),
    );
  } catch (error) {
    if (!(error instanceof AppError) || !isKept(error)) throw error;
    // Whatever the refused write had begun is undone by now; its refusal is kept by itself.
    return writeForUser(writes, userId, (write) =>
      once(write, keyed, async () => toProblemAnswer(error, request.id)),
    );
  }
}

/** Runs a write and tells its answer, or the one that was kept, for a route that sends it in its own way. */
export async function answerOf<Input>(
  writes: Writes,
  request: FastifyRequest,
  work: Work<Input>,
): Promise<Answered> {
  const key = idempotencyKeyOf(request);
  const hash = work.hash ?? (() => requestHash(request));
  if (key !== undefined) return keyedWrite(writes, request, { key, hash }, work);
  const input = await work.parse();
  const reply = await writeForUser(writes, userIdOf(request), (write) => work.run(write, input));
  return { answer: toAnswer(reply), replayed: false };
}

export function sendAnswer(reply: FastifyReply, { answer, replayed }: Answered): FastifyReply {
  if (replayed) reply.header('idempotency-replayed', 'true');
  // Text leaves in one piece with its head; but Fastify would give a charset to a type that has none.
  const body = answer.headers['content-type'] === JSON_TYPE ? answer.body : Buffer.from(answer.body);
  return reply.code(answer.status).headers(answer.headers).send(body);
}

/** Runs a write and sends its answer, or the answer that was kept for the same Idempotency-Key. */
export async function answerWrite<Input>(
  writes: Writes,
  request: FastifyRequest,
  reply: FastifyReply,
  work: Work<Input>,
): Promise<FastifyReply> {
  if (idempotencyKeyOf(request) === undefined) {
    const input = await work.parse();
    const userId = userIdOf(request);
    const answer = work.atOnce
      ? work.atOnce(writes, userId, input)
      : writeForUser(writes, userId, (write) => work.run(write, input));
    const { status, headers = {}, body } = await answer;
    return reply.code(status).headers(headers).send(body);
  }
  return sendAnswer(reply, await answerOf(writes, request, work));
}

/**
 * The error handler of a route that answers by `answerWrite`. A body that is too large never reaches the route, but its
 * refusal is an answer like others: with a key it is kept.
 */
export function keepTooLarge(writes: Writes) {
  return async (
    thrown: FastifyError,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const error = publicError(thrown);
    if (error.code !== 'payload_too_large' || idempotencyKeyOf(request) === undefined) throw thrown;
    readOn(reply, error);
    const refuse = () => {
      throw error;
    };
    const answered = await answerOf(writes, request, {
      parse: refuse,
      run: refuse,
      hash: () => unreadHash(request),
    });
    return sendAnswer(reply, answered);
  };
}
