// A WebSocket as no library would let one be: any frame can be sent, and reading can stop.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { until } from './process.ts';

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** A client's frame: masked, as the protocol wants it. */
function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? Buffer.alloc(2) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  const mask = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0));
  return Buffer.concat([head, mask, masked]);
}

/** The first frame of a server's bytes. Undefined as long as it is not whole. */
function takeFrame(bytes: Buffer): { opcode: number; payload: Buffer; rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return undefined;
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + length) return undefined;
  const payload = bytes.subarray(start, start + length);
  return { opcode: (bytes[0] ?? 0) & 0x0f, payload, rest: bytes.subarray(start + length) };
}

export class RawSocket {
  /** Text frames that came in, as they are. */
  readonly messages: string[] = [];
  /** What came back of pings of the protocol itself. */
  readonly pongs: string[] = [];
  /** Status code of the server's goodbye, if it said any. */
  closeCode: number | undefined;
  isClosed = false;
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #upgraded = false;
  /** What waits for the server's first word: before that it hears nothing. */
  #waiting: Buffer[] | undefined = [];

  constructor(url: string) {
    const { hostname, port, host } = new URL(url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.on('error', () => {}); // 'close' follows
    this.#socket.on('close', () => {
      this.isClosed = true;
    });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    const key = randomBytes(16).toString('base64');
    this.#socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
  }

  /** One that is connected to the namespace of a user. */
  static async signedIn(url: string, token: string): Promise<RawSocket> {
    const raw = new RawSocket(url);
    raw.sendText(`40${JSON.stringify({ token })}`);
    await until(() => raw.messages.some((message) => message.startsWith('40{')), 'the handshake');
    return raw;
  }

  sendText(text: string): void {
    this.sendBytes(frame(TEXT, Buffer.from(text)));
  }

  sendBinary(bytes: Buffer): void {
    this.sendBytes(frame(BINARY, bytes));
  }

  sendPings(text: string, count = 1): void {
    this.sendBytes(Buffer.concat(Array(count).fill(frame(PING, Buffer.from(text)))));
  }

  /** Bytes that need not be a frame. */
  sendBytes(bytes: Buffer): void {
    if (this.#waiting) this.#waiting.push(bytes);
    else this.#socket.write(bytes);
  }

  stopReading(): void {
    this.#socket.pause();
  }

  /** Whether all that was sent has left. */
  get hasSent(): boolean {
    return this.#socket.writableLength === 0;
  }

  goOnReading(): void {
    this.#socket.resume();
  }

  /** Events that came in. */
  // biome-ignore lint/suspicious/noExplicitAny: payloads are asserted on, field by field
  get events(): [string, any][] {
    return this.messages
      .filter((message) => message.startsWith('42'))
      .map((message) => JSON.parse(message.slice(2)));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#upgraded) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#upgraded = true;
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    for (let taken = takeFrame(this.#bytes); taken; taken = takeFrame(this.#bytes)) {
      this.#bytes = taken.rest;
      if (taken.opcode === TEXT) this.#answer(taken.payload.toString());
      if (taken.opcode === PONG) this.pongs.push(taken.payload.toString());
      if (taken.opcode === CLOSE) {
        this.closeCode = taken.payload.length < 2 ? undefined : taken.payload.readUInt16BE(0);
        this.#socket.end(frame(CLOSE, taken.payload));
      }
    }
  }

  #answer(message: string): void {
    this.messages.push(message);
    for (const bytes of this.#waiting ?? []) this.#socket.write(bytes);
    this.#waiting = undefined;
    if (message === '2') this.sendText('3');
  }
}
