// A socket as cheap as can be: the few lines of Socket.IO's protocol that a listener needs, over as few of WebSocket's, on
// TCP itself, so that it can be cut without a goodbye.
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import { AccessTokens } from '../src/auth/access-token.ts';
import type { BenchUser } from './data.ts';
import { SECRET } from './settings.ts';

/** Milliseconds. */
const PATIENCE = 60_000;
const tokens = new AccessTokens({ secretKey: SECRET, lifetime: 24 * 60 * 60 });

/** Of WebSocket, RFC 6455. */
const TEXT = 0x1;
const CLOSE = 0x8;
const LAST = 0x80;
const MASKED = 0x80;
const HEAD_END = '\r\n\r\n';
/** Lengths below stand in one byte, others in two more or eight. */
const SHORT = 126;
const LONG = 127;

/** The session that the data gives each user. */
export function sessionIdOf({ id }: BenchUser): string {
  return createHash('md5').update(id).digest('hex');
}

export interface Listener {
  close(): void;
  /** As a network does that breaks: without a word to the server, whose system alone sees that nobody is there. */
  cut(): void;
}

/** Each event's name, the moment it came, and what it says, as JSON. */
export type Hear = (name: string, at: number, payload: string) => void;

/** Ours are short. What a client sends is masked, with whatever it likes: with nothing it stays what it is. */
function frame(kind: number, text: string): Buffer {
  const payload = Buffer.from(text);
  const length =
    payload.length < SHORT ? [payload.length] : [SHORT, payload.length >> 8, payload.length & 0xff];
  const [first = 0, ...more] = length;
  return Buffer.concat([Buffer.from([LAST | kind, MASKED | first, ...more, 0, 0, 0, 0]), payload]);
}

/** The length of the frame that begins there and where its payload does; undefined as long as these have not come. */
function measured(bytes: Buffer, start: number): { from: number; to: number } | undefined {
  const size = bytes[start + 1] ?? Number.NaN;
  const from = start + 2 + (size < SHORT ? 0 : size === SHORT ? 2 : 8);
  if (!(from <= bytes.length)) return undefined;
  const length =
    size < SHORT
      ? size
      : size === LONG
        ? Number(bytes.readBigUInt64BE(start + 2))
        : bytes.readUInt16BE(start + 2);
  return { from, to: from + length };
}

/** Upgrades the connection and then tells each text that comes. The server sends each as one frame. */
function readTexts(socket: net.Socket, onText: (text: string) => void): void {
  let bytes = Buffer.alloc(0);
  let isUpgraded = false;
  socket.on('data', (chunk) => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    let start = 0;
    if (!isUpgraded) {
      const end = bytes.indexOf(HEAD_END);
      if (end < 0) return;
      if (!bytes.subarray(0, end).toString('latin1').startsWith('HTTP/1.1 101'))
        return void socket.destroy(new Error('A socket was refused'));
      isUpgraded = true;
      start = end + HEAD_END.length;
    }
    for (let found = measured(bytes, start); found && found.to <= bytes.length; ) {
      const kind = (bytes[start] ?? 0) & 0xf;
      if (kind === CLOSE) socket.end();
      else if (kind === TEXT) onText(bytes.toString('utf8', found.from, found.to));
      start = found.to;
      found = measured(bytes, start);
    }
    bytes = bytes.subarray(start);
  });
}

/** Connects and signs in. */
export async function listen(port: number, user: BenchUser, onEvent: Hear = () => {}): Promise<Listener> {
  const token = await tokens.issue({ userId: user.id, sessionId: sessionIdOf(user) });
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  const send = (text: string) => socket.write(frame(TEXT, text));
  const listener: Listener = {
    close: () => {
      // What still comes is nobody's any more.
      socket.removeAllListeners('data').resume();
      socket.end(frame(CLOSE, ''));
    },
    cut: () => void socket.destroy(),
  };
  const head = [
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
    `host: 127.0.0.1:${port}`,
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
  ];
  socket.write(`${head.join('\r\n')}${HEAD_END}`);
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => socket.destroy(new Error('A socket was not let in')), PATIENCE);
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(late);
      reject(new Error('A socket was closed'));
    });
    readTexts(socket, (packet) => {
      const at = performance.now();
      if (packet.startsWith('0')) send(`40${JSON.stringify({ token })}`);
      else if (packet === '2') send('3');
      else if (packet.startsWith('40')) {
        clearTimeout(late);
        resolve(listener);
      } else if (packet.startsWith('44')) socket.destroy(new Error(`A socket was refused: ${packet}`));
      else if (packet.startsWith('42')) {
        const [event = '', name = ''] = /^42\["([^"]+)",?/.exec(packet) ?? [];
        onEvent(name, at, packet.slice(event.length, -1));
      }
    });
  });
}

/** So many at once, in turn over the users, a hundred connecting at a time. */
export async function listenMany(
  port: number,
  users: readonly BenchUser[],
  count: number,
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  for (let start = 0; start < count; start += 100) {
    const wave = Array.from({ length: Math.min(100, count - start) }, (_, index) =>
      listen(port, users[(start + index) % users.length] as BenchUser),
    );
    listeners.push(...(await Promise.all(wave)));
  }
  return listeners;
}
