// What answers at the server's address while it starts and its database cannot be reached: the process lives, and is not ready.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { databaseError } from '../database/failure.ts';
import { healthNow } from './health.ts';
import { problemHeaders, problemOf } from './problem.ts';
import { requestIdOf } from './request-id.ts';
import { canonicalTarget } from './request-line.ts';
import { DATA_HEADERS } from './security.ts';
import { JSON_TYPE } from './server.ts';

function answerTo(path: string, requestId: string): { status: number; headers?: object; body: object } {
  const error = databaseError();
  const { 'retry-after': retryAfter } = problemHeaders(error);
  if (path === '/health/live') return { status: 200, body: { status: 'alive' } };
  if (path === '/health')
    return { status: 503, headers: { 'retry-after': retryAfter }, body: healthNow(false) };
  return { status: error.status, headers: problemHeaders(error), body: problemOf(error, requestId) };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const requestId = requestIdOf(request);
  const [path = '/'] = canonicalTarget(request.url ?? '/').split('?', 1);
  const { status, headers, body } = answerTo(path.replace(/(?<=.)\/+$/, ''), requestId);
  const common = {
    ...DATA_HEADERS,
    'x-request-id': requestId,
    'content-type': JSON_TYPE,
  };
  // Whoever comes again must find the server itself.
  response.writeHead(status, { ...common, ...headers, connection: 'close' });
  response.end(request.method === 'HEAD' ? undefined : JSON.stringify(body));
}

export interface WaitingRoom {
  /** Leaves the address to the server. */
  close(): Promise<void>;
}

/** Never fails: where the address cannot be had, the server will say so. */
export async function openWaitingRoom(address: { host: string; port: number }): Promise<WaitingRoom> {
  const server = createServer(answer);
  const isListening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(address, () => resolve(true));
  });
  const close = () =>
    new Promise<void>((resolve) => {
      if (!isListening) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { close };
}
