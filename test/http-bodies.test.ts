// Request bodies at and beyond every limit: refused in one shape, and then nothing was written.
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../contract/errors.ts';
import { type Client, signUp } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { sendOne } from './support/wire.ts';

const LIMIT = 64 * 1024;
const JSON_TYPE = { 'content-type': 'application/json' };
let server: TestServer;
let ada: Client & { accessToken: string };

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
});
afterAll(() => server.close());
afterEach(async () => {
  expect(server.logs.filter((line) => /"level":[56]0/.test(line))).toEqual([]);
  await server.sql('delete from task');
});

const send = (body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE, path = '/api/tasks') =>
  ada.request('POST', path, { body, headers });
const count = async () => (await server.sql('select from task')).length;

async function refused(
  body: string | Uint8Array,
  code: ErrorCode,
  headers?: Record<string, string>,
): Promise<void> {
  expectProblem(await send(body, headers), code);
  expect(await count()).toBe(0);
}

const nested = (containers: number, open = '[', close = ']') =>
  open.repeat(containers) + close.repeat(containers);

describe('the size of a body', () => {
  const sized = (bytes: number) => {
    const frame = JSON.stringify({ title: 'sized', padding: '' });
    return JSON.stringify({ title: 'sized', padding: 'x'.repeat(bytes - frame.length) });
  };
  const chunked = (body: string) =>
    sendOne(
      server.url,
      [
        'POST /api/tasks HTTP/1.1',
        'Host: x',
        `Authorization: Bearer ${ada.accessToken}`,
        'Content-Type: application/json',
        'Transfer-Encoding: chunked',
        '',
        ...(body.match(/.{1,10000}/gs) ?? []).flatMap((part) => [part.length.toString(16), part]),
        '0',
        '',
        '',
      ].join('\r\n'),
    );

  it('may be 64 KiB exactly', async () => {
    expect(sized(LIMIT)).toHaveLength(LIMIT);
    expect((await send(sized(LIMIT))).status).toBe(201);
    expect((await chunked(sized(LIMIT))).status).toBe(201);
    expect(await count()).toBe(2);
  });

  it('may not be one byte more, announced or in chunks', async () => {
    await refused(sized(LIMIT + 1), 'payload_too_large');
    expectProblem(await chunked(sized(LIMIT + 1)), 'payload_too_large');
    expectProblem(await chunked(sized(LIMIT * 20)), 'payload_too_large');
    expect(await count()).toBe(0);
  });

  it('is counted in bytes, not characters', async () => {
    await refused(JSON.stringify({ title: 'é', padding: 'é'.repeat(LIMIT / 2) }), 'payload_too_large');
  });

  it('is refused as announced, before it comes', async () => {
    const head = ['POST /api/tasks HTTP/1.1', 'Host: x', `Authorization: Bearer ${ada.accessToken}`];
    const answer = await sendOne(
      server.url,
      `${[...head, 'Content-Type: application/json', 'Content-Length: 99999999'].join('\r\n')}\r\n\r\n`,
    );
    expectProblem(answer, 'payload_too_large');
  });

  it('that breaks off is nobody’s fault but the client’s: the log blames no database', async () => {
    const { hostname, port } = new URL(server.url);
    let ended = false;
    server.app.server.once('connection', (theirs) =>
      theirs.once('close', () => setImmediate(() => (ended = true))),
    );
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const head = ['POST /api/tasks HTTP/1.1', 'Host: x', `Authorization: Bearer ${ada.accessToken}`];
    const before = server.logs.length;
    const coming = once(server.app.server, 'request');
    socket.write(
      `${[...head, 'Content-Type: application/json', 'Content-Length: 99'].join('\r\n')}\r\n\r\n{"ti`,
    );
    const [incoming] = await coming;
    await until(() => incoming.readableFlowing === true, 'the body to be read');
    socket.destroy();
    await until(() => ended, 'the end of the connection');
    expect(server.logs.slice(before).filter((line) => /unavailable|database_error/.test(line))).toEqual([]);
  });

  it.each([
    ['announced', {}],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
    ['in chunks, with a key', { 'transfer-encoding': 'chunked', 'idempotency-key': 'large' }],
  ])('is refused so that whoever is still sending sees it: megabytes, %s', async (_how, more) => {
    const body = sized(5_000_000);
    const pieces = body.match(/.{1,65536}/gs) ?? [];
    const length = 'transfer-encoding' in more ? {} : { 'content-length': body.length };
    const headers = { ...JSON_TYPE, ...length, ...more, authorization: `Bearer ${ada.accessToken}` };
    for (let attempt = 0; attempt < 10; attempt++) {
      const sending = request(`${server.url}/api/tasks`, { method: 'POST', headers });
      // Piece by piece, as a file is sent: what is refused comes while there is more to send.
      Readable.from(pieces).pipe(sending);
      const [answer] = await once(sending, 'response');
      expect([answer.statusCode, JSON.parse(await text(answer)).code]).toEqual([413, 'payload_too_large']);
    }
  });

  it('is refused in Better Auth’s own shape at its endpoints', async () => {
    const { status, body } = await send(sized(LIMIT + 1), JSON_TYPE, '/api/auth/update-user');
    expect([status, Object.keys(body).sort()]).toEqual([413, ['code', 'message']]);
  });
});

