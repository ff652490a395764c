// What arrives on the socket as no client would send it: answered in one shape, in order, and never left hanging.
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Client, signUp } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';
import { sendBytes, sendOne } from './support/wire.ts';

const KIB = 1024;
let server: TestServer;
let ada: Client & { accessToken: string };

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
});
afterAll(() => server.close());
afterEach(() => {
  // Whatever was sent, it was nobody's defect.
  expect(server.logs.filter((line) => /"level":[56]0/.test(line))).toEqual([]);
});

const lines = (...all: string[]) => `${all.join('\r\n')}\r\n\r\n`;
const post = (body: string, ...headers: string[]) =>
  lines('POST /api/tasks HTTP/1.1', 'Host: x', `Authorization: Bearer ${ada.accessToken}`, ...headers) + body;
const created = () => server.sql<{ title: string }>('select title from task');

describe('bytes that are no HTTP', () => {
  it.each([
    ['a word', 'hello\r\n\r\n'],
    ['binary', Buffer.from([0, 1, 2, 255, 254, 13, 10, 13, 10])],
    ['a TLS greeting', Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an unknown version', lines('GET / HTTP/9.9', 'Host: x')],
    ['a version that is not spoken', lines('GET /health HTTP/2.0', 'Host: x')],
    ['no version', 'GET /health\r\n\r\n'],
    ['an unknown method', lines('BREW / HTTP/1.1', 'Host: x')],
    ['a target with a space', lines('GET /a b HTTP/1.1', 'Host: x')],
    ['a relative target', lines('GET health HTTP/1.1', 'Host: x')],
    ['a header without a colon', lines('GET / HTTP/1.1', 'Host: x', 'nonsense')],
    ['a space before the colon', lines('GET / HTTP/1.1', 'Host: x', 'A : b')],
    ['a folded header', lines('GET / HTTP/1.1', 'Host: x', 'A: b', ' c')],
    ['a NUL in a header', lines('GET / HTTP/1.1', 'Host: x', 'A: b\0c')],
    ['a bare line feed', 'GET / HTTP/1.1\nHost: x\n\n'],
    ['a length that is no number', lines('POST /api/tasks HTTP/1.1', 'Host: x', 'Content-Length: abc')],
    ['a negative length', lines('POST /api/tasks HTTP/1.1', 'Host: x', 'Content-Length: -1')],
    ['two lengths', lines('POST /api/tasks HTTP/1.1', 'Host: x', 'Content-Length: 1', 'Content-Length: 2')],
    ['an endless length', lines('POST /api/tasks HTTP/1.1', 'Host: x', `Content-Length: ${'9'.repeat(30)}`)],
    [
      'a length and chunks',
      lines('POST /api/tasks HTTP/1.1', 'Host: x', 'Content-Length: 1', 'Transfer-Encoding: chunked'),
    ],
    ['an unknown coding', lines('POST /api/tasks HTTP/1.1', 'Host: x', 'Transfer-Encoding: gzip')],
    ['a Host twice', lines('GET /health HTTP/1.1', 'Host: x', 'host: y')],
    ['no Host', lines('GET /health HTTP/1.1')],
    ['no Host at an unknown address', lines('GET /nowhere HTTP/1.1')],
    ['a tunnel', lines('CONNECT example.com:443 HTTP/1.1', 'Host: example.com')],
  ])('are 400: %s', async (_name, bytes) => {
    const answers = await sendBytes(server.url, bytes, { answers: 1 });
    expect(answers).toHaveLength(1);
    for (const answer of answers) {
      expectProblem(answer, 'malformed_request');
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.headers['content-security-policy']).toMatch(
        /^default-src 'none';.*frame-ancestors 'none'$/,
      );
    }
  });

  it.each([
    ['a header without a name', 'GET /health HTTP/1.1', 'Host: x', 'X-Request-Id: mine.1', ': x'],
    ['an unknown method', 'FOO /health HTTP/1.1', 'Host: x', 'X-Request-Id: mine.1'],
    [
      'two lengths',
      'POST /api/tasks HTTP/1.1',
      'X-Request-Id: mine.1',
      'Content-Length: 1',
      'Content-Length: 2',
    ],
  ])('keep the id of the request: %s', async (_name, ...request) => {
    const [answer] = await sendBytes(server.url, lines(...request), { answers: 1 });
    expect([answer?.status, answer?.headers['x-request-id']]).toEqual([400, 'mine.1']);
    // That of another request in the same piece is not theirs.
    const before = lines('GET /health/live HTTP/1.1', 'Host: x', 'X-Request-Id: other');
    const [, second] = await sendBytes(server.url, before + lines(...request), { answers: 2 });
    expect([second?.status, second?.headers['x-request-id']]).toEqual([400, 'mine.1']);
  });

  it('are given no other request’s id, also where it is their body that is wrong', async () => {
    const before = lines('GET /health/live HTTP/1.1', 'Host: x', 'X-Request-Id: other');
    const [, bare] = await sendBytes(server.url, before + lines('FOO / HTTP/1.1', 'Host: x'), { answers: 2 });
    expect(bare?.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    const [first] = await sendBytes(server.url, lines('FOO / HTTP/1.1', 'Host: x') + before, { answers: 1 });
    expect(first?.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    const head = [
      'POST /api/auth/login HTTP/1.1',
      'Host: x',
      'X-Request-Id: mine.2',
      'Transfer-Encoding: chunked',
    ];
    const [, second] = await sendBytes(server.url, `${before}${lines(...head)}zz\r\n`, { answers: 2 });
    expect([second?.status, second?.headers['x-request-id']]).toEqual([400, 'mine.2']);
  });

  it('are no work: an id with 60,000 blanks in it holds nobody up', async () => {
    const heavy = lines('FOO / HTTP/1.1', `X-Request-Id: a${' '.repeat(60_000)}b`);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => sendBytes(server.url, heavy, { answers: 1 })),
    );
    for (const [answer] of answers) expect(answer?.status).toBe(400);
  });

  it('are 400 in chunks of a body, and nothing is written', async () => {
    const chunked = ['Content-Type: application/json', 'Transfer-Encoding: chunked'];
    for (const body of [
      'zz\r\n{}\r\n',
      '5\r\n{"title":"x"}\r\n0\r\n\r\n',
      'fffffffffffffffff\r\n',
      '-1\r\n',
    ]) {
      expectProblem(await sendOne(server.url, post(body, ...chunked)), 'malformed_request');
    }
    expect(await created()).toEqual([]);
  });

  it('behind a whole request do not pass for its answer', async () => {
    const whole = post('{"title":"first"}', 'Content-Type: application/json', 'Content-Length: 17');
    const [first, second, ...more] = await sendBytes(server.url, `${whole}NONSENSE\r\n\r\n`);
    expect(first?.status).toBe(201);
    expectProblem(second as never, 'malformed_request');
    expect(more).toEqual([]);
    expect(await created()).toEqual([{ title: 'first' }]);
    await server.sql('delete from task');
  });
});

