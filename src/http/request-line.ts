// What a request must be before any route sees it: a target in its one canonical form, one Host, and no more than fits.
import type { IncomingMessage } from 'node:http';
import { AppError } from '../errors.ts';

/** Bytes of the target. */
export const URL_BYTES = 16 * 1_024;
/** Bytes of all header names and values together. */
export const HEADER_BYTES = 16 * 1_024;
/** Where Node's parser gives up. Above the limits of ours, which know what was too long and answer in order. */
export const PARSER_BYTES = URL_BYTES + HEADER_BYTES + 8 * 1_024;

const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;
const UNRESERVED = /%(?:2[DEde]|3\d|4[1-9A-Fa-f]|5[\dAaFf]|6[1-9A-Fa-f]|7[\dAaEe])/g;

/**
 * The target as every part of the server sees it: without scheme and authority (proxies may send them), without
 * fragment, and with nothing percent-encoded that need not be. `/%61pi` is `/api` to the router: were it anything else
 * to whoever asks by prefix, it would be a way around them.
 */
export function canonicalTarget(target: string): string {
  if (target.startsWith('/') && !/[%#]/.test(target)) return target;
  const [unbroken = ''] = target.split('#', 1);
  const local = ABSOLUTE_FORM.test(unbroken)
    ? unbroken.replace(ABSOLUTE_FORM, '').replace(/^(?!\/)/, '/')
    : unbroken;
  const question = local.indexOf('?');
  const path = question < 0 ? local : local.slice(0, question);
  return path.replace(UNRESERVED, (encoded) => decodeURIComponent(encoded)) + local.slice(path.length);
}

export function urlTooLong(): AppError {
  return new AppError('malformed_request', `The URL is longer than ${URL_BYTES / 1024} KiB.`, {
    status: 414,
  });
}

export function headersTooLarge(): AppError {
  return new AppError('malformed_request', `The headers are larger than ${HEADER_BYTES / 1024} KiB.`, {
    status: 431,
  });
}

export function tooSlow(): AppError {
  return new AppError('malformed_request', 'The request took too long to arrive.', { status: 408 });
}

/** @throws AppError `malformed_request` with 414 or 431. */
export function assertSize(request: IncomingMessage): void {
  if ((request.url?.length ?? 0) > URL_BYTES) throw urlTooLong();
  let bytes = 0;
  for (const part of request.rawHeaders) bytes += part.length;
  if (bytes > HEADER_BYTES) throw headersTooLarge();
}

/**
 * Node's parser also takes versions that it does not speak.
 * @throws AppError `malformed_request` unless there is exactly one Host (RFC 9112, 3.2); HTTP/1.0 may do without.
 */
export function assertHost(request: IncomingMessage): void {
  const { rawHeaders, httpVersion } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    throw new AppError('malformed_request', 'Only HTTP/1.1 and HTTP/1.0 are spoken here.');
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === 'host') hosts++;
  if (hosts > 1) throw new AppError('malformed_request', 'The request has more than one Host header.');
  if (hosts === 0 && httpVersion === '1.1')
    throw new AppError('malformed_request', 'The request has no Host header.');
}
