// An answer that begins before its result is known: lines of progress, then the result or the problem.
import { PassThrough } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NDJSON_TYPE } from '../../contract/headers.ts';
import { logFailure, problemOf, publicError } from './problem.ts';

export class ProgressAnswer {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  #lines: PassThrough | undefined;
  #told = -1;

  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.#request = request;
    this.#reply = reply;
  }

  /** Until then what goes wrong is answered as everywhere. */
  begin(): void {
    this.#lines = new PassThrough();
    this.#lines.on('error', () => {}); // the client has gone away
    this.#reply.type(NDJSON_TYPE).send(this.#lines);
  }

  /** What is undone, and then done again, has been told: nobody sees it go backwards. */
  tell(done: number, total: number): void {
    if (done <= this.#told) return;
    this.#told = done;
    this.#write({ type: 'progress', done, total });
  }

  /** @returns undefined when it has not begun: then the answer is to be sent as any other. */
  end({ status, body }: { status: number; body: string }): FastifyReply | undefined {
    if (!this.#lines) return undefined;
    const told = JSON.parse(body) as object;
    this.#write(status < 400 ? { type: 'result', ...told } : { type: 'problem', problem: told });
    return this.#close();
  }

  /** @returns whether it had begun: then the problem is its last line. */
  fail(thrown: unknown): boolean {
    if (!this.#lines) return false;
    const error = publicError(thrown);
    logFailure(this.#request, error);
    this.#write({ type: 'problem', problem: problemOf(error, this.#request.id) });
    this.#close();
    return true;
  }

  #write(line: object): void {
    // A few dozen lines: they may wait in memory for a slow reader.
    if (this.#lines?.writable) this.#lines.write(`${JSON.stringify(line)}\n`);
  }

  #close(): FastifyReply {
    this.#lines?.end();
    return this.#reply;
  }
}