describe('what is too large', () => {
  const target = (length: number) => `/api/nothing/${'a'.repeat(length - 13)}`;

  it('is 414 for a URL over 16 KiB, and not before', async () => {
    const at = (length: number) => sendOne(server.url, lines(`GET ${target(length)} HTTP/1.1`, 'Host: x'));
    expectProblem(await at(16 * KIB), 'not_found');
    expectProblem(await at(16 * KIB + 1), 'malformed_request', 414);
    expectProblem(await at(39 * KIB), 'malformed_request', 414);
    expectProblem(await at(60 * KIB), 'malformed_request', 414);
    expectProblem(await at(500 * KIB), 'malformed_request', 414);
  });

  it('is 431 for headers over 16 KiB, and not before', async () => {
    const at = (length: number) =>
      sendOne(server.url, lines('GET /health/live HTTP/1.1', 'Host: x', `X-A: ${'a '.repeat(length / 2)}b`));
    expect((await at(16 * KIB - 20)).status).toBe(200);
    expectProblem(await at(16 * KIB), 'malformed_request', 431);
    expectProblem(await at(60 * KIB), 'malformed_request', 431);
    expectProblem(await at(500 * KIB), 'malformed_request', 431);
  });

  it('is 431 for a cookie, a bearer token and many small headers, too', async () => {
    const many = Array.from({ length: 1900 }, (_, index) => `X-${index}: value`);
    for (const headers of [
      [`Cookie: a=${'x'.repeat(17_000)}`],
      [`Authorization: Bearer ${'x'.repeat(17_000)}`],
      many,
    ])
      expectProblem(
        await sendOne(server.url, lines('GET /api/tasks HTTP/1.1', 'Host: x', ...headers)),
        'malformed_request',
        431,
      );
  });

  it('is no longer id: one of 10,000 digits is 404, and 422 with a letter', async () => {
    expectProblem(await ada.get(`/api/tasks/${'9'.repeat(10_000)}`), 'task_not_found');
    expectProblem(await ada.get(`/api/tasks/${'9'.repeat(10_000)}x`), 'validation_error');
  });
});

