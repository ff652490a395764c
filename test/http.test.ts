// Manners of HTTP: ids, unknown addresses, wrong methods, slashes, odd URLs.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, Client as Stranger, signUp } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';
import { sendOne } from './support/wire.ts';

let server: TestServer;
let ada: Client;
let stranger: Client;
/** Every operation of the document: `/api/tasks/{id}` with its methods. */
let paths: [path: string, methods: string[]][];

beforeAll(async () => {
  server = await startServer();
  stranger = new Stranger(server.url);
  ada = await signUp(server.url);
  const document = (await stranger.get('/openapi.json')).body as { paths: Record<string, object> };
  paths = Object.entries(document.paths).map(([path, methods]) => [
    path,
    Object.keys(methods).map((method) => method.toUpperCase()),
  ]);
});
afterAll(() => server.close());

const concrete = (path: string) => path.replace(/\{[^}]+\}/g, '1');
const head = (line: string, ...headers: string[]) => `${[line, 'Host: x', ...headers].join('\r\n')}\r\n\r\n`;

describe('the request id', () => {
  it.each(['a', 'A-Z_0.9', 'x'.repeat(128)])('of the caller is kept: %s', async (id) => {
    const { headers } = await stranger.get('/health/live', { headers: { 'x-request-id': id } });
    expect(headers.get('x-request-id')).toBe(id);
  });

  it.each(['', 'x'.repeat(129), 'a b', 'a/b', '<b>', 'a,b', 'ü'])(
    'that is not plain is replaced: %s',
    async (id) => {
      const { headers } = await stranger.get('/health/live', { headers: { 'x-request-id': id } });
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  it('sent twice is replaced, for nobody could tell which was meant', async () => {
    const { headers } = await sendOne(
      server.url,
      head('GET /health/live HTTP/1.1', 'X-Request-Id: a', 'X-Request-Id: b'),
    );
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['GET', '/nowhere', 404],
    ['PUT', '/api/tasks', 405],
    ['GET', '/%zz', 400],
    ['GET', '/api/tasks', 401],
    ['OPTIONS', '/api/tasks', 204],
    ['GET', '/', 200],
    ['GET', '/docs', 200],
    ['GET', '/api/auth/get-session', 200],
    ['GET', '/api/auth/list-sessions', 401],
    ['POST', '/api/auth/login', 400],
  ])('comes with %s %s', async (method, path, status) => {
    const answer = await stranger.request(method, path, { headers: { 'x-request-id': 'mine.1' } });
    expect([answer.status, answer.headers.get('x-request-id')]).toEqual([status, 'mine.1']);
    if (status >= 400 && !path.includes('sessions')) expect(answer.body.request_id).toBe('mine.1');
  });

  it('is fresh for each request', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => stranger.get('/health/live')));
    expect(new Set(ids.map(({ headers }) => headers.get('x-request-id'))).size).toBe(20);
  });

  it('is on preflights and on what the parser refuses, too', async () => {
    const preflight = await stranger.request('OPTIONS', '/api/tasks', {
      headers: {
        origin: 'http://localhost:3000',
        'access-control-request-method': 'POST',
        'x-request-id': 'mine.2',
      },
    });
    expect(preflight.headers.get('x-request-id')).toBe('mine.2');
    expectProblem(await sendOne(server.url, 'NONSENSE\r\n\r\n'), 'malformed_request');
  });
});

describe('an unknown address', () => {
  it.each([
    '/nowhere',
    '/api/nothing',
    '/api/tasks/1/nothing',
    '/api/auth/nothing',
    '/docs/nothing.js',
    '/healthy',
    '/api/tasks/1/complete/2',
  ])('is 404: %s', async (path) => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'TRACE']) {
      const answer =
        method === 'TRACE'
          ? await sendOne(server.url, head(`TRACE ${path} HTTP/1.1`))
          : await stranger.request(method, path);
      expectProblem(answer, 'not_found');
    }
    const bodyless = await stranger.request('HEAD', path);
    expect([bodyless.status, bodyless.text]).toEqual([404, '']);
  });

  it('is 404 whatever the body is', async () => {
    const headers = { 'content-type': 'application/xml' };
    expectProblem(await ada.request('POST', '/api/nothing', { body: '<a/>', headers }), 'not_found');
    expectProblem(await ada.request('POST', '/api/nothing', { body: 'x'.repeat(200_000) }), 'not_found');
    expectProblem(await ada.post('/api/nothing', undefined, { body: '{' }), 'not_found');
  });

  it('is 404 for OPTIONS, too, unless it is a preflight', async () => {
    expectProblem(await stranger.request('OPTIONS', '/nowhere'), 'not_found');
  });

  it('does not become known by another case', async () => {
    expectProblem(await ada.get('/API/TASKS'), 'not_found');
  });
});

