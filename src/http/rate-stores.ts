// Where rate limits are counted: in memory for one process; for several in PostgreSQL, or in Redis when there is one.
import pg from 'pg';
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRedis,
} from 'rate-limiter-flexible';
import { Database } from '../database/database.ts';
import { type DatabaseOptions, poolConfig, surviveLostConnections } from '../database/pools.ts';
import { onDemand } from '../on-demand.ts';
import { postgresCounter } from './rate-counter.ts';
import { type RateStore, RateWindow, type WindowOptions } from './rate-limit.ts';

const LIMITER_CONNECTIONS = 2;
const COUNTER_CONNECTIONS = 2;
/** Milliseconds until a silent Redis is given up for one request. */
const REDIS_TIMEOUT = 1_000;

function settingsOf({ name, points, duration }: WindowOptions) {
  return { keyPrefix: name, points, duration };
}

/** Counters of this process: exact as long as it is the only one. */
export function memoryRateStore(): RateStore {
  return {
    window: (options) => new RateWindow(options, new RateLimiterMemory(settingsOf(options))),
    close: async () => {},
  };
}

function postgresLimiters(database: DatabaseOptions) {
  const pool = new pg.Pool(poolConfig(database, LIMITER_CONNECTIONS));
  surviveLostConnections(pool, database.log);
  const prepare = database.poolMode === 'session';
  const client = {
    query: ({ name, ...query }: pg.QueryConfig) => pool.query(prepare && name ? { name, ...query } : query),
  };
  const table = { storeClient: client, tableName: 'rate_limit', tableCreated: true, storeType: 'pool' };
  const limiter = (options: WindowOptions): RateLimiterAbstract =>
    new RateLimiterPostgres({ ...table, ...settingsOf(options) });
  return { limiter, close: () => pool.end() };
}

/** Counters that all processes and nodes share. */
export function postgresRateStore(options: DatabaseOptions): RateStore {
  const { limiter, close } = postgresLimiters(options);
  // Connections of its own: when all others are busy, requests are still counted.
  const database = new Database({ ...options, poolSize: COUNTER_CONNECTIONS, shared: false });
  const window = (options: WindowOptions) =>
    new RateWindow(options, limiter(options), postgresCounter(database, options));
  return { window, close: () => Promise.all([close(), database.close()]).then(() => {}) };
}

/** The same in Redis. While it is away PostgreSQL counts: a limit never falls open. */
export function redisRateStore(
  url: string,
  database: DatabaseOptions,
  warn: (message: string) => void,
): RateStore {
  const insurance = postgresLimiters(database);
  const { Redis } = onDemand('ioredis');
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: REDIS_TIMEOUT,
    connectTimeout: REDIS_TIMEOUT,
  });
  let away = false;
  redis.on('ready', () => {
    away = false;
  });
  redis.on('error', (error) => {
    if (!away)
      warn(`Redis is away (${error.message.slice(0, 100)}); PostgreSQL counts the rate limits meanwhile.`);
    away = true;
  });
  const window = (options: WindowOptions) => {
    const insuranceLimiter = insurance.limiter(options) as RateLimiterPostgres;
    return new RateWindow(
      options,
      new RateLimiterRedis({
        storeClient: redis,
        rejectIfRedisNotReady: true,
        insuranceLimiter,
        ...settingsOf(options),
      }),
    );
  };
  const close = async () => {
    redis.disconnect();
    await insurance.close();
  };
  return { window, close };
}
