// The connections: reads go to any of them; writes happen only inside `transaction`, the one way to change anything.
import pg from 'pg';
import { statementPool } from './connection.ts';
import { codeOf, databaseError, isDatabaseAway, isRetryable, overloaded, translate } from './failure.ts';
import { Lanes } from './lanes.ts';
import { JsonRows, ObjectRows, type Rows } from './rows.ts';
import type { ReadStatement, Statement, WriteStatement } from './statement.ts';
import { type Sendable, sendCommand, sendStatement } from './statement-query.ts';
import type { Value } from './values.ts';

export interface DatabaseOptions {
  connection: pg.PoolConfig;
  /** `transaction` behind a pooler that cannot hold prepared statements or session settings. */
  poolMode: 'session' | 'transaction';
  poolSize: number;
  /** Connections of these that are for prepared readers; by default a few. */
  lanes?: number;
  log: (level: 'warn' | 'error', message: string) => void;
}

// Milliseconds. A statement that takes longer than this serves nobody any more.
const STATEMENT_TIMEOUT = 15_000;
const LOCK_TIMEOUT = 8_000;
const IDLE_IN_TRANSACTION_TIMEOUT = 10_000;
/** In a snapshot whose reader may be slow. */
const PATIENT_IDLE_TIMEOUT = 60_000;
// The client's own limit, for a server that does not answer at all.
const QUERY_TIMEOUT = 20_000;
const CONNECT_TIMEOUT = 8_000;
// Below the five minutes after which hosted databases suspend or drop idle connections.
const IDLE_CONNECTION_TIMEOUT = 60_000;
const CONNECTION_LIFETIME_SECONDS = 1_800;
/** Requests that may wait for a connection; more than that are better told so at once. */
const MAXIMUM_WAITING = 2_000;
const ATTEMPTS = 4;
// Said aloud, since a server may have another default: each statement must see what the lock before it has waited for.
const ISOLATION = "default_transaction_isolation = 'read committed'";
/**
 * What reads by an index takes milliseconds; those behind one that does not must not wait for it much longer. And by an
 * index it is to be: the planner, which takes every list of keys for ten of them, would read a table of some thousand
 * rows, as that of users, from end to end.
 */
const LANE = [
  'plan_cache_mode = force_generic_plan',
  'enable_seqscan = off',
  'enable_bitmapscan = off',
  'statement_timeout = 5000',
].join('; set ');
/** Connections for prepared readers, of those that a process may open. */
const LANES = 3;

const SESSION_SETTINGS = {
  statement_timeout: STATEMENT_TIMEOUT,
  lock_timeout: LOCK_TIMEOUT,
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT,
};
const LOCAL_SETTINGS = Object.entries(SESSION_SETTINGS)
  .map(([name, milliseconds]) => `set local ${name} = ${milliseconds}`)
  .join('; ');

/** The common settings of every pool, ours and Better Auth's. */
export function poolConfig(options: DatabaseOptions, size: number): pg.PoolConfig {
  return {
    ...options.connection,
    ...(options.poolMode === 'session' ? SESSION_SETTINGS : {}),
    max: size,
    query_timeout: QUERY_TIMEOUT,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    idleTimeoutMillis: IDLE_CONNECTION_TIMEOUT,
    maxLifetimeSeconds: CONNECTION_LIFETIME_SECONDS,
    keepAlive: true,
    application_name: 'donewell',
  };
}

/**
 * Without listeners a connection that breaks would end the process: one that lies idle by the pool's `error`, one that
 * is in use by its own. Whoever uses it learns of it by the failure of the statement.
 */
export function surviveLostConnections(pool: pg.Pool, log: DatabaseOptions['log']): void {
  pool.on('error', (error) => {
    // Of a pool that is being closed it is what was asked for.
    if (!pool.ending) log('warn', `An idle database connection was lost (${codeOf(error) || 'closed'}).`);
  });
  pool.on('connect', (client) => client.on('error', () => {}));
}

