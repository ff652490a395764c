// Connections of the driver on which rows arrive as their bytes: who wants JSON of them need not make text of them first.
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import pg from 'pg';
import { Parser } from 'pg-protocol/dist/parser.js';

/** What the driver's parser and connection are beyond their published types. */
interface DriverParser {
  parse(chunk: Buffer, take: (message: { name: string }) => void): void;
  handlePacket(offset: number, code: number, length: number, bytes: Buffer): { name: string };
}
interface DriverConnection extends EventEmitter {
  attachListeners(stream: Duplex): void;
}
interface DriverClient {
  readonly connection: DriverConnection;
  /** Private to the driver, whose version is pinned. */
  _handleDataRow(message: { name: string }): void;
}

const DATA_ROW = 'D'.charCodeAt(0);
const NULL = -1;

/**
 * A row as it came. It must be used at once: the next one takes its place. A connection keeps the bytes of its last one in memory, until
 * others come.
 */
export class RowMessage {
  readonly name = 'dataRow';
  bytes: Buffer = Buffer.alloc(0);
  /** Of the length of the first field, which stands before the field; so it goes on. */
  start = 0;
  end = 0;

  at(bytes: Buffer, start: number, end: number): this {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return this;
  }

  /** As the driver's own message has them. */
  get fields(): (string | null)[] {
    const fields: (string | null)[] = [];
    for (let at = this.start; at < this.end; ) {
      const length = this.bytes.readInt32BE(at);
      const start = at + 4;
      at = start + Math.max(0, length);
      fields.push(length === NULL ? null : this.bytes.toString('utf8', start, at));
    }
    return fields;
  }
}

class RowParser extends (Parser as unknown as new () => DriverParser) {
  readonly #row = new RowMessage();

  override handlePacket(offset: number, code: number, length: number, bytes: Buffer): { name: string } {
    if (code !== DATA_ROW) return super.handlePacket(offset, code, length, bytes);
    // The length counts itself; the number of fields is known.
    return this.#row.at(bytes, offset + 2, offset + length - 4);
  }
}

/** The driver's client, except for how rows arrive. */
class RowClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    const driver = this as unknown as DriverClient;
    const { connection } = driver;
    connection.attachListeners = (stream) => {
      const parser = new RowParser();
      const take = (message: { name: string }) => {
        // As the client does at this event, which for each row would cost more than the row.
        if (message.name === 'dataRow') driver._handleDataRow(message);
        else connection.emit(message.name === 'error' ? 'errorMessage' : message.name, message);
      };
      stream.on('data', (chunk: Buffer) => parser.parse(chunk, take));
    };
  }
}

/** A pool of connections for `sendStatement`, which sends several statements before it waits for an answer. */
export function statementPool(config: pg.PoolConfig): pg.Pool {
  return new pg.Pool({ ...config, Client: RowClient, pipeline: true } as pg.PoolConfig);
}
