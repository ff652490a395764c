// The OpenAPI document, made from the routes themselves, and the page at /docs to try them.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { type ErrorCode, FieldError, Problem } from '../../contract/errors.ts';
import { SCOPES, type Scope } from '../../contract/token.ts';
import { publicPathOf } from '../config.ts';
import { errorPage } from './error-page.ts';
import { completeDocument, EVERYWHERE, type Json } from './openapi-document.ts';
import { rootFrom, sendPage } from './page.ts';
import { VERSION } from './server.ts';

declare module 'fastify' {
  interface FastifySchema {
    'x-errors'?: readonly ErrorCode[];
  }
}

type Tag =
  | 'Authentication'
  | 'Account'
  | 'API tokens'
  | 'Tasks'
  | 'Dashboard'
  | 'Sync'
  | 'Health'
  | 'Better Auth';

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

/** What a write with a JSON body can fail with besides. */
export const BODY_ERRORS = [
  'malformed_json',
  'unauthorized_access',
  'payload_too_large',
  'unsupported_media_type',
  'validation_error',
  'rate_limited',
] as const satisfies readonly ErrorCode[];
const WITH_SESSION: readonly ErrorCode[] = ['unauthenticated', 'unauthorized_access', 'rate_limited'];
const SESSION_SECURITY = [{ cookie: [] }, { bearer: [] }];
const PERHAPS_SESSION = [{}, ...SESSION_SECURITY];

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

/** The security of a route that takes API tokens, too, with the scopes that it needs. */
export function tokenSecurity(scopes: readonly Scope[]): FastifySchema {
  return { security: [...SESSION_SECURITY, { apiToken: [...scopes] }] };
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
    security: PERHAPS_SESSION,
  };
}

/** Addresses below `root`, the path by which the server is reached. */
const tagsBelow = (root: string) => [
  {
    name: 'Authentication',
    description: 'Sign up, sign in, sign out. Browsers use the cookie, other clients the access token.',
  },
  { name: 'Account', description: 'What you see and change of your own account.' },
  {
    name: 'API tokens',
    description: `What scripts sign in with. Scopes: ${Object.entries(SCOPES)
      .map(([scope, meaning]) => `\`${scope}\`: ${meaning}`)
      .join(' ')}`,
  },
  { name: 'Tasks', description: "The caller's own tasks. Somebody else's do not exist." },
  { name: 'Dashboard', description: 'Exact figures about the tasks.' },
  {
    name: 'Sync',
    description: `Catching up, from nothing or from a cursor. What the socket pushes is described in [/asyncapi.json](${root}asyncapi.json).`,
  },
  { name: 'Health', description: 'For load balancers and people.' },
  {
    name: 'Better Auth',
    description: 'The endpoints that the official Better Auth clients use: the same accounts and sessions.',
  },
];

const descriptionBelow = (root: string) => `Multi-user to-do lists.

Every error is an RFC 9457 problem with a \`code\` ([all of them](${root}docs/errors)); its \`detail\` is a sentence for a person. Writes to tasks take \`If-Match\`
(no lost update) and \`Idempotency-Key\` (no double effect), and imports the latter; elsewhere both are ignored. Signed-in answers carry \`RateLimit\` headers.
A page that uses the cookie may send \`X-Signed-In-As\` with its user's id: when the cookie has become another person's meanwhile, in another
tab, the answer is 401 instead of something done in that person's name.

Changes are pushed over Socket.IO at \`/socket.io\`: see the AsyncAPI document at [/asyncapi.json](${root}asyncapi.json).`;

/** Of inline styles this one alone, which Swagger UI's script puts into its page. */
const SWAGGER_STYLE = "style-src-elem 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='";

/** What Swagger UI's page lacks: a width that fits a phone, and a way to the app. */
const DOCS_STYLE = `.way-back { display: block; padding: 0.75rem 1.25rem; font: 600 1rem / 1.25 system-ui, sans-serif; color: #1c6b4f; }
html.dark-mode .way-back { color: #8fd3b6; }
@media (max-width: 46rem) {
  .swagger-ui .opblock-tag { flex-wrap: wrap; }
  .swagger-ui .opblock-tag small { flex: 1 0 100%; order: 1; padding: 0.25rem 0; }
}
`;

function fitted(html: string, root: string): string {
  return html
    .replace('<head>', '<head>\n      <meta name="viewport" content="width=device-width, initial-scale=1">')
    .replace('<body>', `<body>\n      <a class="way-back" href="${root}">Back to Donewell</a>`);
}

function documentRoutes(app: FastifyInstance): void {
  app.get('/docs/errors', { schema: { hide: true } as FastifySchema }, async (request, reply) =>
    sendPage(reply, errorPage(rootFrom(request))),
  );
  const document = operation({
    id: 'getOpenApi',
    tag: 'Health',
    summary: 'This document',
    answers: { 200: Type.Object({}, { additionalProperties: true }) },
  });
  app.get('/openapi.json', { schema: document, serializerCompiler: () => JSON.stringify }, async () =>
    app.swagger(),
  );
}

/** A room of its own, so that only its pages are fitted. */
async function installPage(app: FastifyInstance, { path }: { path: string }): Promise<void> {
  app.addHook('onSend', async (request, reply, payload) =>
    typeof payload === 'string' && String(reply.getHeader('content-type')).startsWith('text/html')
      ? fitted(payload, rootFrom(request))
      : payload,
  );
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    indexPrefix: path,
    staticCSP: false,
    transformStaticCSP: (policy) => `${policy};${SWAGGER_STYLE}`,
    theme: { title: 'Donewell API', css: [{ filename: 'way-back.css', content: DOCS_STYLE }] },
    uiConfig: {
      // Without the bar that offers to open other documents.
      layout: 'BaseLayout',
      persistAuthorization: false,
      tryItOutEnabled: true,
      displayRequestDuration: true,
    },
  });
}

/** Must be installed before the routes that it is to describe. `shared` are the named schemas of the contract. */
export async function installDocs(
  app: FastifyInstance,
  options: { publicUrl: string; cookieName: string; shared: TSchema[] },
): Promise<void> {
  const path = publicPathOf(options.publicUrl);
  const root = `${path}/`;
  for (const schema of [Problem, FieldError, ...options.shared]) app.addSchema(withReferences(schema, true));
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Donewell',
        version: VERSION,
        description: descriptionBelow(root),
        license: { name: 'MIT', identifier: 'MIT' },
      },
      // A path, so that the page at /docs works at whatever address it was reached by.
      servers: [{ url: path || '/' }],
      tags: tagsBelow(root),
      components: {
        securitySchemes: {
          cookie: { type: 'apiKey', in: 'cookie', name: options.cookieName },
          bearer: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'The `access_token` of sign-in.',
          },
          apiToken: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'dw_…',
            description:
              'An API token, which must have the scopes that the route names. Other routes take none.',
          },
        },
      },
    },
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) => String(schema.$id ?? `schema${index}`),
    },
    hideUntagged: true,
    transformObject: (documented) =>
      completeDocument(('openapiObject' in documented ? documented.openapiObject : {}) as Json) as never,
  });
  await app.register(installPage, { path });
  documentRoutes(app);
}
