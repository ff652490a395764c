// Who is asking: the session behind a cookie or a bearer token, looked up in the database for every request.
import type { User } from '../../contract/auth.ts';
import { Batch } from '../database/batch.ts';
import type { Database } from '../database/database.ts';
import type { Client } from '../http/client.ts';
import type { AccessTokens } from './access-token.ts';
import type { SessionCookie } from './cookie.ts';
import { type SessionRow, sessionsById, sessionsByToken, userById } from './repository.ts';

export interface Caller {
  userId: string;
  session: SessionRow;
  /** How the session was shown. Origin rules concern cookies alone. */
  by: 'cookie' | 'bearer';
}

/** Who is signed in and doing something. */
export interface Actor {
  userId: string;
  sessionId: string;
  client: Client;
}

export interface Credentials {
  cookie?: string | undefined;
  authorization?: string | undefined;
}

/** One answer for all who show nothing. */
const NOBODY = Promise.resolve(undefined);

/** The token of a bearer header; other schemes (a proxy's Basic, say) are not ours. */
export function bearerToken(authorization: string | undefined): string | undefined {
  const [scheme, token = '', ...rest] = authorization?.trim().split(/\s+/) ?? [];
  if (scheme?.toLowerCase() !== 'bearer') return undefined;
  return rest.length === 0 ? token : '';
}

export class Callers {
  readonly cookie: SessionCookie;
  readonly tokens: AccessTokens;
  readonly #database: Database;
  readonly #byToken: Batch<SessionRow>;
  readonly #byId: Batch<SessionRow>;

  constructor(database: Database, cookie: SessionCookie, tokens: AccessTokens) {
    this.#database = database;
    this.#byToken = new Batch(async (asked) => {
      const rows = await database.read(sessionsByToken, [[...asked.keys()]]);
      return new Map(rows.map((row) => [row.token, row]));
    });
    this.#byId = new Batch(async (asked) => {
      const rows = await database.read(sessionsById, [[...asked.keys()]]);
      return new Map(rows.map((row) => [row.id, row]));
    });
    this.cookie = cookie;
    this.tokens = tokens;
  }

  /** Undefined when nobody valid is asking. With cookie and bearer together the bearer counts. */
  find(credentials: Credentials): Promise<Caller | undefined> {
    const bearer = bearerToken(credentials.authorization);
    if (bearer !== undefined) return this.byBearer(bearer);
    const token = this.cookie.tokenIn(credentials.cookie);
    return token === undefined ? NOBODY : this.bySessionToken(token);
  }

  async byBearer(accessToken: string): Promise<Caller | undefined> {
    const subject = await this.tokens.verify(accessToken);
    if (!subject) return undefined;
    const session = await this.#byId.find(subject.sessionId);
    return session?.user_id === subject.userId
      ? { userId: session.user_id, session, by: 'bearer' }
      : undefined;
  }

  async bySessionToken(token: string): Promise<Caller | undefined> {
    const session = await this.#byToken.find(token);
    return session && { userId: session.user_id, session, by: 'cookie' };
  }

  /** Undefined for one who has been deleted since. */
  async userOf({ userId }: Caller): Promise<User | undefined> {
    const [user] = await this.#database.read(userById, [userId]);
    return user;
  }
}
