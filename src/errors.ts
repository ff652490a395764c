// The one error class: a closed code and a public sentence for the client, a private cause for the log.
import { ERROR_CODES, type ErrorCode, type FieldError } from '../contract/errors.ts';

export interface AppErrorOptions {
  /** Where HTTP has a status of its own for what the code stands for (408, 414, 431). */
  status?: number;
  /** The refused fields of a `validation_error`. */
  errors?: FieldError[];
  /** Seconds until a retry makes sense; sent as `Retry-After`. */
  retryAfter?: number;
  /** Members that this problem carries besides the common ones (`current` of a `stale`). */
  extra?: Record<string, unknown>;
  /** What really happened. Logged, never sent. */
  cause?: unknown;
}

/** Anything a request can fail with on purpose. `message` is the public `detail`: nothing internal belongs there. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly errors: FieldError[] | undefined;
  readonly retryAfter: number | undefined;
  readonly extra: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, detail: string, options: AppErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.status = options.status ?? ERROR_CODES[code].status;
    this.errors = options.errors;
    this.retryAfter = options.retryAfter;
    this.extra = options.extra;
  }
}

/** 422 for one or more fields. The sentence repeats the first, since many clients show `detail` alone. */
export function validationError(errors: FieldError[]): AppError {
  const first = errors[0];
  const detail = first
    ? `${first.path === '' ? 'The body' : first.path} ${first.message}.`
    : 'The input is not valid.';
  return new AppError('validation_error', detail, { errors });
}
