// The OpenAPI document: valid, complete, and the same as what the server does.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODE_NAMES, ERROR_CODES } from '../contract/errors.ts';
import { type AnyBody, Client, PASSWORD, signUp } from './support/client.ts';
import { Judge, type OpenApi } from './support/openapi.ts';
import { importFile } from './support/portability.ts';
import { createDatabase, startServer, type TestServer } from './support/server.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
let server: TestServer;
let document: OpenApi;
let judge: Judge;
let ada: Client & { user: AnyBody; accessToken: string };

beforeAll(async () => {
  server = await startServer();
  document = (await new Client(server.url).get('/openapi.json')).body;
  judge = new Judge(document);
  ada = await signUp(server.url);
});
afterAll(() => server.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([address, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ address, method, operation })),
  );

describe('the document', () => {
  it('is valid by the recommended rules, without a warning', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'donewell-openapi-'));
    try {
      const file = path.join(directory, 'openapi.json');
      await writeFile(file, JSON.stringify(document));
      const cli = path.join(ROOT, 'node_modules/@redocly/cli/bin/cli.js');
      const { stdout } = await promisify(execFile)(process.execPath, [cli, 'lint', '--format=json', file], {
        cwd: directory,
        env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
      });
      expect(JSON.parse(stdout).problems).toEqual([]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('is OpenAPI 3.1 with the address of the server itself', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.servers).toEqual([{ url: '/' }]);
  });

  it('keeps the path of PUBLIC_URL, and no address that a browser may not reach', async () => {
    const { connection, drop } = await createDatabase();
    const behind = await startServer({ connection, env: { PUBLIC_URL: 'https://example.com/tasks' } });
    try {
      const { body } = await new Client(behind.url).get('/openapi.json');
      expect(body.servers).toEqual([{ url: '/tasks' }]);
      expect(body.components.securitySchemes.cookie.name).toBe('__Secure-better-auth.session_token');
    } finally {
      await behind.close();
      await drop();
    }
  });

  it('has every route of the server except pages and their files', () => {
    const documented = operations().map(({ address, method }) => `${method.toUpperCase()} ${address}`);
    const tree = server.app.printRoutes({ commonPrefix: false, includeHooks: false });
    const served: string[] = [];
    const parts: string[] = [];
    for (const line of tree.split('\n')) {
      const match = /^([│ ]*)[├└]── (\S*?)(?: \(([A-Z, ]+)\))?$/.exec(line);
      if (!match) continue;
      const [, indent = '', part = '', methods = ''] = match;
      parts.length = indent.length / 4;
      parts.push(part);
      const address = parts.join('').replaceAll(/:(\w+)/g, '{$1}');
      for (const method of methods.split(', ').filter((name) => !['', 'HEAD', 'OPTIONS'].includes(name)))
        served.push(`${method} ${address}`);
    }
    expect(served.length).toBeGreaterThan(40);
    const pages =
      /^(GET|POST) \/(docs(\/.*|\*)?|socket\.io|trash|dashboard|account(\/\w+)?|forgot-password|reset-password|verify-email|sign-in-failed|assets\/.*|[\w.-]*\.(html|css|js|svg|png|webmanifest|ico|txt)|)$/;
    expect(served.filter((route) => !documented.includes(route) && !pages.test(route))).toEqual([]);
    expect(documented.filter((route) => !served.includes(route))).toEqual([]);
  });

  it('has the routes of the contract', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    for (const [method, address] of [
      ['post', '/api/auth/signup'],
      ['post', '/api/auth/login'],
      ['post', '/api/auth/logout'],
      ['get', '/api/auth/session'],
      ['post', '/api/auth/refresh'],
      ['get', '/api/account'],
      ['patch', '/api/account'],
      ['get', '/api/account/sessions'],
      ['delete', '/api/account/sessions'],
      ['delete', '/api/account/sessions/{id}'],
      ['post', '/api/account/password'],
      ['get', '/api/account/events'],
      ['get', '/api/tasks'],
      ['post', '/api/tasks'],
      ['get', '/api/tasks/{id}'],
      ['put', '/api/tasks/{id}'],
      ['patch', '/api/tasks/{id}'],
      ['delete', '/api/tasks/{id}'],
      ['patch', '/api/tasks/{id}/complete'],
      ['post', '/api/tasks/{id}/restore'],
      ['get', '/api/dashboard/stats'],
      ['get', '/api/dashboard/overview'],
      ['get', '/api/sync'],
      ['get', '/api/account/export'],
      ['post', '/api/account/import'],
      ['post', '/api/account/tokens'],
      ['get', '/api/account/tokens'],
      ['delete', '/api/account/tokens'],
      ['delete', '/api/account/tokens/{id}'],
      ['get', '/health'],
      ['get', '/health/live'],
      ['get', '/openapi.json'],
      ['get', '/api'],
    ])
      expect([address, document.paths[address ?? '']?.[method ?? '']?.operationId]).toEqual([
        address,
        expect.any(String),
      ]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z0-9]+$/);
  });

  it('has each error code with an example of its shape', () => {
    const text = JSON.stringify(document.paths) + JSON.stringify(document.components.responses);
    for (const code of ERROR_CODE_NAMES) {
      const { value } = document.components.examples[code] as { value: AnyBody };
      expect([code, value.code, value.status]).toEqual([code, code, ERROR_CODES[code].status]);
      expect([code, judge.faults({ $ref: '#/components/schemas/Problem' }, value)]).toEqual([code, []]);
      expect([code, text.includes(`"#/components/examples/${code}"`)]).toEqual([code, true]);
    }
  });

  it('says of each operation what it can fail with', () => {
    for (const { address, operation } of operations().filter(
      ({ operation }) => operation.tags[0] !== 'Better Auth',
    )) {
      const statuses = Object.keys(operation.responses);
      expect([address, statuses]).toEqual([
        address,
        expect.arrayContaining(['400', '500', '503', 'default']),
      ]);
      const ways = operation.security as object[];
      const needsSession = ways.length > 0 && ways.every((way) => Object.keys(way).length > 0);
      if (needsSession)
        expect([address, statuses]).toEqual([address, expect.arrayContaining(['401', '403', '429'])]);
      for (const [status, response] of Object.entries(operation.responses)) {
        const { description, headers } = judge.resolve(response) as AnyBody;
        expect([address, status, description, Object.keys(headers)]).toEqual([
          address,
          status,
          expect.stringMatching(/\S/),
          expect.arrayContaining(['X-Request-Id']),
        ]);
        expect(description).not.toBe('Default Response');
      }
    }
  });

  it('has no traces of its making', () => {
    expect(JSON.stringify(document)).not.toMatch(/"\$id"|"x-err|undefined|"def-\d|"schema\d+"/);
    for (const [, ref = ''] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g))
      judge.resolve({ $ref: ref });
  });

  it('has examples that its own schemas accept', () => {
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      for (const [member, property] of Object.entries((schema.properties ?? {}) as Record<string, AnyBody>))
        for (const example of property.examples ?? [])
          expect([name, member, judge.faults(property, example)]).toEqual([name, member, []]);
    }
  });
});