describe('a body that is not JSON', () => {
  const bytes = (...parts: (string | number[])[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));

  it.each<[string, string | Uint8Array]>([
    ['empty', ''],
    ['white space', ' \r\n\t '],
    ['cut off', '{"title":"x"'],
    ['trailing garbage', '{"title":"x"} x'],
    ['two values', '{"title":"x"}{"title":"y"}'],
    ['single quotes', "{'title':'x'}"],
    ['a trailing comma', '{"title":"x",}'],
    ['a comment', '{"title":"x"/**/}'],
    ['NaN', '{"title":NaN}'],
    ['a bare word', 'title'],
    ['a form', 'title=x'],
    ['a raw NUL', '{"title":"a\0b"}'],
    ['a NUL behind', '{"title":"x"}\0'],
    ['a raw newline in a string', '{"title":"a\nb"}'],
    ['an escaped NUL in a value', '{"title":"a\\u0000b"}'],
    ['an escaped NUL in a key', '{"title":"x","a\\u0000":1}'],
    ['an escaped NUL in a field nobody knows', '{"title":"x","more":[{"a":["\\u0000"]}]}'],
    ['a lone high surrogate', '{"title":"\\ud800"}'],
    ['a lone low surrogate', '{"title":"x\\udc00"}'],
    ['swapped surrogates', '{"title":"\\udc00\\ud800"}'],
    ['an escaped NUL in a value that another one follows', '{"title":"\\u0000","title":"x"}'],
    ['a lone surrogate in a value that another one follows', '{"title":"\\ud800","title":"x"}'],
    ['33 levels in a value that another one follows', `{"more":${nested(32)},"more":1,"title":"x"}`],
    ['a lone surrogate in a key', '{"title":"x","\\ud83d":1}'],
    ['a lone surrogate in a field nobody knows', '{"title":"x","more":{"a":"\\udfff"}}'],
    ['a bad escape', '{"title":"\\x41"}'],
    ['Latin-1', bytes('{"title":"', [0xe9], '"}')],
    ['overlong UTF-8', bytes('{"title":"', [0xc0, 0xaf], '"}')],
    ['a surrogate in UTF-8', bytes('{"title":"', [0xed, 0xa0, 0x80], '"}')],
    ['beyond Unicode', bytes('{"title":"', [0xf4, 0x90, 0x80, 0x80], '"}')],
    ['cut in a character', bytes('{"title":"', [0xf0, 0x9f, 0x98])],
    ['UTF-16', Buffer.from('\ufeff{"title":"x"}', 'utf16le')],
    ['a million brackets too deep', nested(30_000)],
    ['33 levels', nested(33)],
    ['33 levels of objects', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['33 levels, the outermost counted, where nobody looks', `{"title":"x","more":${nested(32)}}`],
    ['33 levels, alternating', `{"title":"x","more":${nested(16, '[{"a":', '}]')}}`],
  ])('is 400 malformed_json: %s', (_name, body) => refused(body, 'malformed_json'));

  it('is refused so by every route that takes a body', async () => {
    const { body: task } = await ada.post('/api/tasks', { title: 'x' });
    for (const [method, path] of [
      ['POST', '/api/auth/signup'],
      ['POST', '/api/auth/login'],
      ['PUT', `/api/tasks/${task.id}`],
      ['PATCH', `/api/tasks/${task.id}`],
    ] as const) {
      for (const body of ['', '{', nested(33), '"\\ud800"'])
        expectProblem(await ada.request(method, path, { body, headers: JSON_TYPE }), 'malformed_json');
      expectProblem(await ada.request(method, path), 'malformed_json');
    }
    for (const path of ['/api/auth/sign-in/email', '/api/auth/sign-up/email', '/api/auth/update-user']) {
      for (const body of ['{', nested(33), '"\\ud800"']) {
        const { status, body: answer } = await ada.request('POST', path, { body, headers: JSON_TYPE });
        expect([path, status, Object.keys(answer).sort()]).toEqual([path, 400, ['code', 'message']]);
      }
    }
    expect((await ada.get(`/api/tasks/${task.id}`)).body).toEqual(task);
  });
});

describe('JSON of an odd kind', () => {
  it.each<[string, string | Uint8Array, string]>([
    ['a byte order mark', '\ufeff{"title":"bom"}', 'bom'],
    ['white space around', ' \n{ "title" : "spaced" }\r\n', 'spaced'],
    ['the same key twice: the last counts', '{"title":"first","title":"last"}', 'last'],
    ['an escaped key', '{"\\u0074itle":"escaped"}', 'escaped'],
    ['a pair of surrogates', '{"title":"\\ud83d\\ude00"}', '😀'],
    ['32 levels', `{"title":"deep","more":${nested(31)}}`, 'deep'],
    [
      'huge numbers where nobody looks',
      `{"title":"n","a":1e999,"b":-${'9'.repeat(400)},"c":0.${'1'.repeat(400)}}`,
      'n',
    ],
    ['a prototype', '{"__proto__":{"title":"evil","status":true},"title":"own"}', 'own'],
    ['a constructor', '{"constructor":{"prototype":{"status":true}},"title":"own"}', 'own'],
    [
      'fields that are not the client’s',
      '{"title":"own","id":7,"user_id":"x","rev":99,"created_at":"x"}',
      'own',
    ],
  ])('is understood: %s', async (_name, body, title) => {
    const answer = await send(body);
    expect([answer.status, answer.body.title, answer.body.status]).toEqual([201, title, false]);
    expect(answer.body.user_id).not.toBe('x');
    expect(({} as Record<string, unknown>).status).toBeUndefined();
  });

  it.each([
    '[]',
    '[{"title":"x"}]',
    'null',
    '"title"',
    '1',
    'true',
    '1e999',
    '{"__proto__":{"title":"x"}}',
    '{}',
    nested(32),
  ])('is 422 where an object is needed: %s', async (body) => {
    await refused(body, 'validation_error');
    for (const path of ['/api/auth/signup', '/api/auth/login'])
      expectProblem(await send(body, JSON_TYPE, path), 'validation_error');
  });

  it('is 422 on a change, too, except {}, which changes nothing', async () => {
    const { body: task } = await ada.post('/api/tasks', { title: 'x' });
    for (const body of ['[]', 'null', '"x"', '1']) {
      const answer = await ada.request('PATCH', `/api/tasks/${task.id}`, { body, headers: JSON_TYPE });
      const { detail, errors } = expectProblem(answer, 'validation_error');
      expect(errors).toEqual([{ path: '', message: 'must be a JSON object' }]);
      expect(detail).toBe('The body must be a JSON object.');
    }
    expect((await ada.patch(`/api/tasks/${task.id}`, {})).body).toEqual(task);
    expect((await ada.patch(`/api/tasks/${task.id}`, { constructor: 1, toString: 2 })).body).toEqual(task);
  });

  it.each(['1e999', '-1', '1.5', '2.0000000000000001e300', '"1"', '4', '[1]', '{}', 'true', '""'])(
    'is 422 for a priority that is none: %s',
    (priority) => refused(`{"title":"x","priority":${priority}}`, 'validation_error'),
  );
});

describe('the content type', () => {
  const body = '{"title":"typed"}';

  it.each([
    'application/json',
    'APPLICATION/JSON',
    'application/json;charset=utf-8',
    'application/json; charset=UTF-8',
    'application/json ; charset="utf-8"',
    'application/json; charset=utf8',
    'application/json; odata=verbose',
  ])('is taken: %s', async (type) => {
    expect((await send(body, { 'content-type': type })).status).toBe(201);
  });

  it.each([
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/problem+json',
    'application/merge-patch+json',
    'application/jsonx',
    'text/json',
    'application/json; charset=latin1',
    'application/json; charset=utf-16',
    'application/json, text/plain',
    'json',
    '/',
    ';',
  ])('is 415: %s', (type) => refused(body, 'unsupported_media_type', { 'content-type': type }));

  it('is needed', async () => {
    const head = ['POST /api/tasks HTTP/1.1', 'Host: x', `Authorization: Bearer ${ada.accessToken}`];
    const answer = await sendOne(
      server.url,
      `${[...head, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`,
    );
    expectProblem(answer, 'unsupported_media_type');
    expect(await count()).toBe(0);
  });

  it.each(['gzip', 'br', 'deflate', 'identity, gzip', 'GZIP', 'x'])(
    'does not cover a compressed body: %s',
    (encoding) =>
      refused(gzipSync(body), 'unsupported_media_type', { ...JSON_TYPE, 'content-encoding': encoding }),
  );

  it('may be said to be uncompressed', async () => {
    expect((await send(body, { ...JSON_TYPE, 'content-encoding': 'identity' })).status).toBe(201);
  });

  it('counts before the contents, and the size before both', async () => {
    await refused('{', 'unsupported_media_type', { 'content-type': 'text/plain' });
    await refused('x'.repeat(LIMIT + 1), 'payload_too_large', { 'content-type': 'text/plain' });
  });

  it('does not matter without a body where none is needed', async () => {
    const { body: task } = await ada.post('/api/tasks', { title: 'x' });
    for (const headers of [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      {},
    ]) {
      expect((await ada.request('PATCH', `/api/tasks/${task.id}/complete`, { headers })).status).toBe(200);
      expect(
        (await ada.request('PATCH', `/api/tasks/${task.id}/complete`, { headers, body: '' })).status,
      ).toBe(200);
    }
    expect((await ada.request('POST', '/api/auth/refresh', { headers: JSON_TYPE, body: '' })).status).toBe(
      200,
    );
    expect((await ada.request('POST', '/api/auth/logout', { headers: JSON_TYPE, body: '' })).status).toBe(
      200,
    );
    ada = await signUp(server.url);
  });

  it('of a body that nobody reads does not matter, however odd', async () => {
    const { body: task } = await ada.post('/api/tasks', { title: 'x' });
    const raw = `GET /api/tasks/${task.id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada.accessToken}\r\nContent-Type: text/x\r\nContent-Length: 1\r\n\r\n{`;
    expect((await sendOne(server.url, raw)).status).toBe(200);
  });
});