/** A transaction in progress. */
export interface Transaction {
  /** Runs a statement and waits for its rows. */
  query<Row>(statement: ReadStatement<Row> | WriteStatement<Row>, values: readonly Value[]): Promise<Row[]>;
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
  readonly #queued: Promise<unknown>[] = [];
  readonly #afterwards: (() => void)[] = [];

  constructor(client: pg.PoolClient, prepare: boolean) {
    this.#client = client;
    this.#prepare = prepare;
  }

  /** Statements without rows are sent and awaited together with the commit: the connection is pipelined. */
  send(text: string): void {
    this.#keep(sendCommand(this.#client, text));
  }

  query<Row>(statement: Statement<Row>, values: readonly Value[]): Promise<Row[]> {
    return sendStatement(this.#client, this.#named(statement), values, new ObjectRows<Row>());
  }

  queryJson(statement: ReadStatement<unknown>, values: readonly Value[]): Promise<JsonRows> {
    return sendStatement(this.#client, this.#named(statement), values, new JsonRows());
  }

  queue(statement: WriteStatement<unknown>, values: readonly Value[]): void {
    this.#keep(this.query(statement, values));
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
    const committed = sendCommand(this.#client, 'commit');
    committed.catch(() => {});
    await this.settle();
    // PostgreSQL answers the commit of a failed transaction with ROLLBACK, not with an error.
    const command = await committed;
    if (command !== 'COMMIT') throw new Error(`The transaction ended with ${command}`);
    for (const run of this.#afterwards) run();
  }
}

function unnamed({ text }: Statement<unknown>): Sendable {
  return { name: '', text };
}

export class Database {
  /** Without prepared statements there are none. */
  readonly #lanes: Lanes | undefined;
  readonly #pool: pg.Pool;
  readonly #prepare: boolean;
  readonly #begin: string;
  readonly #beginSnapshot: string;
  readonly #beginPatientSnapshot: string;

  constructor(options: DatabaseOptions) {
    const session = options.poolMode === 'session';
    this.#prepare = session;
    const local = session ? '' : `; ${LOCAL_SETTINGS}`;
    this.#begin = `begin isolation level read committed${local}`;
    this.#beginSnapshot = `begin isolation level repeatable read read only${local}`;
    // A table that was filled a moment ago has no statistics yet: without an order from an index each page would sort all.
    this.#beginPatientSnapshot = `${this.#beginSnapshot}; set local enable_sort = off; set local idle_in_transaction_session_timeout = ${PATIENT_IDLE_TIMEOUT}`;
    const pool = (size: number, setting: string) => {
      const made = statementPool({
        ...poolConfig(options, size),
        query_timeout: 0, // silence.ts watches
      });
      surviveLostConnections(made, options.log);
      if (session) made.on('connect', (client) => client.query(`set ${setting}`).catch(() => {}));
      return made;
    };
    const { lanes: wanted = LANES } = options;
    const lanes = session ? Math.min(wanted, Math.floor(options.poolSize / 2)) : 0;
    // The plan of a named reader suits all values: left to itself, PostgreSQL plans again where it does not know a limit.
    if (lanes > 0) this.#lanes = new Lanes(pool(lanes, LANE));
    this.#pool = pool(options.poolSize - lanes, ISOLATION);
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
          sendCommand(client, this.#beginSnapshot),
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
    return repeated(() =>
      this.#alone(statement, values, new ObjectRows<Row>()).catch((error: unknown) => {
        throw translate(traced(error));
      }),
    );
  }

  async #attempt<Result>(begin: string, run: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    const client = await this.#connect();
    const transaction = new OpenTransaction(client, this.#prepare);
    try {
      transaction.send(begin);
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
    await Promise.all([this.#lanes?.close(), this.#pool.end()]);
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

/** An error of the server knows the parser that read it; who asked says more. */
function traced(error: unknown): unknown {
  if (error instanceof pg.DatabaseError) Error.captureStackTrace(error);
  return error;
}

function isStaleConnection(error: unknown): boolean {
  const message = error instanceof Error ? error.message : '';
  return (
    /^(57P01|ECONNRESET|EPIPE)$/.test(codeOf(error)) || /Connection terminated|not queryable/.test(message)
  );
}
