// What is read and written, over which connections, and what becomes of failures. A write is a transaction, or by itself one.
import pg from 'pg';
import {
  codeOf,
  databaseError,
  isDatabaseAway,
  isOutOfStep,
  isRetryable,
  overloaded,
  translate,
} from './failure.ts';
import type { Lanes } from './lanes.ts';
import { type DatabaseOptions, LOCAL_SETTINGS, openPools } from './pools.ts';
import { JsonRows, ObjectRows, type Rows } from './rows.ts';
import { type SharedCommits, UndoneTogether } from './shared-commits.ts';
import {
  type Owned,
  type ReadStatement,
  type Statement,
  valuesForEach,
  type WriteForEach,
  type WriteStatement,
} from './statement.ts';
import {
  FailedTogether,
  type Sendable,
  sendCommand,
  sendStatement,
  sendTogether,
} from './statement-query.ts';
import type { Value } from './values.ts';

/** Milliseconds, in a snapshot whose reader may be slow. */
const PATIENT_IDLE_TIMEOUT = 60_000;
/** Requests that may wait for a connection; more than that are better told so at once. */
const MAXIMUM_WAITING = 2_000;
const ATTEMPTS = 4;
const BEGIN_SNAPSHOT = 'begin isolation level repeatable read read only';

type AnyStatement<Row> = ReadStatement<Row> | WriteStatement<Row>;

/** A transaction in progress. */
export interface Transaction {
  /** Runs a statement and waits for its rows. */
  query<Row>(statement: AnyStatement<Row>, values: readonly Value[]): Promise<Row[]>;
  /** The same, each row as JSON. */
  queryJson(statement: ReadStatement<unknown>, values: readonly Value[]): Promise<JsonRows>;
  /** Sends a statement without waiting: its failure surfaces at the commit, which then does not happen. */
  queue(statement: WriteStatement<unknown>, values: readonly Value[]): void;
  /** Has `run` called once the transaction has been committed, and never if it is not. It must not throw. */
  afterCommit(run: () => void): void;
}

/** A reading statement with its values. */
export interface Asked<Row> {
  statement: ReadStatement<Row>;
  values: readonly Value[];
}

/** A transaction that only reads. */
export type Snapshot = Pick<Transaction, 'query' | 'queryJson'>;

class OpenTransaction implements Transaction {
  readonly #client: pg.PoolClient;
  readonly #prepare: boolean;
  readonly #begin: readonly string[];
  /** Settled when it is known whether the transaction has begun and its first statement has run. */
  #begun: Promise<unknown> | undefined;
  /** Something waits to know it: what comes now stays behind. */
  #isHeld = false;
  readonly #queued: Promise<unknown>[] = [];
  readonly #afterwards: (() => void)[] = [];

  /** @param begin the commands that begin it, sent in one piece with the first statement. */
  constructor(client: pg.PoolClient, prepare: boolean, begin: readonly string[]) {
    this.#client = client;
    this.#prepare = prepare;
    this.#begin = begin;
  }

  query<Row>(statement: AnyStatement<Row>, values: readonly Value[]): Promise<Row[]> {
    return this.#send(statement, values, new ObjectRows<Row>());
  }

  queryJson(statement: ReadStatement<unknown>, values: readonly Value[]): Promise<JsonRows> {
    return this.#send(statement, values, new JsonRows());
  }

  /** Statements without rows are sent and awaited together with the commit: the connection is pipelined. */
  queue(statement: WriteStatement<unknown>, values: readonly Value[]): void {
    this.#keep(this.query(statement, values));
  }

