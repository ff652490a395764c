// A prepared statement on its way: the driver's own query, sent in one piece and without asking again what its rows look like.
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import pg from 'pg';
import { serialize } from 'pg-protocol';
import type { Statement } from './statement.ts';
import { parserOf, type Value, wireValue } from './values.ts';

/** What the driver's query and connection are beyond their published types. */
interface DriverConnection extends EventEmitter {
  readonly stream: Duplex;
  readonly submittedNamedStatements: Record<string, string>;
}
interface DriverQuery {
  name: string;
  text: string;
  values: readonly Value[];
  hasBeenParsed(connection: DriverConnection): boolean;
  submit(connection: DriverConnection): void;
}
type DriverQueryClass = new (text: string) => DriverQuery;
interface Field {
  name: string;
  dataTypeID: number;
}

interface Column {
  name: string;
  parse: ((text: string) => unknown) | undefined;
}
type Settle<Row> = (error: Error | null, rows?: Row[]) => void;

const DESCRIBE = serialize.describe({ type: 'P' });
const EXECUTE_AND_SYNC = Buffer.concat([serialize.execute({}), serialize.sync()]);

/** The columns of the statements that a connection has described; of another connection they may be others. */
const described = new WeakMap<DriverConnection, Map<string, Column[]>>();

function columnsOn(connection: DriverConnection): Map<string, Column[]> {
  const known = described.get(connection) ?? new Map<string, Column[]>();
  described.set(connection, known);
  return known;
}

/** What is written before the event loop goes on leaves in one piece. */
function gather(stream: Duplex): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

class PreparedQuery<Row> extends (pg.Query as unknown as DriverQueryClass) {
  /** The driver wraps it, and calls it to say that a query failed or was given up. */
  callback: Settle<Row>;
  readonly #rows: Row[] = [];
  #connection: DriverConnection | undefined;
  #columns: Column[] | undefined;
  #fault: Error | undefined;

  constructor({ name, text }: Statement<Row>, values: readonly Value[], settle: Settle<Row>) {
    super(text);
    this.name = name;
    this.values = values;
    this.callback = settle;
  }

  override submit(connection: DriverConnection): void {
    const { name, text, values } = this;
    this.#connection = connection;
    this.#columns = columnsOn(connection).get(name);
    const messages = [];
    if (!this.hasBeenParsed(connection)) {
      messages.push(serialize.parse({ name, text }));
      connection.submittedNamedStatements[name] = text;
    }
    messages.push(serialize.bind({ statement: name, values: values.map(wireValue) }));
    if (!this.#columns) messages.push(DESCRIBE);
    messages.push(EXECUTE_AND_SYNC);
    gather(connection.stream);
    connection.stream.write(Buffer.concat(messages));
  }

  handleRowDescription({ fields }: { fields: Field[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, parse: parserOf(dataTypeID) }));
    if (this.#connection) columnsOn(this.#connection).set(this.name, this.#columns);
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    const row: Record<string, unknown> = {};
    try {
      this.#columns?.forEach(({ name, parse }, index) => {
        const text = fields[index] ?? null;
        row[name] = text === null || parse === undefined ? text : parse(text);
      });
    } catch (error) {
      this.#fault = error as Error;
    }
    this.#rows.push(row as Row);
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    if (this.#fault) this.callback(this.#fault);
    else this.callback(null, this.#rows);
  }

  handleError(error: Error): void {
    this.callback(error);
  }
}

/** Sends a prepared statement; those sent before it on the same connection are answered first. */
export function sendPrepared<Row>(
  client: pg.ClientBase,
  statement: Statement<Row>,
  values: readonly Value[],
): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    const settle: Settle<Row> = (error, rows) => (error ? reject(error) : resolve(rows ?? []));
    client.query(new PreparedQuery(statement, values, settle) as unknown as pg.Submittable);
  });
}
