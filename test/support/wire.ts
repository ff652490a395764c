// Bytes on a socket: for requests that no well-behaved client would send, and answers as they really are.
import { connect, type Socket } from 'node:net';

export interface WireAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

const PATIENCE = 20_000;

/** Reads a body of chunks off the front. Undefined as long as its last one is not there. */
function takeChunks(bytes: Buffer): { body: Buffer; rest: Buffer } | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const size = bytes.subarray(at, end).toString('latin1');
    if (!/^[0-9a-f]+$/i.test(size)) throw new Error(`Not the size of a chunk: ${size.slice(0, 50)}`);
    const start = end + 2;
    at = start + Number.parseInt(size, 16) + 2;
    if (bytes.length < at) return undefined;
    if (at === start + 2) return { body: Buffer.concat(chunks), rest: bytes.subarray(at) };
    chunks.push(bytes.subarray(start, at - 2));
  }
}

/** Reads one answer off the front. Undefined as long as it is not whole. */
function takeAnswer(bytes: Buffer, method: string): { answer: WireAnswer; rest: Buffer } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(first.split(' ')[1]);
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  const bodyless = method === 'HEAD' || status === 204 || status === 304 || status < 200;
  const length = bodyless ? 0 : Number(headers['content-length'] ?? 0);
  if (!bodyless && headers['transfer-encoding'] === 'chunked') {
    const taken = takeChunks(bytes.subarray(end + 4));
    return taken && { answer: { status, headers, body: taken.body.toString() }, rest: taken.rest };
  }
  if (bytes.length < end + 4 + length) return undefined;
  const body = bytes.subarray(end + 4, end + 4 + length).toString();
  return { answer: { status, headers, body }, rest: bytes.subarray(end + 4 + length) };
}

/** Milliseconds between two bytes to a server that wants no more of them. */
const INSISTENCE = 100;

export interface WireOptions {
  /** How many answers to wait for; without it, until the server closes. */
  answers?: number;
  /** Method of the requests: an answer to HEAD has no body. */
  method?: string;
  /** Called after each answer; what it returns is sent next. */
  reply?: (answer: WireAnswer, index: number) => string | undefined;
  /** Does not close its side when the server has closed the other, but goes on sending. */
  insists?: boolean;
}

function insist(socket: Socket): void {
  const timer = setInterval(() => socket.write('x'), INSISTENCE);
  socket.once('close', () => clearInterval(timer));
}

/** Sends bytes as they are and collects what comes back. Rejects when the server stays silent. */
export async function sendBytes(
  url: string,
  bytes: string | Buffer,
  { answers = Number.POSITIVE_INFINITY, method = 'GET', reply, insists = false }: WireOptions = {},
): Promise<WireAnswer[]> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: insists });
  if (insists) socket.once('end', () => insist(socket));
  const received: WireAnswer[] = [];
  let rest: Buffer = Buffer.alloc(0);
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`Silence after ${JSON.stringify(received)}`)),
        PATIENCE,
      );
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.on('error', () => {}); // 'close' follows
      socket.on('data', (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk]);
        for (let taken = takeAnswer(rest, method); taken; taken = takeAnswer(rest, method)) {
          rest = taken.rest;
          received.push(taken.answer);
          const next = reply?.(taken.answer, received.length - 1);
          if (next !== undefined) socket.write(next);
          if (received.length >= answers) socket.destroy();
        }
      });
      socket.write(bytes);
    });
  } finally {
    socket.destroy();
  }
  // The parser that refuses a HEAD does not know that it was one.
  if (rest.length > 0 && method !== 'HEAD')
    throw new Error(`Half an answer: ${rest.toString().slice(0, 200)}`);
  return received;
}

/** One request whose connection the server closes after the answer. */
export async function sendOne(
  url: string,
  bytes: string | Buffer,
  options: WireOptions = {},
): Promise<WireAnswer> {
  const [answer] = await sendBytes(url, bytes, { answers: 1, ...options });
  if (!answer) throw new Error('The server closed the connection without an answer');
  return answer;
}

export interface HeldRequest {
  /** The server has the request and waits for its body. */
  readonly accepted: Promise<void>;
  /** Sends the body. */
  finish(): void;
  /** The answer; undefined when the connection ended without one. */
  readonly answer: Promise<WireAnswer | undefined>;
}

/** A request that stays in flight: the server has asked for its body, which comes when the test wants it. */
export function holdRequest(url: string, line: string, headers: string[], body: string): HeldRequest {
  const accepted = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const head = [
    `${line} HTTP/1.1`,
    'Host: localhost',
    ...headers,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Expect: 100-continue',
  ];
  let rest: Buffer = Buffer.alloc(0);
  const answer = new Promise<WireAnswer | undefined>((resolve) => {
    socket.on('error', () => {}); // 'close' follows
    socket.once('close', () => resolve(undefined));
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (let taken = takeAnswer(rest, 'POST'); taken; taken = takeAnswer(rest, 'POST')) {
        rest = taken.rest;
        if (taken.answer.status === 100) accepted.resolve();
        else resolve(taken.answer);
      }
    });
  });
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  void released.promise.then(() => socket.write(body));
  return { accepted: accepted.promise, finish: released.resolve, answer };
}
