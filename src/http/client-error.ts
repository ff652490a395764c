// Requests that Node's HTTP parser refuses never reach a route: they get the same problem shape, straight on the socket.
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import type { FastifyServerOptions } from 'fastify';
import { AppError } from '../errors.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';
import { requestIdOf } from './request-id.ts';
import { headersTooLarge, tooSlow, URL_BYTES, urlTooLong } from './request-line.ts';
import { DATA_HEADERS } from './security.ts';

type ParserError = Parameters<NonNullable<FastifyServerOptions['clientErrorHandler']>>[0];

/** What Node keeps about the answer in progress on a connection. */
type BusySocket = Socket & { _httpMessage?: ServerResponse | null };

const HEAD_END = '\r\n\r\n';
const ID_LINE = /^x-request-id:(.*)$/im;

/** Milliseconds that a client has to close its side too. Until then the answer might be lost by closing. */
const LINGER = 5_000;

/** The parser does not say what was too long: a request line without an end, or one beyond the limit, was it. */
function isLongUrl(packet: Buffer | undefined): boolean {
  const [line = ''] = packet?.toString('latin1').split('\r\n', 1) ?? [];
  if (/^[A-Z]+ /.test(line)) return line.length > URL_BYTES;
  return packet !== undefined && !/\s/.test(line);
}

function refusalOf(error: ParserError): AppError {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return isLongUrl(error.rawPacket as unknown as Buffer | undefined) ? urlTooLong() : headersTooLarge();
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return tooSlow();
  return new AppError('malformed_request', 'The request is not valid HTTP.');
}

/** The parser has kept none of the headers. They are in the last piece that came, unless the request came in several. */
function idIn(error: ParserError): string {
  const { rawPacket, bytesParsed = 0 } = error as unknown as { rawPacket?: Buffer; bytesParsed?: number };
  const text = rawPacket?.toString('latin1') ?? '';
  // Of several requests in one piece it is the one that the parser had come to, and none behind it.
  const before = text.lastIndexOf(HEAD_END, bytesParsed - 1);
  const [head] = text.slice(before < 0 ? 0 : before + HEAD_END.length).split(HEAD_END, 1);
  return requestIdOf({ headers: { 'x-request-id': ID_LINE.exec(head ?? '')?.[1]?.trim() } });
}

function endWith(socket: Writable, error: AppError, requestId: string): void {
  const body = JSON.stringify(problemOf(error, requestId));
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    ...Object.entries(DATA_HEADERS).map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(timer));
}

/** Answers a request that could not be parsed and closes its connection. */
export function answerClientError(error: ParserError, socket: BusySocket): void {
  const busy = socket._httpMessage;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
  } else if (busy?.req.complete && !busy.writableFinished) {
    // What is wrong came after a whole request that is still being answered: ours must not pass for that answer.
    busy.once('close', () => answerClientError(error, socket));
  } else if (busy?.headersSent && !busy.writableFinished) {
    socket.destroy();
  } else {
    endWith(socket, refusalOf(error), busy && !busy.req.complete ? requestIdOf(busy.req) : idIn(error));
  }
}

/** A tunnel is asked for: there is none. */
export function answerConnect(request: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  const error = new AppError('malformed_request', 'CONNECT is not possible here.');
  endWith(socket, error, requestIdOf(request));
}
