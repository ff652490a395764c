// Bodies that do not come to an end: whoever was answered without them keeps the connection no longer than others do.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openUpload } from './support/upload.ts';
import { sendBytes, type WireOptions } from './support/wire.ts';

/** Milliseconds: so that nobody has to wait half a minute here. */
const DEADLINE = 2_000;
let server: TestServer;
let ada: Client & { accessToken: string };

beforeAll(async () => {
  server = await startServer({ deadlines: { body: DEADLINE } });
  ada = await signUp(server.url);
});
afterAll(() => server.close());

const IMPORT = 'POST /api/account/import';
const CSV = 'Content-Type: text/csv';

/** The answers until the server closes the connection; it rejects when that stays open. */
const stopShort = async (line: string, ...headers: string[]) => statusesOf(shortBody(line, headers));
const shortBody = (line: string, headers: string[]) =>
  `${[`${line} HTTP/1.1`, 'Host: x', 'Content-Length: 1000', ...headers].join('\r\n')}\r\n\r\nti`;
const statusesOf = async (bytes: string, options?: WireOptions) => {
  const answers = await sendBytes(server.url, bytes, options);
  return answers.map(({ status }) => status);
};

describe('a body that stops', () => {
  it.concurrent.each<[string, string, (own: string) => string[], number[]]>([
    [
      'is refused where it is read',
      'POST /api/tasks',
      (own) => [own, 'Content-Type: application/json'],
      [408],
    ],
    ['is not waited for behind an import of nobody', IMPORT, () => [CSV], [401, 408]],
    ['is not waited for behind an import of no format', IMPORT, (own) => [own], [415, 408]],
    ['is not waited for behind a wrong query', `${IMPORT}?format=xls`, (own) => [own, CSV], [422, 408]],
    ['is not waited for behind a route that reads none', 'GET /health/live', () => [], [200, 408]],
    ['is not waited for behind an address that is none', 'POST /nowhere', () => [], [404, 408]],
    ['is not waited for behind a URL that cannot be read', 'POST /api/tasks/%ff', () => [], [400, 408]],
    [
      'is not waited for by Socket.IO',
      'POST /socket.io/?EIO=4&transport=polling&sid=x',
      () => [],
      [400, 408],
    ],
  ])('%s', async (_name, line, headers, statuses) => {
    expect(await stopShort(line, ...headers(`Authorization: Bearer ${ada.accessToken}`))).toEqual(statuses);
  });

  it('is refused where it is taken in pieces, and not waited for behind an import that finds no place', async () => {
    const own = `Authorization: Bearer ${ada.accessToken}`;
    const both = await Promise.all([stopShort(IMPORT, own, CSV), stopShort(IMPORT, own, CSV)]);
    expect(both.sort((one, other) => one.length - other.length)).toEqual([[408], [503, 408]]);
  });

  it('holds its place for an import no longer than until it is refused', async () => {
    const bob = await signUp(server.url);
    const own = [`Authorization: Bearer ${bob.accessToken}`, CSV];
    const next = async () => {
      const upload = openUpload(server.url, bob.accessToken);
      await upload.send('title\nx\n');
      upload.end();
      return (await upload.answer)?.status;
    };
    const refused = Promise.withResolvers<void>();
    const reply = () => void refused.resolve();
    const stopped = statusesOf(shortBody(IMPORT, own), { insists: true, reply });
    await refused.promise;
    expect(await next()).toBe(200);
    expect(await stopped).toEqual([408]);
  });
});

describe('a client that does not close its side', () => {
  it.concurrent.each<[string, string, number[]]>([
    ['whose body stopped', shortBody('POST /api/auth/login', ['Content-Type: application/json']), [408]],
    ['whose body stopped behind an answer', shortBody('POST /nowhere', []), [404, 408]],
    ['whose request is not HTTP', 'nonsense\r\n\r\n', [400]],
    ['that wants a tunnel', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', [400]],
    ['whose headers are too large', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(60_000)}\r\n\r\n`, [431]],
  ])('%s is cut off', async (_name, bytes, statuses) => {
    // `sendBytes` rejects when the connection stays open.
    expect(await statusesOf(bytes, { insists: true })).toEqual(statuses);
  });
});

describe('a body that goes on', () => {
  it('takes as long as it needs where it is taken in pieces', async () => {
    const upload = openUpload(server.url, ada.accessToken);
    const end = performance.now() + 1.5 * DEADLINE;
    let sent = 0;
    await upload.send('title\n');
    for (; performance.now() < end; sent++) {
      await upload.send('x\n');
      await ada.get('/health/live');
    }
    upload.end();
    const answer = await upload.answer;
    expect([answer?.status, JSON.parse(answer?.text ?? '{}').created]).toEqual([200, sent]);
  });
});
