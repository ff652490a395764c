// The errors by which Better Auth refuses, told from others without loading it.
import type { APIError } from 'better-auth/api';

/** As its own function of this name, which goes by the name, too. */
export function isAPIError(error: unknown): error is APIError {
  return (error as { name?: unknown } | null | undefined)?.name === 'APIError';
}
