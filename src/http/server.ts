// The HTTP server without any feature: limits, time-outs, ids, errors, headers. Features add their routes to it.
import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { SOCKET_PATH } from '../../contract/events.ts';
import { BODY_BYTES } from '../../contract/limits.ts';
import type { TrustProxy } from '../config/values.ts';
import { AppError } from '../errors.ts';
import { installBodyParser } from './body.ts';
import { installBodyDeadline } from './body-deadline.ts';
import { answerClientError, answerConnect } from './client-error.ts';
import { lateLogger } from './late-logger.ts';
import { installNotFound } from './method-not-allowed.ts';
import type { OriginRules } from './origin.ts';
import { installProblems, sendProblem } from './problem.ts';
import { requestIdOf } from './request-id.ts';
import { assertHost, assertSize, canonicalTarget, PARSER_BYTES } from './request-line.ts';
import { installRequestLog } from './request-log.ts';
import { DATA_HEADERS, installSecurity, letPageRead } from './security.ts';
import { installUnfinished } from './unfinished.ts';
import { installReadingDeadline } from './unread-answers.ts';

/** Milliseconds, where the usual is not right. */
export interface Deadlines {
  /** For a body to arrive. */
  body?: number;
  /** For the reader of an answer to take the next part of it. */
  reading?: number;
}

export interface ServerOptions {
  logger: Logger;
  trustProxy: TrustProxy;
  rules: OriginRules;
  https: boolean;
  deadlines?: Deadlines | undefined;
}

const packageFile = new URL('../../package.json', import.meta.url);
export const VERSION = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;

/** The type of answers that are JSON text already. */
export const JSON_TYPE = 'application/json; charset=utf-8';

// Milliseconds. Longer than a proxy keeps idle connections (60–65 s), so that it never uses one we just closed.
const KEEP_ALIVE_TIMEOUT = 72_000;
const HEADERS_TIMEOUT = 30_000;
/** Of one part of the start: on a machine that is full of other work it takes its time. */
const START_TIMEOUT = 60_000;
/** Of the slowest: a file that is being imported. All other bodies have less time, see body-deadline.ts. */
const REQUEST_TIMEOUT = 600_000;
const IDLE_SWEEP = 50;
// After the word to stop, requests that were on their way then are let in: until none has come for this long, but no
// more often than that, since others may always come.
const LAST_CALL = 100;
const LAST_CALLS = 4;
/** Longer than any URL that is let through: ids of any length reach their route. */
const PARAMETER_LENGTH = PARSER_BYTES;

function trustedProxies(trust: TrustProxy) {
  return typeof trust === 'number' ? (_address: string, hop: number) => hop < trust : trust;
}

/**
 * Connections whose last request is answered while we stop would otherwise lie open, and keep us, for a minute. But a
 * request that is still on its way, or in a connection that nobody has accepted yet, was sent before we said anything:
 * it gets its answer, and with it the word that this connection ends.
 */
function closeAsTheyFallIdle(app: FastifyInstance): void {
  let arrivals = 0;
  app.server.on('connection', () => {
    arrivals++;
  });
  app.addHook('preClose', async () => {
    for (
      let call = 0, before = -1;
      call < LAST_CALLS && arrivals !== before && app.server.listening;
      call++
    ) {
      before = arrivals;
      await delay(LAST_CALL);
    }
    const sweep = setInterval(() => app.server.closeIdleConnections(), IDLE_SWEEP);
    sweep.unref();
    app.server.once('close', () => clearInterval(sweep));
  });
}

/** Requests that Node keeps from the routes and answers in its own way, or not at all. */
function answerOddRequests(server: Server): void {
  server.on('connect', (request, socket) => answerConnect(request, socket));
  // An expectation other than 100-continue may be ignored (RFC 9110, 10.1.1).
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

function isSocketUpgrade({ url = '', headers }: IncomingMessage): boolean {
  const [path = ''] = canonicalTarget(url).split('?', 1);
  return path.replace(/\/$/, '') === SOCKET_PATH && headers.upgrade?.toLowerCase() === 'websocket';
}

export function createServer(options: ServerOptions): FastifyInstance {
  const app = fastify({
    loggerInstance: options.logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }), // ours is in request-log.ts
    childLoggerFactory: lateLogger,
    genReqId: requestIdOf,
    trustProxy: trustedProxies(options.trustProxy),
    bodyLimit: BODY_BYTES,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    pluginTimeout: START_TIMEOUT,
    // Requests that arrive on open connections while we stop are still answered.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: PARAMETER_LENGTH },
    rewriteUrl: (request) => canonicalTarget(request.url ?? '/'),
    clientErrorHandler: answerClientError,
    // Node would answer a request without Host itself, in its own shape.
    // Only a socket is upgraded; whoever offers another protocol (curl --http2 does) gets the answer in this one.
    http: {
      headersTimeout: HEADERS_TIMEOUT,
      requireHostHeader: false,
      maxHeaderSize: PARSER_BYTES,
      shouldUpgradeCallback: isSocketUpgrade,
    },
    frameworkErrors: (_error, undecoded, bare) => {
      const request = undecoded as unknown as FastifyRequest;
      const reply = bare as unknown as FastifyReply;
      reply.headers({ 'x-request-id': request.id, vary: 'Origin', ...DATA_HEADERS });
      letPageRead(options.rules, request, reply);
      sendProblem(reply, request, new AppError('malformed_request', 'The URL cannot be decoded.'));
    },
  }) as unknown as FastifyInstance;
  // Inputs are checked where they are used (`check` in input.ts); the schemas of routes document and serialise.
  app.setValidatorCompiler(() => () => true);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  answerOddRequests(app.server);
  closeAsTheyFallIdle(app);
  installProblems(app);
  installNotFound(app);
  installRequestLog(app);
  installUnfinished(app);
  installBodyDeadline(app.server, options.deadlines?.body);
  installReadingDeadline(app.server, options.deadlines?.reading);
  installBodyParser(app);
  installSecurity(app, { rules: options.rules, https: options.https });
  app.addHook('onRequest', (request, _reply, done) => {
    assertSize(request.raw);
    assertHost(request.raw);
    done();
  });
  return app;
}
