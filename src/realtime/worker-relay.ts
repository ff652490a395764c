// Workers of one server share its port, and a client that polls may reach another one with each request. So the id of a
// connection names the worker that has it, and the others hand its requests on over a socket in the file system.
import { randomBytes } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  request as send,
} from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { type Duplex, pipeline } from 'node:stream';

export interface WorkerPlace {
  /** Of this worker; another one that takes its place has another. */
  id: number;
  /** Which only the server's own account may enter. */
  directory: string;
}

export interface RelayedListeners {
  onRequest: RequestListener;
  onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

const SID = /^w([1-9]\d{0,8})-/;
const ID_BYTES = 18;

function addressOf({ directory }: WorkerPlace, id: number): string {
  return process.platform === 'win32'
    ? `\\\\.\\pipe\\${path.basename(directory)}-${id}`
    : path.join(directory, `${id}.sock`);
}

/** As Engine.IO answers for a connection that it does not know: the client then starts a new one. */
const GONE = JSON.stringify({ code: 1, message: 'Session ID unknown' });

function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2)
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** What an answer says of the connection between the workers is not for the client. */
function endToEnd({
  connection: _connection,
  'keep-alive': _keepAlive,
  'transfer-encoding': _encoding,
  ...headers
}: IncomingHttpHeaders): IncomingHttpHeaders {
  return headers;
}

export class WorkerRelay {
  readonly #place: WorkerPlace;
  readonly #server: Server;

  constructor(place: WorkerPlace) {
    this.#place = place;
    this.#server = createServer();
  }

  /** A new connection's id: of this worker, and not to be guessed. */
  newId(): string {
    return `w${this.#place.id}-${randomBytes(ID_BYTES).toString('base64url')}`;
  }

  /** What the other workers hand on goes to these. */
  serve({ onRequest, onUpgrade }: RelayedListeners): void {
    this.#server.on('request', onRequest).on('upgrade', onUpgrade);
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      // Exclusive: not shared with the other workers, as their common port is.
      this.#server.listen({ path: addressOf(this.#place, this.#place.id), exclusive: true }, resolve);
    });
  }

  /** Hands a request on. @returns false when it is this worker's own. */
  takesRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const socketPath = this.#ownerOf(request);
    if (socketPath === undefined) return false;
    const { method, url: target } = request;
    // The other worker must not hang up first: Node writes once more after a body, and would take the broken connection
    // for the answer, which then lies unread in it.
    const headers = { ...request.headers, connection: 'keep-alive' };
    const relayed = send({ socketPath, method, path: target, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
      pipeline(answer, response, () => {});
    });
    relayed.on('error', () => {
      if (response.headersSent) return response.destroy();
      response.writeHead(400, { 'content-type': 'application/json' }).end(GONE);
    });
    response.once('close', () => relayed.destroy());
    request.pipe(relayed);
    return true;
  }

  /** Hands an upgrade on. @returns false when it is this worker's own. */
  takesUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const socketPath = this.#ownerOf(request);
    if (socketPath === undefined) return false;
    const relayed = connect(socketPath);
    const end = () => {
      relayed.destroy();
      socket.destroy();
    };
    relayed.on('error', end).once('close', end);
    socket.on('error', end).once('close', end);
    relayed.write(headOf(request));
    relayed.write(head);
    relayed.pipe(socket).pipe(relayed);
    return true;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** The address of the other worker whose connection the request names. */
  #ownerOf({ url }: IncomingMessage): string | undefined {
    const sid = new URLSearchParams(url?.split('?')[1]).get('sid');
    const id = Number(SID.exec(sid ?? '')?.[1] ?? this.#place.id);
    return id === this.#place.id ? undefined : addressOf(this.#place, id);
  }
}
