// API tokens: who is asking by one, and making, listing and ending them.
import { randomUUID } from 'node:crypto';
import { TOKEN_DEFAULT_DAYS, TOKEN_NAME_LENGTH, TOKENS_PER_USER } from '../../contract/limits.ts';
import type { SecurityEventDetails, SecurityEventKind } from '../../contract/security-events.ts';
import type { ApiToken, CreatedApiToken, NewApiToken, Scope } from '../../contract/token.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Database, Transaction } from '../database/database.ts';
import { AppError, validationError } from '../errors.ts';
import type { Client } from '../http/client.ts';
import { cleanText, codePointLength } from '../text/clean-text.ts';
import { hashOf, hintOf, isWellFormed, newApiToken } from './api-token.ts';
import {
  apiTokenByHash,
  apiTokensOf,
  deleteApiToken,
  deleteApiTokensOf,
  insertApiToken,
  lockUser,
  touchApiToken,
} from './api-token-repository.ts';
import type { Caller } from './caller.ts';

/** A program that shows a token, and what it may do. */
export interface TokenCaller {
  userId: string;
  tokenId: string;
  scopes: readonly Scope[];
  expiresAt: string;
}

/** Whose tokens are managed, and from where. */
export interface Owner {
  caller: Caller;
  client: Client;
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function cleanName(given: string): string {
  const name = cleanText(given);
  const length = codePointLength(name);
  if (length < 1 || length > TOKEN_NAME_LENGTH)
    throw validationError([{ path: 'name', message: `must be 1 to ${TOKEN_NAME_LENGTH} characters long` }]);
  return name;
}

export class ApiTokens {
  readonly #database: Database;
  readonly #trail: AuditTrail;

  constructor(database: Database, trail: AuditTrail) {
    this.#database = database;
    this.#trail = trail;
  }

  /** Undefined for anything but a token that is good right now: it is looked up at every request, as sessions are. */
  async find(token: string): Promise<TokenCaller | undefined> {
    if (!isWellFormed(token)) return undefined;
    const [row] = await this.#database.read(apiTokenByHash, [hashOf(token)]);
    if (!row) return undefined;
    const { user_id: userId, id: tokenId, scopes, expires_at: expiresAt } = row;
    if (row.is_stale) await this.#touch(userId, tokenId);
    return { userId, tokenId, scopes, expiresAt };
  }

  /** @returns the token itself, too: nobody can ever see it again. @throws AppError 422 when there are too many. */
  async create(owner: Owner, input: NewApiToken): Promise<CreatedApiToken> {
    const { userId } = owner.caller;
    const name = cleanName(input.name);
    const scopes = [...new Set(input.scopes)];
    const token = newApiToken();
    const days = input.expires_in_days ?? TOKEN_DEFAULT_DAYS;
    const values = [userId, randomUUID(), hashOf(token), hintOf(token), name, scopes, days];
    return this.#database.transaction(async (transaction) => {
      const [user] = await transaction.query(lockUser, [userId]);
      // The account was deleted after the session had been found.
      if (!user) throw new AppError('unauthenticated', 'Sign in to continue.');
      const [made] = await transaction.query(insertApiToken, values);
      if (!made)
        throw validationError([
          { path: '', message: `would make token ${TOKENS_PER_USER + 1}: revoke one first` },
        ]);
      this.#note(transaction, owner, 'api_token_created', { token: made.id, scopes, days });
      return { ...made, token };
    });
  }

  list(userId: string): Promise<ApiToken[]> {
    return this.#database.read(apiTokensOf, [userId]);
  }

  /** @throws AppError `not_found` (404), the same for a token of somebody else. */
  async revoke(owner: Owner, tokenId: string): Promise<void> {
    const end = () =>
      this.#database.transaction(async (transaction) => {
        const ended = await transaction.query(deleteApiToken, [owner.caller.userId, tokenId]);
        if (ended.length > 0) this.#note(transaction, owner, 'api_token_revoked', { token: tokenId });
        return ended;
      });
    const ended = ID.test(tokenId) ? await end() : [];
    if (ended.length === 0) throw new AppError('not_found', 'There is no token with this id.');
  }

  async revokeAll(owner: Owner): Promise<void> {
    await this.#database.transaction(async (transaction) => {
      const ended = await transaction.query(deleteApiTokensOf, [owner.caller.userId]);
      if (ended.length > 0) this.#note(transaction, owner, 'api_tokens_revoked', { tokens: ended.length });
    });
  }

  #note(
    transaction: Transaction,
    { caller, client }: Owner,
    kind: SecurityEventKind,
    details: SecurityEventDetails,
  ): void {
    this.#trail.add(transaction, {
      userId: caller.userId,
      kind,
      client,
      sessionId: caller.session.id,
      details,
    });
  }

  /** When it was last used is worth no refusal: with the database unable to write, reading goes on. */
  async #touch(userId: string, tokenId: string): Promise<void> {
    await this.#database
      .transaction(async (transaction) => transaction.queue(touchApiToken, [userId, tokenId]))
      .catch(() => {});
  }
}
