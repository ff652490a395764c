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
/** Milliseconds: a server that is silent for so long will not answer any more. */
const SILENCE = 60_000;

/** One kept-alive connection with one request under way. A server may end it while it lies idle: then it is made anew. */
export class HttpConnection {
  readonly #port: number;
  #socket: net.Socket | undefined;
  #received = '';
  #answer: { resolve: (response: Response) => void; reject: (error: Error) => void } | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  send(request: string): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      this.#socket ??= this.#connect();
      this.#socket.write(request);
    });
  }

  #connect(): net.Socket {
    const socket = net.connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    // One byte a character: the length of a body is in bytes.
    socket.setEncoding('latin1');
    socket.setTimeout(SILENCE, () => socket.destroy(new Error('No answer came')));
    socket.on('data', (text) => this.#take(String(text)));
    socket.on('error', (error) => this.#answer?.reject(error));
    socket.on('close', () => {
      this.#socket = undefined;
      this.#received = '';
      this.#answer?.reject(new Error('The connection was closed'));
      this.#answer = undefined;
    });
    return socket;
  }

  #take(text: string): void {
    this.#received += text;
    const head = this.#received.indexOf(HEAD_END);
    if (head < 0) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received.slice(0, head))?.[1];
    if (length === undefined) {
      this.#answer?.reject(new Error('An answer without a length'));
      return;
    }
    const start = head + HEAD_END.length;
    if (this.#received.length < start + Number(length)) return;
    const response = { status: Number(this.#received.slice(9, 12)), body: this.#received.slice(start) };
    this.#received = '';
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.resolve(response);
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
  const total = Math.round(options.rate * options.seconds);
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
        // A timer may be late; the request is due when it is due.
        assertGood(await connection.send(next()));
        latencies.push(performance.now() - due);
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: options.connections }, client));
  return { latencies, seconds: (performance.now() - start) / 1000 };
}
