// What the finished OpenAPI document has beyond the schemas of the routes: errors with examples, headers, words.
import { STATUS_CODES } from 'node:http';
import { ERROR_CODE_NAMES, ERROR_CODES, type ErrorCode } from '../../contract/errors.ts';
import { TASK_EXAMPLE } from '../../contract/task.ts';
import { AppError, validationError } from '../errors.ts';
import { ERROR_MEANINGS } from './error-page.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';

export type Json = { [key: string]: unknown };

/** What any route can answer. */
export const EVERYWHERE: readonly ErrorCode[] = [
  'malformed_request',
  'internal_error',
  'database_error',
  'overloaded',
];
/** What is answered where no operation is. */
const NOWHERE: readonly ErrorCode[] = ['not_found', 'method_not_allowed'];

const PROBLEM = { $ref: '#/components/schemas/Problem' };
const CHALLENGE = {
  challenge: { type: 'string', description: 'For the second step, by clients without cookies.' },
  expires_in: { type: 'integer', description: 'Seconds.' },
};
const REQUEST_ID = '5b1a2c1e-7a43-4a55-9c8a-0d4a3b7c6d21';

const text = { schema: { type: 'string' } };
const HEADERS: Json = {
  'X-Request-Id': { description: 'Names this request in the log.', ...text },
  ETag: { description: 'The version of what was answered, for `If-Match` and `If-None-Match`.', ...text },
  Location: { description: 'The address of what was made.', ...text },
  RateLimit: {
    description: 'Requests left and seconds until the window ends: `"default";r=99;t=60`.',
    ...text,
  },
  'RateLimit-Policy': { description: 'Requests and seconds of a window: `"default";q=100;w=60`.', ...text },
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } },
  'WWW-Authenticate': { description: 'How to sign in.', ...text },
  'Idempotency-Replayed': { description: '`true` on an answer that was kept for the same key.', ...text },
};

function headers(...names: string[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** What some problems have besides the members that all have. */
const EXTRA: Partial<Record<ErrorCode, { properties: Json; example: Json }>> = {
  stale: {
    properties: { current: { $ref: '#/components/schemas/ListedTask' } },
    example: { current: TASK_EXAMPLE },
  },
  two_factor_required: {
    properties: CHALLENGE,
    example: {
      challenge: '2fa-Jq3vXyT0p9sW2kLm5nBc.mZ3v7yQe1t0p9sW2kLm5nBcJq3vXyT0p9sW2kLm5nA8=',
      expires_in: 600,
    },
  },
};

/** The shape of the problems of one answer; what only some of them have is required where nothing else can come. */
function problemSchema(codes: readonly ErrorCode[]): Json {
  const [extra] = codes.flatMap((code) => EXTRA[code] ?? []);
  if (!extra) return PROBLEM;
  const required = codes.length === 1 ? { required: Object.keys(extra.properties) } : {};
  return { allOf: [PROBLEM, { type: 'object', ...required, properties: extra.properties }] };
}

function exampleOf(code: ErrorCode): Json {
  const error =
    code === 'validation_error'
      ? validationError([{ path: 'title', message: 'must not be empty' }])
      : new AppError(code, ERROR_MEANINGS[code].split('. ')[0]?.replace(/\.?$/, '.') ?? '');
  return {
    summary: ERROR_CODES[code].title,
    value: { ...problemOf(error, REQUEST_ID), ...EXTRA[code]?.example },
  };
}

function problemContent(codes: readonly ErrorCode[]): Json {
  const examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
  return { [PROBLEM_TYPE]: { schema: problemSchema(codes), examples } };
}

function errorResponse(status: number, codes: readonly ErrorCode[]): Json {
  const waits = status === 429 || status === 503 ? ['Retry-After'] : [];
  const asks = codes.includes('unauthenticated') ? ['WWW-Authenticate'] : [];
  return {
    description: codes.map((code) => `\`${code}\`: ${ERROR_MEANINGS[code]}`).join('\n\n'),
    headers: headers('X-Request-Id', ...waits, ...asks),
    content: problemContent(codes),
  };
}

/** References to shared answers, which are added to `shared` under the names of their codes. */
function errorResponses(codes: readonly ErrorCode[], shared: Json): Json {
  const byStatus = Map.groupBy(codes, (code) => ERROR_CODES[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, members]) => {
      const name = [...members].sort().join('.');
      shared[name] ??= errorResponse(status, members);
      return [status, { $ref: `#/components/responses/${name}` }];
    }),
  );
}

