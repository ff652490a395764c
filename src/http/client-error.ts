// Requests that Node's HTTP parser refuses never reach a route: they get the same problem shape, straight on the socket.
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyServerOptions } from 'fastify';
import { AppError } from '../errors.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';

type ParserError = Parameters<NonNullable<FastifyServerOptions['clientErrorHandler']>>[0];

function refusal(error: ParserError): { status: number; detail: string } {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    // The parser does not say what was too long: without a line end it was the request line.
    const packet = error.rawPacket as unknown as Buffer | undefined;
    const longUrl = packet !== undefined && !packet.includes('\r\n');
    return longUrl
      ? { status: 414, detail: 'The URL is too long.' }
      : { status: 431, detail: 'The headers are too large.' };
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { status: 408, detail: 'The request took too long to arrive.' };
  return { status: 400, detail: 'The request is not valid HTTP.' };
}

/** Answers a request that could not be parsed and closes its connection. */
export function answerClientError(error: ParserError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, detail } = refusal(error);
  const requestId = randomUUID();
  const body = JSON.stringify(problemOf(new AppError('malformed_request', detail), requestId, status));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
