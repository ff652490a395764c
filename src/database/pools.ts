// How many connections there are, what each of them is for, and the settings that they have.
import type pg from 'pg';
import { statementPool } from './connection.ts';
import { codeOf } from './failure.ts';
import { Lanes } from './lanes.ts';
import { SharedCommits } from './shared-commits.ts';

export interface DatabaseOptions {
  connection: pg.PoolConfig;
  /** `transaction` behind a pooler that cannot hold prepared statements or session settings. */
  poolMode: 'session' | 'transaction';
  poolSize: number;
  /** False where each statement is to have a connection for itself. */
  shared?: boolean;
  log: (level: 'warn' | 'error', message: string) => void;
}

// Milliseconds. A statement that takes longer than this serves nobody any more.
const STATEMENT_TIMEOUT = 15_000;
const LOCK_TIMEOUT = 8_000;
const IDLE_IN_TRANSACTION_TIMEOUT = 10_000;
// The client's own limit, for a server that does not answer at all.
const QUERY_TIMEOUT = 20_000;
const CONNECT_TIMEOUT = 8_000;
// Below the five minutes after which hosted databases suspend or drop idle connections.
const IDLE_CONNECTION_TIMEOUT = 60_000;
const CONNECTION_LIFETIME_SECONDS = 1_800;
// Said aloud, since a server may have another default: each statement must see what the lock before it has waited for.
const ISOLATION = "default_transaction_isolation = 'read committed'";
/**
 * The plan of a named reader suits all values: left to itself, PostgreSQL plans again where it does not know a limit.
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
const LANES = 3;
/** Connections for writes that several users share: while one of them commits, the other gathers. */
const COMMITTERS = 2;
/** Milliseconds. Whoever waits longer for a lock does so where nobody else has to. */
const SHARED_LOCK_TIMEOUT = 50;
/**
 * One plan suits all groups, however many write in one, and it is to look up by indexes: of a table that was empty when it was last counted
 * the planner thinks that to read all of it costs nothing, and would do so for every write until it is counted anew.
 */
export const SHARED_COMMIT: readonly string[] = [
  ISOLATION,
  'plan_cache_mode = force_generic_plan',
  'enable_seqscan = off',
  'enable_hashjoin = off',
  'enable_mergejoin = off',
  'enable_material = off',
  'random_page_cost = 0.1',
  `lock_timeout = ${SHARED_LOCK_TIMEOUT}`,
];

const SESSION_SETTINGS = {
  statement_timeout: STATEMENT_TIMEOUT,
  lock_timeout: LOCK_TIMEOUT,
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT,
};
/** The same for a transaction, where a session has no settings of its own. */
export const LOCAL_SETTINGS = Object.entries(SESSION_SETTINGS).map(
  ([name, milliseconds]) => `set local ${name} = ${milliseconds}`,
);

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

export interface Pools {
  /** For prepared reading statements. */
  lanes?: Lanes;
  /** For prepared writing statements that are a transaction by themselves. */
  commits?: SharedCommits;
  /** For all that takes a connection for itself. */
  rest: pg.Pool;
}

/** Shares out the connections. The first two are for prepared statements: absent behind a pooler that holds none, or where there are too few. */
export function openPools(options: DatabaseOptions): Pools {
  const { poolSize, poolMode, log, shared = true } = options;
  const open = (size: number, setting: string) => {
    const pool = statementPool({
      ...poolConfig(options, size),
      query_timeout: 0, // silence.ts watches
    });
    surviveLostConnections(pool, log);
    if (poolMode === 'session')
      pool.on('connect', (client) => client.query(`set ${setting}`).catch(() => {}));
    return pool;
  };
  if (poolMode !== 'session' || !shared) return { rest: open(poolSize, ISOLATION) };
  const lanes = Math.min(LANES, Math.floor(poolSize / 2));
  // Of those left, most are for the rest: a listing may be slow there, and transactions must not have to wait for it.
  const committers = Math.min(COMMITTERS, Math.floor((poolSize - lanes) / 3));
  return {
    ...(lanes > 0 && { lanes: new Lanes(open(lanes, LANE)) }),
    ...(committers > 0 && { commits: new SharedCommits(open(committers, SHARED_COMMIT.join('; set '))) }),
    rest: open(poolSize - lanes - committers, ISOLATION),
  };
}
