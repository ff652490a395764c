// A network that can fail: a TCP proxy in front of PostgreSQL that refuses, falls silent and comes back.
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ClientConfig } from 'pg';

export interface DatabaseProxy {
  /** The database as it is reached through the proxy. */
  readonly connection: ClientConfig;
  /** `postgres://` address of the same. */
  readonly url: string;
  /** Connections that are open now. */
  open(): number;
  /** How often something was sent after the answer to what was sent before, where a statement on tasks of this name has gone. */
  roundTrips(statement: `task_${string}`): number;
  /** Until it is called again without, `text` arrives as `by` wherever it is sent: as long, with blanks behind. */
  falsify(text?: string, by?: string): void;
  /** Ends what is open; new connections are refused. */
  refuse(): Promise<void>;
  /** Nothing is lost, nothing arrives: open connections fall silent, new ones are taken and not answered. */
  hang(): void;
  /** As at the beginning; what hung goes on. */
  resume(): Promise<void>;
  /** Ends what is open; new connections work. */
  cut(): void;
  close(): Promise<void>;
}

interface Target {
  user: string;
  password: string;
  database: string;
  dial: () => Socket;
}

function targetOf(config: ClientConfig): Target {
  if (config.connectionString !== undefined) {
    const url = new URL(config.connectionString);
    return {
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: url.pathname.slice(1),
      dial: () => connect(Number(url.port || 5432), url.hostname),
    };
  }
  const { host = 'localhost', port = 5432, user = '', password = '', database = '' } = config;
  const dial = () => (host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host));
  return { user, password: String(password), database, dial };
}

/** What has gone over a connection. */
class Traffic {
  readonly #statements = new Set<string>();
  #roundTrips = 0;
  #answered = true;

  send(bytes: Buffer): void {
    if (this.#answered) this.#roundTrips++;
    this.#answered = false;
    for (const [name] of bytes.toString('latin1').matchAll(/task_[a-z_]+/g)) this.#statements.add(name);
  }

  answer(): void {
    this.#answered = true;
  }

  roundTrips(statement: string): number {
    return this.#statements.has(statement) ? this.#roundTrips : 0;
  }
}

class FaultyProxy implements DatabaseProxy {
  readonly #target: Target;
  readonly #server: Server;
  readonly #pairs = new Set<Socket[]>();
  readonly #waiting: (() => void)[] = [];
  readonly #traffic: Traffic[] = [];
  #port = 0;
  #hanging = false;
  #falsify = (bytes: Buffer) => bytes;

  constructor(target: Target) {
    this.#target = target;
    this.#server = createServer((client) => this.#take(client));
  }

  get connection(): ClientConfig {
    const { user, password, database } = this.#target;
    return { host: '127.0.0.1', port: this.#port, user, password, database };
  }

  get url(): string {
    const { user, password, database } = this.#target;
    return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${this.#port}/${database}`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (typeof address === 'object' && address) this.#port = address.port;
  }

  open(): number {
    return this.#pairs.size;
  }

  roundTrips(statement: string): number {
    return this.#traffic.reduce((sum, traffic) => sum + traffic.roundTrips(statement), 0);
  }

  falsify(text?: string, by = ''): void {
    this.#falsify = (bytes) => {
      const place = text === undefined ? -1 : bytes.indexOf(text);
      if (text !== undefined && place >= 0) bytes.write(by.padEnd(text.length), place, 'latin1');
      return bytes;
    };
  }

  async refuse(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }

  hang(): void {
    this.#hanging = true;
    for (const socket of [...this.#pairs].flat()) socket.pause();
  }

  async resume(): Promise<void> {
    this.#hanging = false;
    for (const socket of [...this.#pairs].flat()) socket.resume();
    for (const start of this.#waiting.splice(0)) start();
    if (!this.#server.listening) await this.listen();
  }

  cut(): void {
    for (const socket of [...this.#pairs].flat()) socket.destroy();
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.refuse();
  }

  #take(client: Socket): void {
    const pair = [client];
    this.#pairs.add(pair);
    client.on('error', () => {});
    client.on('close', () => {
      this.#pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    });
    const start = () => {
      if (client.destroyed) return;
      const server = this.#target.dial();
      pair.push(server);
      server.on('error', () => {});
      server.on('close', () => client.destroy());
      const traffic = new Traffic();
      this.#traffic.push(traffic);
      client.on('data', (bytes) => {
        traffic.send(bytes);
        server.write(this.#falsify(bytes));
      });
      server.on('data', (bytes) => {
        traffic.answer();
        client.write(bytes);
      });
    };
    if (this.#hanging) this.#waiting.push(start);
    else start();
  }
}

/** Starts one in front of a database. Close it when the test is done. */
export async function startProxy(database: ClientConfig): Promise<DatabaseProxy> {
  const proxy = new FaultyProxy(targetOf(database));
  await proxy.listen();
  return proxy;
}
