// The load: HTTP/1.1 over plain sockets, as cheap as can be, since it shares the machine with what it measures.
import net from 'node:net';

export interface Response {
  status: number;
  body: string;
}

export interface LoadResult {
  /** Milliseconds from the moment each request was due to its last byte. */
  latencies: number[];
  seconds: number;
}

/** The bytes of the next request. */
export type NextRequest = () => string;

const HEAD_END = '\r\n\r\n';
const READ_BYTES = 65_536;
/** Milliseconds: a server that is silent for so long will not answer any more. */
const SILENCE = 60_000;

/** The answer that is awaited, as far as it has come. */
interface Awaited {
  needsBody: boolean;
  resolve: (response: Response) => void;
  reject: (error: Error) => void;
  /** Of the head, while it is not complete. */
  start: Buffer;
  status: number;
  body: string;
  /** Bytes of the body that have not come; undefined until the head has. */
  missing: number | undefined;
}

/** One kept-alive connection with one request under way. A server may end it while it lies idle: then it is made anew. */
export class HttpConnection {
  readonly #port: number;
  #socket: net.Socket | undefined;
  #awaited: Awaited | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** @param needsBody otherwise only that of a refusal is kept. */
  send(request: string, needsBody = false): Promise<Response> {
    return new Promise((resolve, reject) => {
      const start = Buffer.alloc(0);
      this.#awaited = { needsBody, resolve, reject, start, status: 0, body: '', missing: undefined };
      this.#socket ??= this.#connect();
      this.#socket.write(request, 'latin1');
    });
  }

  #connect(): net.Socket {
    // All is read into one buffer and looked at there: nothing is made of what nobody asks for.
    const onread = {
      buffer: Buffer.alloc(READ_BYTES),
      callback: (length: number, buffer: Uint8Array) => {
        this.#take(buffer.subarray(0, length) as Buffer);
        return true;
      },
    };
    const socket = net.connect({ port: this.#port, host: '127.0.0.1', noDelay: true, onread });
    socket.setTimeout(SILENCE, () => socket.destroy(new Error('No answer came')));
    socket.on('error', (error) => this.#awaited?.reject(error));
    socket.on('close', () => {
      this.#socket = undefined;
      this.#awaited?.reject(new Error('The connection was closed'));
      this.#awaited = undefined;
    });
    return socket;
  }

  #take(chunk: Buffer): void {
    const answer = this.#awaited;
    if (!answer) return;
    const body = answer.missing === undefined ? this.#takeHead(answer, chunk) : chunk;
    if (!body || answer.missing === undefined) return;
    answer.missing -= body.length;
    if (answer.needsBody || answer.status >= 300) answer.body += body.toString('latin1');
    if (answer.missing > 0) return;
    this.#awaited = undefined;
    answer.resolve(answer);
  }

  /** @returns what has come of the body; undefined as long as the head is not complete. */
  #takeHead(answer: Awaited, chunk: Buffer): Buffer | undefined {
    const text = answer.start.length > 0 ? Buffer.concat([answer.start, chunk]) : chunk;
    const end = text.indexOf(HEAD_END);
    if (end < 0) {
      answer.start = Buffer.from(text);
      return undefined;
    }
    const head = text.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) {
      answer.reject(new Error('An answer without a length'));
      return undefined;
    }
    answer.status = Number(head.slice(9, 12));
    answer.missing = Number(length);
    return text.subarray(end + HEAD_END.length);
  }

  close(): void {
    this.#socket?.destroy();
  }
}

function assertGood({ status, body }: Response): void {
  if (status >= 300) throw new Error(`Answered ${status}: ${body.slice(0, 200)}`);
}

/** As fast as `connections` clients get answers who each wait for theirs. */
export async function closedLoop(
  port: number,
  next: NextRequest,
  options: { connections: number; seconds: number },
): Promise<LoadResult> {
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + options.seconds * 1000;
  const client = async () => {
    const connection = new HttpConnection(port);
    try {
      for (let now = performance.now(); now < end; ) {
        assertGood(await connection.send(next()));
        const after = performance.now();
        latencies.push(after - now);
        now = after;
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: options.connections }, client));
  return { latencies, seconds: (performance.now() - start) / 1000 };
}

/**
 * So many requests a second, whether or not answers come: each latency counts from when its request was due, so that a
 * server that stands still is not spared the requests that would have come meanwhile.
 */
export async function openLoop(
  port: number,
  next: NextRequest,
  options: { connections: number; seconds: number; rate: number },
): Promise<LoadResult> {
  const total = Math.max(1, Math.round(options.rate * options.seconds));
  const latencies: number[] = [];
  const start = performance.now();
  let taken = 0;
  const client = async () => {
    const connection = new HttpConnection(port);
    try {
      while (taken < total) {
        const due = start + (taken++ * 1000) / options.rate;
        const wait = due - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        // A timer may be late, and the request counts from when it was due; or early by a part of a millisecond: then from now.
        const from = Math.min(due, performance.now());
        assertGood(await connection.send(next()));
        latencies.push(performance.now() - from);
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: options.connections }, client));
  return { latencies, seconds: (performance.now() - start) / 1000 };
}
