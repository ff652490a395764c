// Whether who asked is still let in, for work that goes on long after the door: asked of the database once more.
import type { ReadStatement } from '../database/statement.ts';
import type { Value } from '../database/values.ts';
import { hashOf } from './api-token.ts';
import { apiTokenByHash } from './api-token-repository.ts';
import type { TokenCaller } from './api-tokens.ts';
import { bearerToken, type Caller, type Credentials } from './caller.ts';
import { unauthenticated } from './guard.ts';
import { sessionsById } from './repository.ts';

type Ask = <Row>(statement: ReadStatement<Row>, values: readonly Value[]) => Promise<Row[]>;

/** A request as the door has let it in. */
interface Admitted {
  caller: Caller | undefined;
  tokenCaller: TokenCaller | undefined;
  headers: Credentials;
}

/** @throws AppError `unauthenticated` (401) when the session or API token has ended, or the account is disabled or gone. */
export async function assertStillIn(ask: Ask, request: Admitted): Promise<void> {
  const { caller, tokenCaller, headers } = request;
  const found = tokenCaller
    ? await ask(apiTokenByHash, [hashOf(bearerToken(headers.authorization) ?? '')])
    : await ask(sessionsById, [[caller?.session.id ?? '']]);
  if (found.length === 0) throw unauthenticated();
}
