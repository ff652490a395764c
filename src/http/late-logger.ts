// The logger of one request, whose lines carry its id. Few requests have anything to say, so that it is made for the first line.
import type { FastifyBaseLogger } from 'fastify';

const METHODS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent', 'child'] as const;
type Options = Parameters<FastifyBaseLogger['child']>[1];

class LateLogger {
  readonly #parent: FastifyBaseLogger;
  readonly #bindings: Record<string, unknown>;
  readonly #options: Options;
  #made: FastifyBaseLogger | undefined;

  constructor(parent: FastifyBaseLogger, bindings: Record<string, unknown>, options: Options) {
    this.#parent = parent;
    this.#bindings = bindings;
    this.#options = options;
  }

  get level(): string {
    return this.#parent.level;
  }

  made(): FastifyBaseLogger {
    this.#made ??= this.#parent.child(this.#bindings, this.#options);
    return this.#made;
  }
}
// Each hands on to the child, which the first of them makes.
for (const method of METHODS)
  Object.defineProperty(LateLogger.prototype, method, {
    value(this: LateLogger, ...line: unknown[]) {
      return (this.made()[method] as (...line: unknown[]) => unknown)(...line);
    },
  });

/** Logs as `parent.child(bindings, options)` does. */
export function lateLogger(
  parent: FastifyBaseLogger,
  bindings: Record<string, unknown>,
  options: Options,
): FastifyBaseLogger {
  return new LateLogger(parent, bindings, options) as unknown as FastifyBaseLogger;
}
