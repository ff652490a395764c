// The logger of one request, whose lines carry its id. Few requests have anything to say, so that it is made for the first line.
import type { FastifyBaseLogger } from 'fastify';

const METHODS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'child'] as const;

class LateLogger {
  readonly #parent: FastifyBaseLogger;
  readonly #bindings: Record<string, unknown>;
  #made: FastifyBaseLogger | undefined;

  constructor(parent: FastifyBaseLogger, bindings: Record<string, unknown>) {
    this.#parent = parent;
    this.#bindings = bindings;
  }

  get level(): string {
    return this.#parent.level;
  }

  made(): FastifyBaseLogger {
    this.#made ??= this.#parent.child(this.#bindings);
    return this.#made;
  }
}
for (const method of METHODS)
  Object.defineProperty(LateLogger.prototype, method, {
    value(this: LateLogger, ...line: unknown[]) {
      return (this.made()[method] as (...line: unknown[]) => unknown)(...line);
    },
  });

/** Logs as `parent.child(bindings)` does. */
export function lateLogger(parent: FastifyBaseLogger, bindings: Record<string, unknown>): FastifyBaseLogger {
  return new LateLogger(parent, bindings) as unknown as FastifyBaseLogger;
}
