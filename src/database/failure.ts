// What a failed statement means to a client: which failures are the database being away or busy, and which are our defects.
import { AppError } from '../errors.ts';

/** Seconds a client is asked to wait before it tries again. */
const RETRY_AFTER = 2;

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EACCES',
]);
// Classes 08 (connection), 53 (resources), 57P (shutdown), 58 (system) and read-only after a failover.
const UNAVAILABLE_SQLSTATE = /^(08...|53...|57P0.|58...|25006|XX...|28...|3D000)$/;
// Cancelled by a time-out, lock not available, idle transaction ended.
const BUSY_SQLSTATE = /^(57014|55P03|25P0[34])$/;
// No such prepared statement, or a transaction that is lost already: the failure of what was sent before on that connection.
const OUT_OF_STEP_SQLSTATE = /^(26000|25P02)$/;
const FOREIGN_KEY_VIOLATION = '23503';
const RETRYABLE_SQLSTATE = /^(40001|40P01)$/;
// node-postgres reports a lost connection by message alone.
const CONNECTION_MESSAGE =
  /Connection terminated|connection error|timeout exceeded when trying to connect|Query read timeout|Client was closed|server closed the connection|SASL|Cannot use a pool after/i;

export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : '';
}

/** True for a deadlock or a serialisation failure: nothing was done and the same transaction may simply run again. */
export function isRetryable(error: unknown): boolean {
  return RETRYABLE_SQLSTATE.test(codeOf(error));
}

/** True when a row was refused because another one has what must be unique. */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === '23505';
}

/** True when the connection or the server is gone, rather than the statement being wrong. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  return (
    CONNECTION_CODES.has(code) || UNAVAILABLE_SQLSTATE.test(code) || CONNECTION_MESSAGE.test(error.message)
  );
}

/** True when something before it on the same connection has failed, for which this one has: by itself it may do well. */
export function isOutOfStep(error: unknown): boolean {
  return OUT_OF_STEP_SQLSTATE.test(codeOf(error));
}

export function isDatabaseBusy(error: unknown): boolean {
  return BUSY_SQLSTATE.test(codeOf(error)) || isOutOfStep(error) || isRetryable(error);
}

export function overloaded(cause?: unknown): AppError {
  return new AppError('overloaded', 'The server is busy. Try again in a moment.', {
    retryAfter: RETRY_AFTER,
    cause,
  });
}

export function databaseError(cause?: unknown): AppError {
  const detail = 'The database cannot be reached right now. Try again in a moment.';
  return new AppError('database_error', detail, { retryAfter: RETRY_AFTER, cause });
}

/** A row for a user who is not there any more: whoever asked had a session when the door let them in. */
function isOfDeletedUser(error: unknown): boolean {
  if (codeOf(error) !== FOREIGN_KEY_VIOLATION) return false;
  return (error as { constraint?: string }).constraint?.endsWith('_user_id_fkey') ?? false;
}

/** What the schema's own rules refuse: each raises a code of its own, see the migrations. */
function ownRule(error: unknown): AppError | undefined {
  switch (codeOf(error)) {
    case 'DW001':
      return new AppError('invitation_required', 'The invitation is not valid, has expired or was used.', {
        cause: error,
      });
    case 'DW002':
      return new AppError('account_disabled', 'This account has been disabled.', { cause: error });
    case 'DW003':
      return new AppError('last_way_in', 'This is the only way left to sign in: add another first.', {
        cause: error,
      });
    default:
      return undefined;
  }
}

/** Turns a driver's error into the answer for it; what is neither is a defect and stays as it is. */
export function translate(error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (isDatabaseBusy(error)) return overloaded(error);
  if (isOfDeletedUser(error))
    return new AppError('unauthenticated', 'Sign in to continue.', { cause: error });
  return isDatabaseAway(error) ? databaseError(error) : (ownRule(error) ?? error);
}