describe('HTTP/1.0', () => {
  it('is served without a Host, and the connection closed', async () => {
    const [answer, ...more] = await sendBytes(server.url, lines('GET /health/live HTTP/1.0'));
    expect(answer?.status).toBe(200);
    expect(more).toEqual([]);
    const [refused] = await sendBytes(server.url, lines('POST /api/tasks HTTP/1.0', 'Content-Length: 0'));
    expectProblem(refused as never, 'unauthenticated');
  });
});

describe('a body', () => {
  it('that comes byte by byte is taken', async () => {
    const body = '{"title":"slow"}';
    const bytes = post(
      body,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: close',
    );
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const answer = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.once('close', () => resolve(text));
    });
    for (const byte of Buffer.from(bytes))
      await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
    expect(await answer).toMatch(/^HTTP\/1\.1 201 /);
    await server.sql('delete from task');
  });

  it('that never ends is given up without a defect when the client goes', async () => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve) => {
      socket.write(post('{"title":', 'Content-Type: application/json', 'Content-Length: 100'), () =>
        resolve(),
      );
    });
    socket.destroy();
    expect((await ada.get('/api/tasks')).body.tasks).toEqual([]);
  });

  it('that a client only announces is asked for', async () => {
    const body = '{"title":"expected"}';
    const head = post(
      '',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Expect: 100-continue',
    );
    const [first, second] = await sendBytes(server.url, head, {
      answers: 2,
      reply: ({ status }) => (status === 100 ? body : undefined),
    });
    expect([first?.status, second?.status]).toEqual([100, 201]);
    await server.sql('delete from task');
  });

  it('with an expectation that nobody knows is taken all the same', async () => {
    const answer = await sendOne(
      server.url,
      lines('GET /health/live HTTP/1.1', 'Host: x', 'Expect: miracles'),
    );
    expect(answer.status).toBe(200);
  });

  it('that is not wanted does not keep the next request waiting', async () => {
    const unwanted =
      lines('POST /nowhere HTTP/1.1', 'Host: x', 'Content-Length: 200000') + 'x'.repeat(200_000);
    const answers = await sendBytes(server.url, unwanted + lines('GET /health/live HTTP/1.1', 'Host: x'), {
      answers: 2,
    });
    expect(answers.map(({ status }) => status)).toEqual([404, 200]);
  });
});

describe('pipelined requests', () => {
  it('are answered in their order', async () => {
    const paths = ['/health/live', '/nowhere', '/api/tasks', '/%zz', '/openapi.json', '/health/live'];
    const bytes = paths.map((path) => lines(`GET ${path} HTTP/1.1`, 'Host: x')).join('');
    const answers = await sendBytes(server.url, bytes, { answers: paths.length });
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 401, 400, 200, 200]);
  });

  it('all write, once each', async () => {
    const titles = Array.from({ length: 10 }, (_, index) => `pipe ${index}`);
    const bytes = titles.map((title) =>
      post(
        JSON.stringify({ title }),
        'Content-Type: application/json',
        `Content-Length: ${title.length + 12}`,
      ),
    );
    const answers = await sendBytes(server.url, bytes.join(''), { answers: titles.length });
    expect(answers.map(({ body }) => JSON.parse(body).title)).toEqual(titles);
    expect((await created()).map(({ title }) => title).sort()).toEqual(titles);
    await server.sql('delete from task');
  });
});