/** The words for `check` and Fastify's marks are no business of readers. */
function withoutMarks(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMarks);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(
    ([key]) => key !== 'x-error' && key !== 'x-errors' && key !== '$id',
  );
  return Object.fromEntries(entries.map(([key, member]) => [key, withoutMarks(member)]));
}

const BETTER_AUTH_ERROR = {
  schema: { type: 'object', properties: { code: { type: 'string' }, message: { type: 'string' } } },
  example: { code: 'UNAUTHORIZED', message: 'Unauthorized' },
};

/** The one address that is ours and Better Auth's: who sends its `newPassword` gets its shapes. */
const BOTH_SHAPES = 'resetPassword';

function betterAuthResponses(): Json {
  // What never reaches Better Auth (a wrong method, say) is a problem like everywhere.
  const refused = { 'application/json': BETTER_AUTH_ERROR, [PROBLEM_TYPE]: { schema: PROBLEM } };
  return {
    200: { description: 'As Better Auth documents it.', content: { 'application/json': { schema: {} } } },
    302: { description: 'Where the link leads, for addresses that are opened from an e-mail.' },
    '4XX': { description: 'Refused.', headers: headers('X-Request-Id'), content: refused },
    '5XX': { description: 'Failed.', headers: headers('X-Request-Id', 'Retry-After'), content: refused },
  };
}

/** An answer with the headers that come with it, and Fastify's empty description replaced. */
function withHeaders(responses: Json, operation: Json): Json {
  const isSession = (operation.security as unknown[] | undefined)?.length;
  const isTask = JSON.stringify(responses).includes('"#/components/schemas/Task"');
  const asked = JSON.stringify(operation.parameters ?? []);
  const isWrite = asked.includes('idempotency-key');
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const own = response as Json;
      const names = [
        'X-Request-Id',
        ...(isSession ? ['RateLimit', 'RateLimit-Policy'] : []),
        ...(isTask || asked.includes('if-none-match') ? ['ETag'] : []),
        ...(status === '201' && isTask ? ['Location'] : []),
        ...(isWrite ? ['Idempotency-Replayed'] : []),
      ];
      const description = own.description === 'Default Response' ? STATUS_CODES[status] : own.description;
      return [status, { ...own, description, headers: headers(...names) }];
    }),
  );
}

function responsesOf(operation: Json, shared: Json): Json {
  const codes = (operation['x-errors'] as readonly ErrorCode[] | undefined) ?? EVERYWHERE;
  const tag = (operation.tags as string[] | undefined)?.[0];
  if (tag === 'Better Auth') return betterAuthResponses();
  const errors = errorResponses(codes, shared);
  if (operation.operationId === BOTH_SHAPES)
    for (const status of Object.keys(errors)) errors[status] = betterAuthResponses()['4XX'];
  return {
    ...errors,
    ...withHeaders(operation.responses as Json, operation),
    default: { $ref: '#/components/responses/Refused' },
  };
}

function refused(codes: readonly ErrorCode[]): Json {
  const meanings = codes.map((code) => `\`${code}\` (${ERROR_CODES[code].status}): ${ERROR_MEANINGS[code]}`);
  const http =
    'What HTTP itself refuses: a URL or headers too large (414, 431), a request too slow (408), and';
  return {
    description: [http, ...meanings].join('\n\n'),
    headers: headers('X-Request-Id'),
    content: problemContent(codes),
  };
}

/** Writes what Fastify's route schemas do not carry into the document. */
export function completeDocument(document: Json): Json {
  const shared: Json = {};
  for (const methods of Object.values(document.paths as Record<string, Record<string, Json>>)) {
    for (const operation of Object.values(methods)) {
      operation.responses = responsesOf(operation, shared);
      operation.security ??= [];
    }
  }
  const named = new Set(Object.keys(shared).flatMap((name) => name.split('.')));
  const others = ERROR_CODE_NAMES.filter((code) => NOWHERE.includes(code) || !named.has(code));
  const components = document.components as Json;
  components.examples = Object.fromEntries(ERROR_CODE_NAMES.map((code) => [code, exampleOf(code)]));
  components.headers = HEADERS;
  components.responses = { ...shared, Refused: refused(others) };
  return withoutMarks(document) as Json;
}
