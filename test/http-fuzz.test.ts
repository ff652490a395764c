// Some hundreds of requests that nobody thought of: each is answered as the contract and the document allow.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ErrorCode } from '../contract/errors.ts';
import { type AnyBody, type Client, signUp } from './support/client.ts';
import { Judge } from './support/openapi.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';
import { sendOne } from './support/wire.ts';

const RUNS = Number(process.env.FUZZ_RUNS ?? 250);
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND'];
/** Everything that the contract knows, and what HTTP itself and Better Auth's links add; nothing from 500 up. */
const STATUSES = [
  200, 201, 202, 204, 302, 304, 400, 401, 403, 404, 405, 409, 410, 412, 413, 414, 415, 422, 429, 431,
];
/** With a session they would end it, or the account. */
const ENDS_SESSION = /logout|sign-out|revoke|delete-user|password|change-email|update-user/;

let server: TestServer;
let ada: Client & { user: AnyBody; accessToken: string };
let cookie: string;
let judge: Judge;
let task: AnyBody;

beforeAll(async () => {
  server = await startServer({ env: { LOG_LEVEL: 'warn' } });
  ada = await signUp(server.url);
  cookie = [...ada.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  judge = new Judge((await ada.get('/openapi.json')).body);
  task = (await ada.post('/api/tasks', { title: 'fuzzed' })).body;
});
afterAll(() => server.close());

const value = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '',
    ' ',
    'low',
    'HIGH',
    '2026-02-30',
    '2026-12-31',
    '0000-01-01',
    '<script>',
    '\u0000',
    '\ud800',
    '\u202e',
  ),
  fc.constantFrom<unknown>(null, true, false, 0, 1, 3, 4, -1, 1.5, 1e300, [], {}, [1]),
  fc.jsonValue({ maxDepth: 4 }),
);
const FIELDS = [
  'title',
  'description',
  'status',
  'category',
  'priority',
  'due_date',
  'name',
  'email',
  'password',
  'id',
  'rev',
  '__proto__',
  'user_id',
  'token',
  'newPassword',
  'image',
];
const fields = fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 6 });
const body = fc.oneof(
  { weight: 5, arbitrary: fields.map((object) => Buffer.from(JSON.stringify(object))) },
  { weight: 2, arbitrary: fields.map((object) => Buffer.from(JSON.stringify({ title: 'x', ...object }))) },
  { weight: 2, arbitrary: fc.json({ maxDepth: 5 }).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.nat(70_000).map((length) => Buffer.from(`{"title":"x","a":"${'a'.repeat(length)}"}`)),
  },
  { weight: 1, arbitrary: fc.nat(40).map((depth) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))) },
  { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
);

const plain = fc.string({
  unit: fc.constantFrom(...'aZ09-_.%/?&=#+~!*\'(),;:@[]<>"\\^`{|}é\u0080'),
  maxLength: 30,
});
/** As it goes on the wire: anything but what ends the request line. */
const wire = plain.map((text) => text.replace(/[ \r\n]/g, ''));
const id = fc.oneof(
  fc.constantFrom(
    '1',
    '0',
    '01',
    '-1',
    '+1',
    '1e3',
    '9223372036854775807',
    '9223372036854775808',
    '9'.repeat(40),
    'null',
    '%31',
    '%00',
    '1%2f2',
    '..',
  ),
  fc.constant('TASK'),
  wire,
);
const QUERIES = [
  'limit',
  'cursor',
  'skip',
  'status',
  'priority',
  'category',
  'due_before',
  'due_after',
  'q',
  'sort',
  'order',
  'include_total',
  'trashed',
  'permanent',
  'tz',
  'days',
  'constructor',
  '__proto__',
];
const queryValue = fc.oneof(
  wire.map((text) => encodeURIComponent(text)),
  wire.map((text) => text.replaceAll('#', '')),
  fc.constantFrom(
    '1',
    '0',
    '100',
    '101',
    'true',
    'false',
    'asc',
    'title',
    'due_date',
    'Europe/Paris',
    '2026-01-01',
    '%00',
    '%ff',
    '%ed%a0%80',
    'a%20b',
    '',
    '10000',
  ),
);
const query = fc.array(fc.tuple(fc.constantFrom(...QUERIES), queryValue), { maxLength: 3 });

