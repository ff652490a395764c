// The one map from errors to answers: every failure leaves as an RFC 9457 problem, or as a page where a person is looking,
// and only defects are logged as such.
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERROR_CODES, type Problem } from '../../contract/errors.ts';
import { BODY_BYTES } from '../../contract/limits.ts';
import { translate } from '../database/failure.ts';
import { AppError } from '../errors.ts';
import { readOn } from './body.ts';
import { type Notice, noticePage, rootFrom, sendPage, wantsPage } from './page.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export function problemOf(error: AppError, requestId: string): Problem & Record<string, unknown> {
  const { status } = error;
  const standard = status === ERROR_CODES[error.code].status;
  return {
    type: `/docs/errors#${error.code}`,
    title: standard ? ERROR_CODES[error.code].title : (STATUS_CODES[status] ?? 'Error'),
    status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    ...(error.errors ? { errors: error.errors } : {}),
    ...error.extra,
  };
}

/** The headers that an error brings with it. */
export function problemHeaders(error: AppError): Record<string, string> {
  return {
    'content-type': PROBLEM_TYPE,
    ...(error.code === 'unauthenticated' ? { 'www-authenticate': 'Bearer' } : {}),
    // What is left of the request will not be waited for.
    ...(error.status === 408 ? { connection: 'close' } : {}),
    ...(error.retryAfter === undefined ? {} : { 'retry-after': String(error.retryAfter) }),
  };
}

/** What Fastify itself refuses, in our words. */
function fromFramework(error: FastifyError): AppError | undefined {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new AppError('payload_too_large', `The body is larger than ${BODY_BYTES / 1024} KiB.`, {
      cause: error,
    });
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new AppError('unsupported_media_type', 'The body must be application/json.', { cause: error });
  }
  const refused = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500;
  return refused
    ? new AppError('malformed_request', 'The request cannot be understood.', { cause: error })
    : undefined;
}

/** The error that a client may see for anything thrown. */
export function publicError(error: unknown): AppError {
  // First: a body that breaks off has the code of a connection that was lost, which is not the database's.
  const framework = error instanceof Error ? fromFramework(error as FastifyError) : undefined;
  if (framework) return framework;
  const known = translate(error);
  if (known instanceof AppError) return known;
  return new AppError('internal_error', 'Something went wrong on our side. It has been logged.', {
    cause: error,
  });
}

/** What a person reads; the titles of all other problems will do. */
const TITLES: Partial<Record<string, string>> = {
  malformed_request: 'That address is broken',
  not_found: 'Nothing is here',
  internal_error: 'Something went wrong',
  database_error: 'One moment, please',
  overloaded: 'One moment, please',
};

function noticeOf({ code, title, status, detail, request_id }: Problem): Notice {
  const isMissing = status === 404;
  return {
    title: TITLES[code] ?? title,
    words: isMissing ? `${detail} Perhaps the link was cut short, or is an old one.` : detail,
    onwards: 'Back to Donewell',
    // Who asks the operator about a defect will be asked for it.
    smallPrint: status >= 500 ? `Error ${status}. Request ${request_id}` : `Error ${status}`,
  };
}

/** Whose answers are for programs, whatever they say that they take. */
const FOR_PROGRAMS = /^\/(api|socket\.io|health|openapi\.json|asyncapi\.json)(\/|\?|$)/;

export function sendProblem(reply: FastifyReply, request: FastifyRequest, error: AppError): FastifyReply {
  const problem = problemOf(error, request.id);
  reply.code(problem.status).headers(problemHeaders(error));
  if (!FOR_PROGRAMS.test(request.url)) {
    reply.header('vary', [reply.getHeader('vary'), 'Accept'].filter(Boolean).join(', '));
    if (wantsPage(request.headers.accept))
      return sendPage(reply, noticePage(rootFrom(request), noticeOf(problem)));
  }
  // As bytes: to a string Fastify would add a charset, which this media type does not have.
  return reply.send(Buffer.from(JSON.stringify(problem)));
}

/** Defects, and what is away, are ours to know about; what a client did wrong is not. */
export function logFailure(request: FastifyRequest, error: AppError): void {
  if (error.code === 'internal_error') request.log.error({ err: error.cause }, 'a defect');
  else if (error.status === 503) request.log.warn({ err: error.cause, code: error.code }, 'unavailable');
}

/** Installs the error handler for every route of the server. */
export function installProblems(app: FastifyInstance): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = publicError(thrown);
    logFailure(request, error);
    readOn(reply, error);
    return sendProblem(reply, request, error);
  });
}
