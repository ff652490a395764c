// The OpenAPI document, made from the routes themselves, and the page at /docs to try them.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import type { TSchema } from 'typebox';
import { ERROR_CODES, type ErrorCode, FieldError, Problem } from '../../contract/errors.ts';
import { AppError } from '../errors.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';
import { VERSION } from './server.ts';

declare module 'fastify' {
  interface FastifySchema {
    'x-errors'?: readonly ErrorCode[];
  }
}

type Tag = 'Authentication' | 'Tasks' | 'Dashboard' | 'Sync' | 'Health' | 'Better Auth';

interface Operation {
  id: string;
  tag: Tag;
  summary: string;
  description?: string;
  /** Needs a session. */
  session?: boolean;
  params?: TSchema;
  query?: TSchema;
  headers?: TSchema;
  body?: TSchema;
  /** Successful answers by status. A schema with an `$id` is referred to by name. */
  answers: Record<number, TSchema>;
  /** What it can fail with besides what every route can. */
  errors?: readonly ErrorCode[];
}

const EVERYWHERE: readonly ErrorCode[] = [
  'malformed_request',
  'internal_error',
  'database_error',
  'overloaded',
];
const WITH_SESSION: readonly ErrorCode[] = ['unauthenticated', 'rate_limited'];
const SESSION_SECURITY = [{ cookie: [] }, { bearer: [] }];

type Json = { [key: string]: unknown };

/** A copy in which every named schema is a reference: `$id` may stand only once in the document. */
export function withReferences(schema: unknown, top = false): unknown {
  if (Array.isArray(schema)) return schema.map((member) => withReferences(member));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $id } = schema as { $id?: string };
  if ($id !== undefined && !top) return { $ref: `${$id}#` };
  return Object.fromEntries(Object.entries(schema).map(([key, member]) => [key, withReferences(member)]));
}

/** The schema of a route for documentation and serialisation. */
export function operation(described: Operation): FastifySchema {
  const {
    id,
    tag,
    summary,
    description,
    session = false,
    params,
    query,
    headers,
    body,
    answers,
    errors = [],
  } = described;
  const inputs = { params, querystring: query, headers, body };
  const given = Object.entries(inputs).filter(([, schema]) => schema !== undefined);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...Object.fromEntries(given.map(([key, schema]) => [key, withReferences(schema)])),
    response: Object.fromEntries(
      Object.entries(answers).map(([status, schema]) => [status, withReferences(schema)]),
    ),
    ...(session ? { security: SESSION_SECURITY } : {}),
    'x-errors': [...new Set([...(session ? WITH_SESSION : []), ...errors, ...EVERYWHERE])],
  };
}

/** Better Auth's endpoints: their bodies are described by its own documentation. */
export function betterAuthOperation(method: string, path: string, summary: string): FastifySchema {
  const name = path.replace(/[^A-Za-z]+(\w?)/g, (_match, letter: string) => letter.toUpperCase());
  return {
    operationId: `betterAuth${name}${method === 'GET' ? 'Get' : ''}`,
    tags: ['Better Auth'],
    summary,
    description:
      'An endpoint of Better Auth, for its official clients. It keeps its own shapes: errors are `{code, message}`.',
  };
}

const TAGS = [
  {
    name: 'Authentication',
    description: 'Sign up, sign in, sign out. Browsers use the cookie, other clients the access token.',
  },
  { name: 'Tasks', description: "The caller's own tasks. Somebody else's do not exist." },
  { name: 'Dashboard', description: 'Exact figures about the tasks.' },
  { name: 'Sync', description: 'Catching up, from nothing or from a cursor.' },
  { name: 'Health', description: 'For load balancers and people.' },
  {
    name: 'Better Auth',
    description: 'The endpoints that the official Better Auth clients use: the same accounts and sessions.',
  },
];

const DESCRIPTION = `Multi-user to-do lists.

Every error is an RFC 9457 problem with a \`code\`; its \`detail\` is a sentence for a person. Writes take \`If-Match\`
(no lost update) and \`Idempotency-Key\` (no double effect). Signed-in answers carry \`RateLimit\` headers.`;

function exampleOf(code: ErrorCode): Json {
  const errors =
    code === 'validation_error'
      ? [{ path: 'title', message: 'must be 1 to 200 characters long' }]
      : undefined;
  const detail = errors ? 'title must be 1 to 200 characters long.' : `${ERROR_CODES[code].title}.`;
  return problemOf(
    new AppError(code, detail, errors ? { errors } : {}),
    '5b1a2c1e-7a43-4a55-9c8a-0d4a3b7c6d21',
  );
}

function errorResponses(codes: readonly ErrorCode[]): Json {
  const byStatus = Map.groupBy(codes, (code) => ERROR_CODES[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, members]) => {
      const examples = Object.fromEntries(members.map((code) => [code, { value: exampleOf(code) }]));
      const content = { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' }, examples } };
      return [String(status), { description: members.map((code) => `\`${code}\``).join(', '), content }];
    }),
  );
}

const BETTER_AUTH_ANSWERS: Json = {
  200: { description: 'As Better Auth documents it.', content: { 'application/json': { schema: {} } } },
  '4XX': {
    description: 'Refused.',
    content: {
      'application/json': {
        schema: { type: 'object', properties: { code: { type: 'string' }, message: { type: 'string' } } },
        example: { code: 'UNAUTHORIZED', message: 'Unauthorized' },
      },
    },
  },
};

/** Writes the answers that Fastify's route schemas do not carry into the finished document. */
function complete(document: Json): Json {
  for (const methods of Object.values(document.paths as Record<string, Record<string, Json>>)) {
    for (const described of Object.values(methods)) {
      const codes = described['x-errors'] as readonly ErrorCode[] | undefined;
      delete described['x-errors'];
      const tag = (described.tags as string[] | undefined)?.[0];
      const responses =
        tag === 'Better Auth'
          ? BETTER_AUTH_ANSWERS
          : { ...(described.responses as Json), ...errorResponses(codes ?? EVERYWHERE) };
      described.responses = responses;
      described.security ??= [];
    }
  }
  return document;
}

/** Must be installed before the routes that it is to describe. `shared` are the named schemas of the contract. */
export async function installDocs(
  app: FastifyInstance,
  options: { publicUrl: string; cookieName: string; shared: TSchema[] },
): Promise<void> {
  for (const schema of [Problem, FieldError, ...options.shared]) app.addSchema(withReferences(schema, true));
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Donewell',
        version: VERSION,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: options.publicUrl }],
      tags: TAGS,
      components: {
        securitySchemes: {
          cookie: { type: 'apiKey', in: 'cookie', name: options.cookieName },
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        },
      },
    },
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) => String(schema.$id ?? `schema${index}`),
    },
    hideUntagged: true,
    transformObject: (documented) =>
      complete(('openapiObject' in documented ? documented.openapiObject : {}) as Json) as never,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: false,
    uiConfig: { persistAuthorization: false, tryItOutEnabled: true, displayRequestDuration: true },
  });
  app.get('/openapi.json', { schema: { hide: true } as FastifySchema }, async (_request, reply) =>
    reply.type('application/json').send(JSON.stringify(app.swagger())),
  );
}