const header = fc.oneof(
  fc.tuple(
    fc.constant('if-match'),
    fc.constantFrom('*', '"1"', 'W/"1"', '1', '"', '"1", "2"', '""', '"99999999999999999999"'),
  ),
  fc.tuple(fc.constant('if-none-match'), fc.constantFrom('*', '"1"', 'W/"1"', '"x"', ',')),
  fc.tuple(
    fc.constant('idempotency-key'),
    fc.oneof(wire, fc.constantFrom('k1', 'k2', '', 'a'.repeat(255), 'a'.repeat(256))),
  ),
  fc.tuple(
    fc.constant('origin'),
    fc.constantFrom('http://localhost:3000', 'https://evil.example', 'null', '', 'x'),
  ),
  fc.tuple(fc.constant('x-request-id'), wire),
  fc.tuple(fc.constant('sec-fetch-site'), fc.constantFrom('cross-site', 'same-origin', 'x')),
  fc.tuple(fc.constant('x-forwarded-for'), wire),
  fc.tuple(fc.constant('content-encoding'), fc.constantFrom('gzip', 'identity', '')),
  fc.tuple(fc.constant('accept'), fc.constantFrom('text/html', '*/*', '', 'application/xml')),
  fc.tuple(fc.constant('user-agent'), wire),
);
const type = fc.oneof(
  { weight: 8, arbitrary: fc.constant('application/json') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'text/plain',
      'application/json; charset=utf-8',
      'multipart/form-data',
      'application/x-www-form-urlencoded',
      '',
      ';',
      'application/json; charset=x',
    ),
  },
);
const caller = fc.constantFrom(
  'bearer',
  'bearer',
  'cookie',
  'cookie',
  'nobody',
  'forged',
  'broken cookie',
  'basic',
);

const request = fc.record({
  pick: fc.nat(),
  method: fc.nat(),
  suits: fc.nat(9),
  id,
  query,
  slash: fc.boolean(),
  body,
  type,
  headers: fc.array(header, { maxLength: 3 }),
  caller,
});

function credentials(who: string): string[] {
  if (who === 'bearer') return [`Authorization: Bearer ${ada.accessToken}`];
  if (who === 'cookie') return [`Cookie: ${cookie}`];
  if (who === 'forged') return [`Authorization: Bearer ${ada.accessToken.slice(0, -3)}abc`];
  if (who === 'broken cookie') return [`Cookie: ${cookie.slice(0, -9)}; better-auth.session_token=%zz`];
  return who === 'basic' ? ['Authorization: Basic eDp5'] : [];
}

type Request = typeof request extends fc.Arbitrary<infer Made> ? Made : never;

/** The bytes of a request, and the operation that they are for. */
function build(made: Request): { path: string; method: string; bytes: Buffer } {
  const paths = Object.keys(judge.document.paths);
  const path = paths[made.pick % paths.length] ?? '';
  const own = Object.keys(judge.document.paths[path] ?? {}).map((method) => method.toUpperCase());
  const methods = made.suits > 0 ? own : METHODS;
  const method = methods[made.method % methods.length] ?? 'GET';
  const search = made.query.map(([name, text]) => `${name}=${text}`).join('&');
  const segment = made.id === 'TASK' ? String(task.id) : made.id;
  const target = `${path.replace(/\{[^}]+\}/, segment)}${made.slash ? '/' : ''}${search === '' ? '' : `?${search}`}`;
  const who = ENDS_SESSION.test(path) && made.caller !== 'forged' ? 'nobody' : made.caller;
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    ...credentials(who),
    ...made.headers.map(([name, text]) => `${name}: ${text}`),
    ...(made.type === '' ? [] : [`Content-Type: ${made.type}`]),
    `Content-Length: ${made.body.length}`,
  ];
  return {
    path,
    method,
    bytes: Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), made.body]),
  };
}

const revision = async () => (await server.sql<{ rev: number }>('select rev from user_sync'))[0]?.rev;

it('is answered within the contract, as documented, and writes nothing when it is refused', async () => {
  let before = await revision();
  await fc.assert(
    fc.asyncProperty(request, async (made) => {
      const { path, method, bytes } = build(made);
      const answer = await sendOne(server.url, bytes, { method });
      expect(STATUSES).toContain(answer.status);
      expect(answer.headers['x-request-id']).toMatch(/^[A-Za-z0-9._-]{1,128}$/);
      const type = answer.headers['content-type'] ?? '';
      // An id may hold what leads to another address, or to none.
      const known = !path.includes('{') || !/[/?#]|^$|^\.\.?$|%/.test(made.id);
      if (known) judge.expectDocumented(method, path, answer);
      if (answer.status >= 400 && method !== 'HEAD' && type.includes('problem'))
        expectProblem(answer, JSON.parse(answer.body).code as ErrorCode, answer.status);
      else if (answer.status >= 400 && method !== 'HEAD') {
        expect(path).toMatch(/^\/api\/auth\/(?!(signup|login|logout|session|refresh)$)/);
        expect(JSON.parse(answer.body)).toMatchObject({ message: expect.any(String) });
      }
      const after = await revision();
      if (answer.status >= 400 || ['GET', 'HEAD', 'OPTIONS'].includes(method)) expect(after).toBe(before);
      before = after;
    }),
    { numRuns: RUNS },
  );
  expect(server.logs.filter((line) => /"level":[56]0/.test(line))).toEqual([]);
  expect((await ada.get('/api/auth/session')).body.user.id).toBe(ada.user.id);
  expect((await server.sql('select from "user"')).length).toBeLessThanOrEqual(21);
});
