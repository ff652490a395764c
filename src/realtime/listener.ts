// The connection that hears PostgreSQL's notifications, opened again whenever it is lost.
import pg, { type ClientConfig } from 'pg';
import { CHANGES_CHANNEL, SESSION_ENDS_CHANNEL } from './repository.ts';

export interface ListenerOptions {
  /** A direct connection: a pooler in transaction mode hears nothing. */
  connection: ClientConfig;
  onChanges: (payload: string) => void;
  onSessionEnd: (sessionId: string) => void;
  /** After each (re)connection: whatever was notified before has been missed. */
  onListening: () => void;
  warn: (message: string) => void;
}

// Milliseconds.
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5_000;
/** A connection that died without a word is found out by asking. */
const PROBE_INTERVAL = 10_000;
const PROBE_TIMEOUT = 5_000;

export class Listener {
  readonly #options: ListenerOptions;
  #client: pg.Client | undefined;
  #pause = FIRST_PAUSE;
  #retry: NodeJS.Timeout | undefined;
  #probe: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Whether notifications are being heard right now. */
  get isListening(): boolean {
    return this.#client !== undefined;
  }

  /** Never throws: until it succeeds, the sweeper does the work. */
  async start(): Promise<void> {
    const client = new pg.Client({
      ...this.#options.connection,
      keepAlive: true,
      connectionTimeoutMillis: PROBE_TIMEOUT,
      query_timeout: PROBE_TIMEOUT,
      application_name: 'donewell-listener',
    });
    client.on('error', () => {}); // 'end' follows
    client.on('end', () => this.#lost(client));
    client.on('notification', ({ channel, payload = '' }) => {
      if (channel === CHANGES_CHANNEL) this.#options.onChanges(payload);
      if (channel === SESSION_ENDS_CHANNEL) this.#options.onSessionEnd(payload);
    });
    try {
      await client.connect();
      await client.query(`listen ${CHANGES_CHANNEL}; listen ${SESSION_ENDS_CHANNEL}`);
    } catch {
      // Not waited for: to a server that never answered there is no goodbye.
      client.end().catch(() => {});
      this.#retryLater();
      return;
    }
    if (this.#closed) return client.end().catch(() => {});
    this.#client = client;
    this.#pause = FIRST_PAUSE;
    this.#probe = setInterval(
      () => void client.query('select 1').catch(() => client.end().catch(() => {})),
      PROBE_INTERVAL,
    );
    this.#options.onListening();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#probe);
    await this.#client?.end().catch(() => {});
  }

  #lost(client: pg.Client): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    clearInterval(this.#probe);
    if (this.#closed) return;
    this.#options.warn(
      'The listener has lost its connection; changes of other nodes are found by sweeping meanwhile.',
    );
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.start(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }
}