  /**
   * What writes waits until the transaction is known to have begun: where it has not, since that was cancelled, say, each
   * statement would be a transaction by itself, without the locks of those before. What only reads does no harm then.
   */
  #send<Result>(
    statement: AnyStatement<unknown>,
    values: readonly Value[],
    rows: Rows<Result>,
  ): Promise<Result> {
    if (!this.#begun) return this.#sendFirst(statement, values, rows);
    const send = () => sendStatement(this.#client, this.#named(statement), values, rows);
    if (statement.kind === 'read' && !this.#isHeld) return send();
    this.#isHeld = true;
    return this.#begun.then(send);
  }

  #sendFirst<Result>(
    statement: AnyStatement<unknown>,
    values: readonly Value[],
    rows: Rows<Result>,
  ): Promise<Result> {
    const begin = this.#begin.map((text) => ({ statement: { name: '', text }, values: [], rows: NO_ROWS }));
    const first = sendTogether(this.#client, [...begin, { statement: this.#named(statement), values, rows }]);
    const sent = first.then(
      (results) => results.at(-1) as Result,
      (error: unknown) => Promise.reject(error instanceof FailedTogether ? error.cause : error),
    );
    this.#begun = sent;
    this.#keep(sent);
    return sent;
  }

  #named(statement: Statement<unknown>): Sendable {
    return this.#prepare ? statement : unnamed(statement);
  }

  afterCommit(run: () => void): void {
    this.#afterwards.push(run);
  }

  #keep(sent: Promise<unknown>): void {
    sent.catch(() => {}); // reported by settle()
    this.#queued.push(sent);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#queued);
  }

  async commit(): Promise<void> {
    // Behind whatever has waited for the same.
    await this.#begun;
    const committed = sendCommand(this.#client, 'commit');
    committed.catch(() => {});
    await this.settle();
    // PostgreSQL answers the commit of a failed transaction with ROLLBACK, not with an error.
    const command = await committed;
    if (command !== 'COMMIT') throw new Error(`The transaction ended with ${command}`);
    for (const run of this.#afterwards) run();
  }
}

const NO_ROWS: Rows<undefined> = { take: () => {}, result: undefined };

function unnamed({ text }: Statement<unknown>): Sendable {
  return { name: '', text };
}

export class Database {
  /** Without prepared statements there are none. */
  readonly #lanes: Lanes | undefined;
  readonly #commits: SharedCommits | undefined;
  readonly #pool: pg.Pool;
  readonly #prepare: boolean;
  readonly #begin: readonly string[];
  readonly #beginSnapshot: readonly string[];
  readonly #beginPatientSnapshot: readonly string[];

  constructor(options: DatabaseOptions) {
    const session = options.poolMode === 'session';
    this.#prepare = session;
    const local = session ? [] : LOCAL_SETTINGS;
    this.#begin = ['begin isolation level read committed', ...local];
    this.#beginSnapshot = [BEGIN_SNAPSHOT, ...local];
    // A table that was filled a moment ago has no statistics yet: without an order from an index each page would sort all.
    this.#beginPatientSnapshot = [
      ...this.#beginSnapshot,
      'set local enable_sort = off',
      `set local idle_in_transaction_session_timeout = ${PATIENT_IDLE_TIMEOUT}`,
    ];
    const pools = openPools(options);
    this.#lanes = pools.lanes;
    this.#commits = pools.commits;
    this.#pool = pools.rest;
  }

  /** Runs one reading statement. @throws AppError `database_error` or `overloaded` (503) when it cannot. */
  read<Row>(statement: ReadStatement<Row>, values: readonly Value[]): Promise<Row[]> {
    return this.#read(statement, values, () => new ObjectRows<Row>());
  }

  /** The same, each row as the JSON of the object that `read` would make. */
  readJson(statement: ReadStatement<unknown>, values: readonly Value[]): Promise<JsonRows> {
    return this.#read(statement, values, () => new JsonRows());
  }

  /** Runs two named reading statements that see the same moment, in one round trip. */
  readTogether<One, Other>(one: Asked<One>, other: Asked<Other>): Promise<[One[], Other[]]> {
    const lanes = this.#lanes;
    if (!lanes)
      return this.snapshot((snapshot) =>
        Promise.all([
          snapshot.query(one.statement, one.values),
          snapshot.query(other.statement, other.values),
        ]),
      );
    return this.#again(() =>
      lanes.run(async (client) => {
        const [, first, second] = await Promise.all([
          sendCommand(client, BEGIN_SNAPSHOT),
          sendStatement(client, one.statement, one.values, new ObjectRows<One>()),
          sendStatement(client, other.statement, other.values, new ObjectRows<Other>()),
          sendCommand(client, 'commit'),
        ]);
        return [first, second];
      }),
    );
  }

  /** @param rows what becomes of the rows, at each attempt anew. */
  #read<Result>(
    statement: Statement<unknown>,
    values: readonly Value[],
    rows: () => Rows<Result>,
  ): Promise<Result> {
    const lanes = statement.name === '' ? undefined : this.#lanes;
    return this.#again(() =>
      lanes
        ? lanes.run((client) => sendStatement(client, statement, values, rows()))
        : this.#alone(statement, values, rows()),
    );
  }

  /** A read may simply be repeated: a connection that the server closed while it lay idle is nobody's business. */
  async #again<Result>(read: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await read();
      } catch (error) {
        if (attempt >= 2 || !isStaleConnection(error)) throw translate(traced(error));
      }
    }
  }

  async #alone<Result>(
    statement: Statement<unknown>,
    values: readonly Value[],
    rows: Rows<Result>,
  ): Promise<Result> {
    const client = await this.#connect();
    try {
      const result = await sendStatement(
        client,
        this.#prepare ? statement : unnamed(statement),
        values,
        rows,
      );
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /** Runs reading statements that all see the same moment. */
  async snapshot<Result>(run: (transaction: Snapshot) => Promise<Result>): Promise<Result> {
    return this.#attempt(this.#beginSnapshot, run);
  }

  /** The same where minutes may pass between the statements, since somebody reads along. `run` must bound them. */
  async patientSnapshot<Result>(
    run: (transaction: Pick<Transaction, 'query'>) => Promise<Result>,
  ): Promise<Result> {
    return this.#attempt(this.#beginPatientSnapshot, run);
  }

  /**
   * Runs `run` between BEGIN and COMMIT and returns its result after the commit. When `run` throws, everything it did
   * is undone. It may be run again after a deadlock, so it must have no effect outside the database.
   */
  transaction<Result>(run: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    return repeated(() => this.#attempt(this.#begin, run));
  }

  /** Runs one writing statement, which is a transaction by itself. It, too, may be run again after a deadlock. */
  write<Row>(statement: WriteStatement<Row>, values: readonly Value[]): Promise<Row[]> {
    // Where a session has no settings of its own, a transaction must carry them.
    if (!this.#prepare) return this.transaction((transaction) => transaction.query(statement, values));
    return repeated(() => this.#alone(statement, values, new ObjectRows<Row>()).catch(rethrow));
  }

  /**
   * Writes for one user, in a statement and a commit that others may share, which is far cheaper where many write. A user's next write
   * must wait until this has ended.
   * @returns the user's row, if there is one.
   */
  async writeTogether<Input extends Owned, Row extends Owned>(
    statement: WriteForEach<Input, Row>,
    input: Input,
  ): Promise<Row | undefined> {
    try {
      if (this.#commits) return await this.#commits.run(statement, input).catch(rethrow);
    } catch (error) {
      if (!(error instanceof UndoneTogether)) throw error;
    }
    const [row] = await this.write(statement, valuesForEach([input]));
    return row;
  }

  async #attempt<Result>(
    begin: readonly string[],
    run: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result> {
    const client = await this.#connect();
    const transaction = new OpenTransaction(client, this.#prepare, begin);
    try {
      const result = await run(transaction);
      await transaction.commit();
      client.release();
      return result;
    } catch (error) {
      throw await this.#undo(client, transaction, error);
    }
  }

  /** Ends a failed transaction and returns the error to throw: the first failed statement's, if there was one. */
  async #undo(client: pg.PoolClient, transaction: OpenTransaction, error: unknown): Promise<unknown> {
    try {
      await transaction.settle();
      await sendCommand(client, 'rollback');
      client.release();
      return translate(traced(error));
    } catch (earlier) {
      // The connection may be gone or out of step with its prepared statements: a new one is cheap.
      client.release(true);
      return translate(traced(earlier));
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    if (this.#pool.waitingCount >= MAXIMUM_WAITING) throw overloaded();
    const full = this.#pool.totalCount >= (this.#pool.options.max ?? 1);
    try {
      return await this.#pool.connect();
    } catch (error) {
      if (full && /timeout exceeded/.test((error as Error).message)) throw overloaded(error);
      throw isDatabaseAway(error) ? databaseError(error) : translate(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#lanes?.close(), this.#commits?.close(), this.#pool.end()]);
  }
}

/** Runs again what came to nothing by a deadlock. */
async function repeated<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= ATTEMPTS || !isRetryable(error instanceof Error ? (error.cause ?? error) : error))
        throw error;
    }
  }
}

function rethrow(error: unknown): never {
  throw translate(traced(error));
}

/** An error of the server knows the parser that read it; who asked says more. */
function traced(error: unknown): unknown {
  if (error instanceof pg.DatabaseError) Error.captureStackTrace(error);
  return error;
}

/** It was closed while it lay idle; or what came before on it has failed and left it out of step, as a lost preparation does. */
function isStaleConnection(error: unknown): boolean {
  const message = error instanceof Error ? error.message : '';
  return (
    /^(57P01|ECONNRESET|EPIPE)$/.test(codeOf(error)) ||
    isOutOfStep(error) ||
    /Connection terminated|not queryable/.test(message)
  );
}
