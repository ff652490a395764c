// One call into Better Auth: what it met on its way and what it did, for those who come after it.
import { AsyncLocalStorage } from 'node:async_hooks';

/** A session as Better Auth's hooks hand it over. */
export interface SessionEntity {
  id: string;
  userId: string;
  expiresAt: Date;
}

interface Call {
  /** Better Auth swallows some failures of the database; here the first one is kept. */
  failure?: unknown;
  /** The new password's hash, made before Better Auth opens its transaction. */
  hashed?: { password: string; hash: string };
  /** Set once the sign-up policy has let this one in, with the invitation that the account takes. */
  admitted?: { invitation: string | undefined };
  /** The stored hash that the given password fitted. */
  fitted?: string;
  /** Whom it made an account for. */
  madeUser?: string;
  madeSession?: SessionEntity;
  endedSessions: SessionEntity[];
  /** Whoever waited for it has been given another answer. */
  abandoned?: boolean;
  /** The user as it is after a change. */
  changedUser?: { id: string };
}

const calls = new AsyncLocalStorage<Call>();

/** Undefined outside `withFailure`: nobody calls Better Auth without it. */
export function currentCall(): Call | undefined {
  return calls.getStore();
}

export function note(error: unknown): void {
  const call = calls.getStore();
  if (call) call.failure ??= error;
}

export function noting<Result>(work: Promise<Result>): Promise<Result> {
  work.catch(note);
  return work;
}

/** Runs a call into Better Auth and tells the failure of database or hashing that it met, if any. */
export async function withFailure<Result>(
  run: () => Promise<Result>,
): Promise<{ result: Result; failure: unknown }> {
  const call: Call = { endedSessions: [] };
  const result = await calls.run(call, run);
  return { result, failure: call.failure };
}
