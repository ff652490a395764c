// A statement on its way: the driver's own query, sent in one piece and without asking again what its rows look like.
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import pg from 'pg';
import { serialize } from 'pg-protocol';
import { answered, asked } from './silence.ts';
import type { Statement } from './statement.ts';
import { jsonOf, parserOf, type Value, wireValue } from './values.ts';

/** What the driver's query and connection are beyond their published types. */
interface DriverConnection extends EventEmitter {
  readonly stream: Duplex;
  readonly submittedNamedStatements: Record<string, string>;
}
interface Field {
  name: string;
  dataTypeID: number;
}

interface Column extends Field {
  parse: (text: string) => unknown;
  /** `"name":` */
  jsonKey: string;
  json: (text: string) => string;
}
type Fields = readonly (string | null)[];
/** Makes of the texts of a row what is wanted of it. */
export type RowForm<Row> = (columns: readonly Column[], fields: Fields) => Row;
type Settle<Result> = (error: Error | null, result?: Result) => void;
const DRIVER_CALLBACK = () => {};

/** A row as an object. */
export function asObject<Row>(columns: readonly Column[], fields: Fields): Row {
  const row: Record<string, unknown> = {};
  for (let index = 0; index < columns.length; index++) {
    const { name, parse } = columns[index] as Column;
    const text = fields[index] ?? null;
    row[name] = text === null ? null : parse(text);
  }
  return row as Row;
}

/** A row as the JSON of that object: what is only passed on need not be taken apart and put together. */
export function asJson(columns: readonly Column[], fields: Fields): string {
  let members = '';
  for (let index = 0; index < columns.length; index++) {
    const { jsonKey, json } = columns[index] as Column;
    const text = fields[index] ?? null;
    members += `${index === 0 ? '' : ','}${jsonKey}${text === null ? 'null' : json(text)}`;
  }
  return `{${members}}`;
}

const DESCRIBE = serialize.describe({ type: 'P' });
const EXECUTE_AND_SYNC = Buffer.concat([serialize.execute({}), serialize.sync()]);

/** The columns of the named statements that a connection has described; of another connection they may be others. */
const described = new WeakMap<DriverConnection, Map<string, Column[]>>();

function columnsOn(connection: DriverConnection): Map<string, Column[]> {
  const known = described.get(connection) ?? new Map<string, Column[]>();
  described.set(connection, known);
  return known;
}

/** What is written before the event loop goes on leaves in one piece. */
function write(stream: Duplex, message: Buffer): void {
  if (stream.writableCorked === 0) {
    stream.cork();
    process.nextTick(() => stream.uncork());
  }
  stream.write(message);
}

/** A query as the driver handles one, watched from the moment it is sent until it is settled. */
abstract class WatchedQuery<Result> {
  /** The driver wants one. It calls the methods below. */
  readonly callback = DRIVER_CALLBACK;
  /** The driver's own. */
  declare readonly hasBeenParsed: (connection: DriverConnection) => boolean;
  #settle: Settle<Result> | undefined;
  #stream: Duplex | undefined;

  constructor(settle: Settle<Result>) {
    this.#settle = settle;
  }

  protected send({ stream }: DriverConnection, message: Buffer): void {
    this.#stream = stream;
    asked(stream);
    write(stream, message);
  }

  /** Once, and then it holds on to nothing: a query that has grown old would keep its rows in memory, and those of the next. */
  protected settle(error: Error | null, result?: Result): void {
    const settle = this.#settle;
    if (this.#stream) answered(this.#stream);
    this.#settle = undefined;
    this.#stream = undefined;
    settle?.(error, result);
  }

  handleError(error: Error): void {
    this.settle(error);
  }
}
// The driver takes none but its own class, of which only this is needed: its constructor makes what costs more than the query.
Object.setPrototypeOf(WatchedQuery.prototype, pg.Query.prototype);

class StatementQuery<Row> extends WatchedQuery<Row[]> {
  readonly name: string;
  readonly text: string;
  readonly values: readonly Value[];
  readonly #form: RowForm<Row>;
  #rows: Row[] = [];
  #connection: DriverConnection | undefined;
  #columns: Column[] | undefined;
  #fault: Error | undefined;

  constructor({ name, text }: Sendable, values: readonly Value[], form: RowForm<Row>, settle: Settle<Row[]>) {
    super(settle);
    this.name = name;
    this.text = text;
    this.values = values;
    this.#form = form;
  }

  submit(connection: DriverConnection): void {
    const { name, text, values } = this;
    this.#connection = connection;
    this.#columns = columnsOn(connection).get(name);
    const messages = [];
    if (!this.hasBeenParsed(connection)) {
      messages.push(serialize.parse({ name, text }));
      if (name !== '') connection.submittedNamedStatements[name] = text;
    }
    messages.push(serialize.bind({ statement: name, values: values.map(wireValue) }));
    if (!this.#columns) messages.push(DESCRIBE);
    messages.push(EXECUTE_AND_SYNC);
    this.send(connection, Buffer.concat(messages));
  }

  handleRowDescription({ fields }: { fields: Field[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({
      name,
      dataTypeID,
      parse: parserOf(dataTypeID),
      jsonKey: `${JSON.stringify(name)}:`,
      json: jsonOf(dataTypeID),
    }));
    if (this.#connection && this.name !== '') columnsOn(this.#connection).set(this.name, this.#columns);
  }

  handleDataRow({ fields }: { fields: Fields }): void {
    try {
      this.#rows.push(this.#form(this.#columns ?? [], fields));
    } catch (error) {
      this.#fault = error as Error;
    }
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    const rows = this.#rows;
    this.#rows = [];
    if (this.#fault) this.settle(this.#fault);
    else this.settle(null, rows);
  }
}

/** A command without values, as `begin` and `commit` are. */
class CommandQuery extends WatchedQuery<string> {
  readonly text: string;
  #tag = '';

  constructor(text: string, settle: Settle<string>) {
    super(settle);
    this.text = text;
  }

  submit(connection: DriverConnection): void {
    this.send(connection, serialize.query(this.text));
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#tag = text;
  }

  handleReadyForQuery(): void {
    this.settle(null, this.#tag);
  }
}

/** Sends a command, or several with semicolons between. @returns what the last one did, as `COMMIT`. */
export function sendCommand(client: pg.ClientBase, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null, tag?: string) => (error ? reject(error) : resolve(tag ?? ''));
    client.query(new CommandQuery(text, settle) as unknown as pg.Submittable);
  });
}

/** A statement with its name, or without one: then it is planned for these values alone. */
export type Sendable = Pick<Statement<unknown>, 'name' | 'text'>;

/** Sends a statement; those sent before it on the same connection are answered first. */
export function sendStatement<Row>(
  client: pg.ClientBase,
  statement: Sendable,
  values: readonly Value[],
  form: RowForm<Row>,
): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    const settle: Settle<Row[]> = (error, rows) => (error ? reject(error) : resolve(rows ?? []));
    client.query(new StatementQuery(statement, values, form, settle) as unknown as pg.Submittable);
  });
}