describe('what the server answers', () => {
  it('is what the document says, on a walk through everything', async () => {
    const stranger = new Client(server.url);
    const task = (await ada.post('/api/tasks', { title: 'a', category: 'home', due_date: '2026-12-31' }))
      .body;
    const gone = (await ada.post('/api/tasks', { title: 'b', status: true, priority: 'low' })).body;
    const bearer = { headers: { authorization: `Bearer ${ada.accessToken}` } };
    const one = `/api/tasks/${task.id}`;
    const token = { name: 'Script', scopes: ['tasks:read'] };
    const account = { name: 'Bob', email: 'bob@example.com', password: PASSWORD };
    const passwords = { current_password: PASSWORD, new_password: 'a quiet river at dawn' };
    const walk: [method: string, template: string, run: () => Promise<AnyBody>, status: number][] = [
      ['POST', '/api/auth/signup', () => new Client(server.url).post('/api/auth/signup', account), 201],
      ['POST', '/api/auth/signup', () => stranger.post('/api/auth/signup', account), 409],
      ['POST', '/api/auth/login', () => new Client(server.url).post('/api/auth/login', account), 200],
      [
        'POST',
        '/api/auth/login',
        () => stranger.post('/api/auth/login', { ...account, password: 'wrong one' }),
        401,
      ],
      ['GET', '/api/auth/session', () => ada.get('/api/auth/session'), 200],
      ['GET', '/api/auth/session', () => stranger.get('/api/auth/session'), 200],
      ['POST', '/api/auth/refresh', () => ada.post('/api/auth/refresh'), 200],
      [
        'POST',
        '/api/auth/refresh',
        () => new Client(server.url).post('/api/auth/refresh', undefined, bearer),
        200,
      ],
      ['POST', '/api/auth/refresh', () => new Client(server.url).post('/api/auth/refresh'), 401],
      ['POST', '/api/auth/logout', () => stranger.post('/api/auth/logout'), 200],
      ['GET', '/api/account', () => ada.get('/api/account'), 200],
      ['GET', '/api/account', () => stranger.get('/api/account'), 401],
      ['PATCH', '/api/account', () => ada.patch('/api/account', { time_zone: 'Europe/Rome' }), 200],
      ['PATCH', '/api/account', () => ada.patch('/api/account', { name: '' }), 422],
      ['GET', '/api/account/sessions', () => ada.get('/api/account/sessions'), 200],
      ['DELETE', '/api/account/sessions', () => ada.delete('/api/account/sessions'), 200],
      ['DELETE', '/api/account/sessions/{id}', () => ada.delete('/api/account/sessions/x'), 404],
      ['POST', '/api/account/password', () => ada.post('/api/account/password', passwords), 200],
      ['POST', '/api/account/password', () => ada.post('/api/account/password', passwords), 422],
      ['GET', '/api/account/events', () => ada.get('/api/account/events?limit=2'), 200],
      ['GET', '/api/account/events', () => ada.get('/api/account/events?cursor=x'), 422],
      [
        'POST',
        '/api/tasks',
        () => ada.post('/api/tasks', { title: 'c' }, { headers: { 'idempotency-key': 'c' } }),
        201,
      ],
      [
        'POST',
        '/api/tasks',
        () => ada.post('/api/tasks', { title: 'c' }, { headers: { 'idempotency-key': 'c' } }),
        201,
      ],
      [
        'POST',
        '/api/tasks',
        () => ada.post('/api/tasks', { title: 'd' }, { headers: { 'idempotency-key': 'c' } }),
        422,
      ],
      ['GET', '/api/tasks', () => ada.get('/api/tasks?include_total=true'), 200],
      ['GET', '/api/tasks/{id}', () => ada.get(one), 200],
      ['GET', '/api/tasks/{id}', () => ada.get(one, { headers: { 'if-none-match': `"${task.rev}"` } }), 304],
      ['PUT', '/api/tasks/{id}', () => ada.put(one, { description: 'x' }), 200],
      ['PATCH', '/api/tasks/{id}', () => ada.patch(one, { due_date: null }), 200],
      ['PATCH', '/api/tasks/{id}', () => ada.patch(one, {}, { headers: { 'if-match': '"1"' } }), 412],
      ['PATCH', '/api/tasks/{id}/complete', () => ada.patch(`${one}/complete`), 200],
      ['DELETE', '/api/tasks/{id}', () => ada.delete(`/api/tasks/${gone.id}`), 200],
      ['GET', '/api/tasks', () => ada.get('/api/tasks?trashed=true'), 200],
      ['POST', '/api/account/tokens', () => ada.post('/api/account/tokens', token), 201],
      ['POST', '/api/account/import', () => importFile(ada, 'title\nx\n'), 200],
      ['POST', '/api/account/import', () => importFile(ada, 'title,done\nx,perhaps\n'), 422],
      ['POST', '/api/account/import', () => importFile(ada, 'x', { type: 'text/plain' }), 415],
      ['POST', '/api/account/tokens', () => ada.post('/api/account/tokens', {}), 422],
      ['GET', '/api/account/tokens', () => ada.get('/api/account/tokens'), 200],
      ['DELETE', '/api/account/tokens/{id}', () => ada.delete('/api/account/tokens/1'), 404],
      ['DELETE', '/api/account/tokens', () => ada.delete('/api/account/tokens'), 200],
      ['GET', '/api/sync', () => ada.get('/api/sync'), 200],
      ['GET', '/api/sync', () => ada.get('/api/sync?cursor=nonsense'), 410],
      ['POST', '/api/tasks/{id}/restore', () => ada.post(`/api/tasks/${gone.id}/restore`), 200],
      ['DELETE', '/api/tasks/{id}', () => ada.delete(`/api/tasks/${gone.id}?permanent=true`), 200],
      ['GET', '/api/tasks/{id}', () => ada.get(`/api/tasks/${gone.id}`), 404],
      ['GET', '/api/dashboard/stats', () => ada.get('/api/dashboard/stats'), 200],
      [
        'GET',
        '/api/dashboard/overview',
        () => ada.get('/api/dashboard/overview?days=366&tz=Asia/Tokyo'),
        200,
      ],
      ['GET', '/api/dashboard/overview', () => ada.get('/api/dashboard/overview?days=367'), 422],
      ['GET', '/health', () => stranger.get('/health'), 200],
      ['GET', '/health/live', () => stranger.get('/health/live'), 200],
      ['GET', '/api', () => stranger.get('/api'), 200],
      ['GET', '/openapi.json', () => stranger.get('/openapi.json'), 200],
      ['PUT', '/api/tasks', () => ada.put('/api/tasks', {}), 405],
    ];
    for (const [method, template, run, status] of walk) {
      const answer = await run();
      expect([method, template, answer.status]).toEqual([method, template, status]);
      judge.expectDocumented(method, template, { ...answer, body: answer.text });
    }
  });

  it('has the headers that the document promises', async () => {
    const created = await ada.post('/api/tasks', { title: 'headers' });
    const response = judge.responseFor('POST', '/api/tasks', 201) as { headers: object };
    expect(Object.keys(response.headers).sort()).toEqual([
      'ETag',
      'Idempotency-Replayed',
      'Location',
      'RateLimit',
      'RateLimit-Policy',
      'X-Request-Id',
    ]);
    for (const name of ['etag', 'location', 'ratelimit', 'ratelimit-policy', 'x-request-id'])
      expect([name, created.headers.get(name)]).toEqual([name, expect.stringMatching(/\S/)]);
  });

  it('to the links of the welcome at /api is something', async () => {
    const { body } = await ada.get('/api');
    expect(body).toMatchObject({ name: 'Donewell', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    for (const link of Object.values<string>(body.links))
      expect([link, (await ada.get(link)).status]).toEqual([link, 200]);
  });
});
