// Answers that are not read: they take memory for as long as their connection lives.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openUpload } from './support/upload.ts';

/** Milliseconds: so that nobody has to wait a minute here. */
const DEADLINE = 3_000;
const TASKS = 1_000;
/** Answers on one connection: more than the buffers of the system on both sides take. */
const ANSWERS = 4;
/** What a slow reader takes, in bytes, and how often, in milliseconds: all of it takes several times the deadline. */
const SIP = 64 * 1_024;
const PAUSE = 40;

let server: TestServer;
let ada: Client & { accessToken: string };
/** Bytes of all the answers' bodies. */
let whole: number;

beforeAll(async () => {
  server = await startServer({ deadlines: { reading: DEADLINE } });
  ada = await signUp(server.url);
  const upload = openUpload(server.url, ada.accessToken);
  await upload.send(`title,description\n${`a,${'😀'.repeat(1_000)}\n`.repeat(TASKS)}`);
  upload.end();
  expect((await upload.answer)?.status).toBe(200);
  const { body } = await ada.get('/api/sync?limit=1000');
  whole = ANSWERS * Buffer.byteLength(JSON.stringify(body));
});
afterAll(() => server.close());

/** Asks for the answers, and reads none of them yet. */
function ask() {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname).pause();
  const head = ['GET /api/sync?limit=1000 HTTP/1.1', 'Host: x', `Authorization: Bearer ${ada.accessToken}`];
  socket.on('error', () => {}); // 'close' follows
  socket.write(`${head.join('\r\n')}\r\n\r\n`.repeat(ANSWERS));
  return socket;
}

it('lose their connection after a while, and with it what was kept for them', async () => {
  const accepted = once(server.app.server, 'connection') as Promise<[Socket]>;
  const socket = ask();
  const [theirs] = await accepted;
  // Nobody sees the end of what they do not read.
  await once(theirs, 'close');
  let bytes = 0;
  for await (const piece of socket) bytes += piece.length;
  expect(bytes).toBeLessThan(whole);
});

it('are all there for who reads slowly, however long that takes', async () => {
  const socket = ask();
  let bytes = 0;
  await new Promise<void>((resolve, reject) => {
    socket.once('close', () => reject(new Error(`Cut off after ${bytes} of ${whole} bytes`)));
    const timer = setInterval(() => {
      bytes += (socket.read(SIP) ?? socket.read())?.length ?? 0;
      if (bytes < whole) return;
      clearInterval(timer);
      resolve();
    }, PAUSE);
  });
  socket.destroy();
});
