// A statement on its way: the driver's own query, sent in one piece and without asking again what its rows look like.
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import pg from 'pg';
import { serialize } from 'pg-protocol';
import type { Statement } from './statement.ts';
import { jsonOf, parserOf, type Value, wireValue } from './values.ts';

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

interface Column extends Field {
  parse: (text: string) => unknown;
  /** `"name":` */
  jsonKey: string;
  json: (text: string) => string;
}
type Fields = readonly (string | null)[];
/** Makes of the texts of a row what is wanted of it. */
export type RowForm<Row> = (columns: readonly Column[], fields: Fields) => Row;
type Settle<Row> = (error: Error | null, rows?: Row[]) => void;

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
function gather(stream: Duplex): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

class StatementQuery<Row> extends (pg.Query as unknown as DriverQueryClass) {
  /** The driver wraps it, and calls it to say that a query failed or was given up. */
  callback: Settle<Row>;
  readonly #form: RowForm<Row>;
  readonly #rows: Row[] = [];
  #connection: DriverConnection | undefined;
  #columns: Column[] | undefined;
  #fault: Error | undefined;

  constructor({ name, text }: Sendable, values: readonly Value[], form: RowForm<Row>, settle: Settle<Row>) {
    super(text);
    this.name = name;
    this.values = values;
    this.#form = form;
    this.callback = settle;
  }

  override submit(connection: DriverConnection): void {
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
    gather(connection.stream);
    connection.stream.write(Buffer.concat(messages));
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
    if (this.#fault) this.callback(this.#fault);
    else this.callback(null, this.#rows);
  }

  handleError(error: Error): void {
    this.callback(error);
  }
}

/** A command without values, as `begin` and `commit` are. */
class CommandQuery extends (pg.Query as unknown as DriverQueryClass) {
  callback: (error: Error | null, tag?: string) => void;
  #tag = '';

  constructor(text: string, settle: (error: Error | null, tag?: string) => void) {
    super(text);
    this.callback = settle;
  }

  override submit(connection: DriverConnection): void {
    gather(connection.stream);
    connection.stream.write(serialize.query(this.text));
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#tag = text;
  }

  handleReadyForQuery(): void {
    this.callback(null, this.#tag);
  }

  handleError(error: Error): void {
    this.callback(error);
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
    const settle: Settle<Row> = (error, rows) => (error ? reject(error) : resolve(rows ?? []));
    client.query(new StatementQuery(statement, values, form, settle) as unknown as pg.Submittable);
  });
}
