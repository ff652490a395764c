// Several nodes on one database: as processes that can be killed, with users whose sessions every node knows.
import { randomBytes, randomUUID } from 'node:crypto';
import type { ClientConfig } from 'pg';
import { AccessTokens } from '../../src/auth/access-token.ts';
import { SessionCookie } from '../../src/auth/cookie.ts';
import { Client } from './client.ts';
import { type RunningServer, startProcess } from './process.ts';
import type { TestServer } from './server.ts';

/** As the harness of single servers has them, so that sessions hold on both. */
const SECRETS = { SECRET_KEY: 'k'.repeat(48), BETTER_AUTH_SECRET: 'b'.repeat(48) };
const MINUTES = 30;

/** What `startServer` and this have in common. */
export type Database = Pick<TestServer, 'sql'>;

export function databaseUrl(connection: ClientConfig): string {
  if (connection.connectionString !== undefined) return connection.connectionString;
  const url = new URL('postgres://localhost');
  url.username = String(connection.user);
  url.password = String(connection.password);
  url.port = String(connection.port);
  url.pathname = String(connection.database);
  url.searchParams.set('host', String(connection.host));
  return url.href;
}

/** Starts a node as a process of its own. The rate limit is out of the way. */
export function startNode(
  connection: ClientConfig,
  env: Record<string, string> = {},
): Promise<RunningServer> {
  return startProcess({
    env: {
      ...SECRETS,
      DEBUG: 'true', // or secrets such as these would be refused
      DATABASE_URL: databaseUrl(connection),
      RATE_LIMIT_REQUESTS: '1000000',
      DATABASE_POOL_SIZE: '10',
      LOG_LEVEL: 'warn',
      ...env,
    },
  });
}

export interface SeededUser {
  id: string;
  sessionId: string;
  /** As in `Authorization: Bearer …` and `auth.token`. */
  token: string;
  /** As in a Cookie header. */
  cookie: string;
}

/** Users with a session each, put into the database directly. */
export async function seedUsers(database: Database, count: number): Promise<SeededUser[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  await database.sql(
    `insert into "user" (id, name, email) select id, 'Ada', id || '@example.com' from unnest($1::text[]) id`,
    [ids],
  );
  return seedSessions(database, ids);
}

/** One more session of a user. */
export async function seedSession(database: Database, userId: string): Promise<SeededUser> {
  const [session] = await seedSessions(database, [userId]);
  return session as SeededUser;
}

async function seedSessions({ sql }: Database, userIds: string[]): Promise<SeededUser[]> {
  const tokens = new AccessTokens({ secretKey: SECRETS.SECRET_KEY, lifetime: MINUTES * 60 });
  const secret = SECRETS.BETTER_AUTH_SECRET;
  const cookies = new SessionCookie({ secret, https: false, maxAge: MINUTES * 60 });
  const made = userIds.map((userId) => ({
    userId,
    sessionId: randomBytes(16).toString('hex'),
    secret: randomBytes(24).toString('base64url'),
  }));
  await sql(
    `insert into session (id, token, user_id, expires_at)
     select id, token, owner, now() + make_interval(mins => $4)
     from unnest($1::text[], $2::text[], $3::text[]) as made(id, token, owner)`,
    [made.map(({ sessionId }) => sessionId), made.map((one) => one.secret), userIds, MINUTES],
  );
  return Promise.all(
    made.map(async ({ userId, sessionId, secret }) => {
      const token = await tokens.issue({ userId, sessionId });
      return { id: userId, sessionId, token, cookie: cookies.pair(secret) };
    }),
  );
}

/** The user's API client on one node. */
export function clientOf(url: string, user: SeededUser): Client {
  const client = new Client(url);
  client.bearer = user.token;
  return client;
}

/** Commits a new task exactly as the service does, but nobody is told: as if the node had died right after the commit. */
export async function createSilently({ sql }: Database, userId: string, title: string): Promise<number> {
  const [row] = await sql<{ rev: string }>(
    `with locked as (select rev + 1 as next from user_sync where user_id = $1 for no key update),
          made as (insert into task (user_id, title, created_at, updated_at, rev, created_rev)
                   select $1, $2, now(), now(), next, next from locked)
     update user_sync set rev = next, changed_at = now(), medium_total = medium_total + 1
     from locked where user_id = $1 returning rev`,
    [userId, title],
  );
  return Number(row?.rev);
}
