// Each request has an id: the caller's own if it is a plain one, else a fresh UUID; every answer and log line carries it.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { REQUEST_ID_LENGTH } from '../../contract/limits.ts';

const PLAIN = new RegExp(`^[A-Za-z0-9._-]{1,${REQUEST_ID_LENGTH}}$`);

export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && PLAIN.test(given) ? given : randomUUID();
}
