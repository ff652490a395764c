// A statement on its way: the driver's own query, sent in one piece and without asking again what its rows look like.
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import pg from 'pg';
import { serialize } from 'pg-protocol';
import type { RowMessage } from './connection.ts';
import { type Column, columnsOf, type Rows } from './rows.ts';
import { answered, asked } from './silence.ts';
import type { Statement } from './statement.ts';
import { type Value, wireValue } from './values.ts';

/** What the driver's query and connection are beyond their published types. */
interface DriverConnection extends EventEmitter {
  readonly stream: Duplex;
  readonly submittedNamedStatements: Record<string, string>;
}
type Settle<Result> = (error: Error | null, result?: Result) => void;
const DRIVER_CALLBACK = () => {};

const DESCRIBE = serialize.describe({ type: 'P' });
const EXECUTE = serialize.execute({});
const SYNC = serialize.sync();

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

/** One statement on its way, and what becomes of its rows. */
class Sent<Result> {
  readonly name: string;
  readonly text: string;
  readonly #values: readonly Value[];
  readonly #rows: Rows<Result>;
  #described: Map<string, Column[]> | undefined;
  #columns: Column[] | undefined;

  constructor({ name, text }: Sendable, values: readonly Value[], rows: Rows<Result>) {
    this.name = name;
    this.text = text;
    this.#values = values;
    this.#rows = rows;
  }

  /** To prepare it, where `isParsed` does not say that it is, and to run it. */
  messages(connection: DriverConnection, isParsed: boolean): Buffer[] {
    const { name, text } = this;
    const messages = [];
    if (!isParsed) messages.push(serialize.parse({ name, text }));
    if (!isParsed && name !== '') connection.submittedNamedStatements[name] = text;
    messages.push(serialize.bind({ statement: name, values: this.#values.map(wireValue) }));
    this.#described = columnsOn(connection);
    this.#columns = this.#described.get(name);
    if (!this.#columns) messages.push(DESCRIBE);
    messages.push(EXECUTE);
    return messages;
  }

  describe(columns: Column[]): void {
    this.#columns = columns;
    if (this.name !== '') this.#described?.set(this.name, columns);
  }

  take(row: RowMessage): void {
    this.#rows.take(this.#columns ?? [], row);
  }

  get result(): Result {
    return this.#rows.result;
  }
}

/** Statements that are sent in one piece: outside a transaction they are one by themselves, committed before any is answered. */
class StatementsQuery<Results extends unknown[]> extends WatchedQuery<Results> {
  #statements: Sent<unknown>[];
  /** The one that is being answered. */
  #current = 0;
  #fault: Error | undefined;

  constructor(statements: Sent<unknown>[], settle: Settle<Results>) {
    super(settle);
    this.#statements = statements;
  }

  /** The driver keeps account of what is prepared by asking whose answer it reads, and before by `hasBeenParsed`. */
  get name(): string | undefined {
    return this.#statements[this.#current]?.name;
  }

  get text(): string | undefined {
    return this.#statements[this.#current]?.text;
  }

  get current(): number {
    return this.#current;
  }

  submit(connection: DriverConnection): void {
    const messages = [];
    for (this.#current = 0; this.#current < this.#statements.length; this.#current++) {
      const statement = this.#statements[this.#current] as Sent<unknown>;
      messages.push(...statement.messages(connection, this.hasBeenParsed(connection)));
    }
    this.#current = 0;
    messages.push(SYNC);
    this.send(connection, Buffer.concat(messages));
  }

  handleRowDescription({ fields }: { fields: Parameters<typeof columnsOf>[0] }): void {
    this.#statements[this.#current]?.describe(columnsOf(fields));
  }

  handleDataRow(row: RowMessage): void {
    try {
      this.#statements[this.#current]?.take(row);
    } catch (error) {
      this.#fault = error as Error;
    }
  }

  handleCommandComplete(): void {
    this.#current++;
  }

  handleReadyForQuery(): void {
    const results = this.#statements.map(({ result }) => result) as Results;
    this.#statements = [];
    if (this.#fault) this.settle(this.#fault);
    else this.settle(null, results);
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

/** A statement with its values, and what becomes of its rows. */
export interface Sending<Result> {
  statement: Sendable;
  values: readonly Value[];
  rows: Rows<Result>;
}

/** The first that failed of statements sent together, for which all have. */
export class FailedTogether extends Error {
  /** Its place among them; behind them all where each had been run. */
  readonly place: number;

  constructor(place: number, cause: Error) {
    super(undefined, { cause });
    this.place = place;
  }
}

/**
 * Sends statements that are one transaction, or parts of one that has begun.
 * @throws FailedTogether
 */
export function sendTogether(
  client: pg.ClientBase,
  sendings: readonly Sending<unknown>[],
): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const sent = sendings.map(({ statement, values, rows }) => new Sent(statement, values, rows));
    const query = new StatementsQuery<unknown[]>(sent, (error, results = []) =>
      error ? reject(new FailedTogether(query.current, error)) : resolve(results),
    );
    client.query(query as unknown as pg.Submittable);
  });
}

/**
 * Sends a statement; those sent before it on the same connection are answered first.
 * @param rows what becomes of its rows.
 */
export function sendStatement<Result>(
  client: pg.ClientBase,
  statement: Sendable,
  values: readonly Value[],
  rows: Rows<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const settle: Settle<[Result]> = (error, results) =>
      error ? reject(error) : resolve((results as [Result])[0]);
    const sent = [new Sent(statement, values, rows)];
    client.query(new StatementsQuery(sent, settle) as unknown as pg.Submittable);
  });
}