describe('a wrong method', () => {
  const ALL = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'TRACE', 'QUERY', 'MKCOL'];

  it('is 405 with Allow on every route, with and without a session, whatever the body is', async () => {
    expect(paths.length).toBeGreaterThan(20);
    for (const [path, methods] of paths) {
      const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort().join(', ');
      for (const method of ALL.filter((name) => !allow.split(', ').includes(name))) {
        const bytes =
          head(`${method} ${concrete(path)} HTTP/1.1`, 'Content-Length: 1') + (method === 'GET' ? '' : '{');
        const answer = await sendOne(server.url, bytes, { method });
        expect([method, path, answer.status, answer.headers.allow]).toEqual([method, path, 405, allow]);
        if (method !== 'HEAD') expectProblem(answer, 'method_not_allowed');
      }
    }
    expectProblem(await ada.request('PUT', '/api/tasks', { json: {} }), 'method_not_allowed');
  });

  it('is told by OPTIONS what it may be', async () => {
    for (const [path, methods] of paths) {
      const { status, headers, text } = await stranger.request('OPTIONS', concrete(path));
      expect([path, status, text]).toEqual([path, 204, '']);
      expect(headers.get('allow')?.split(', ')).toEqual(expect.arrayContaining(methods));
    }
  });

  it('is told the same below a trailing slash', async () => {
    const { headers } = await stranger.request('PUT', '/api/tasks/');
    expect(headers.get('allow')).toBe('GET, HEAD, OPTIONS, POST');
  });
});

describe('a trailing slash', () => {
  it('changes no answer of any route and redirects nowhere', async () => {
    for (const [path, methods] of paths) {
      for (const method of methods) {
        const plain = await stranger.request(method, concrete(path));
        const slashed = await stranger.request(method, `${concrete(path)}/`);
        const queried = await stranger.request(method, `${concrete(path)}/?x=1`);
        // Better Auth itself redirects from some of its pages; a slash must not be the reason.
        expect([method, path, slashed.status, queried.status]).toEqual([
          method,
          path,
          plain.status,
          plain.status,
        ]);
      }
    }
  });

  it('stands behind ids, files and pages alike', async () => {
    const task = (await ada.post('/api/tasks/', { title: 'With slash' })).body;
    expect((await ada.get(`/api/tasks/${task.id}/`)).body).toEqual(task);
    expect((await ada.patch(`/api/tasks/${task.id}/complete/`)).status).toBe(200);
    expect((await ada.get('/api/dashboard/stats/')).status).toBe(200);
    for (const path of ['/docs/', '/openapi.json/', '/api/', '/health/', '/health/live/'])
      expect([path, (await stranger.get(path)).status]).toEqual([path, 200]);
  });
});

describe('an odd URL', () => {
  it.each(['/%zz', '/api/tasks/%ff', '/api/tasks/%', '/%c3%28', '/api/tasks/%E0%A4%A', '/api/auth/%ff'])(
    'that cannot be decoded is 400: %s',
    async (path) => {
      for (const method of ['GET', 'POST', 'DELETE'])
        expectProblem(await sendOne(server.url, head(`${method} ${path} HTTP/1.1`)), 'malformed_request');
    },
  );

  it.each([
    ['//', 200],
    ['//api/tasks', 404],
    ['/api//tasks', 404],
    ['/../etc/passwd', 404],
    ['/docs/static/..%2f..%2f..%2fpackage.json', 404],
    ['/docs/static/nothing.js', 404],
    ['/..%2fpackage.json', 404],
    ['/api/tasks/..%2f..%2fhealth', 401],
    ['/api/tasks;a=b', 404],
    ['/?', 200],
    ['/health?a=%zz&b=%ff', 200],
    ['/health/live#there', 200],
    ['http://example.com/health/live', 200],
    ['HTTP://example.com', 200],
    ['http://example.com?x', 200],
    ['https://u:p@example.com:99/nowhere', 404],
    ['/%68ealth/liv%65', 200],
    ['/health%2Flive', 404],
  ])('is looked up as it stands: %s', async (target, status) => {
    const answer = await sendOne(server.url, head(`GET ${target} HTTP/1.1`));
    expect(answer.status).toBe(status);
    if (status === 404) expectProblem(answer, 'not_found');
  });

  it('is no way around the guard: sessions, limits and origins hold under every spelling', async () => {
    const cookie = [...(ada as Client).cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    for (const target of ['/%61pi/tasks', '/api/%74asks/', 'http://example.com/api/tasks', '/api/tasks#x']) {
      const known = await sendOne(server.url, head(`GET ${target} HTTP/1.1`, `Cookie: ${cookie}`));
      expect([target, known.status]).toEqual([target, 200]);
      expect(known.headers.ratelimit).toBeDefined();
      expect(known.headers['cache-control']).toBe('no-store');
      expectProblem(await sendOne(server.url, head(`GET ${target} HTTP/1.1`)), 'unauthenticated');
      const foreign = head(`POST ${target} HTTP/1.1`, `Cookie: ${cookie}`, 'Origin: https://evil.example');
      expectProblem(await sendOne(server.url, foreign), 'unauthorized_access');
    }
  });

  it('of OPTIONS * is answered', async () => {
    const answer = await sendOne(server.url, head('OPTIONS * HTTP/1.1'));
    expect([204, 404]).toContain(answer.status);
  });
});
