// What an import has checked and not written yet: lines in a file that has no name, so that memory holds a few at a time.
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { overloaded } from '../database/failure.ts';
import { linesOf } from './lines.ts';

const OWNER_ONLY = 0o600;
const PIECE = 256 * 1_024;
/** Lines of our own are as long as their fields may be. */
const NO_LIMIT = Number.POSITIVE_INFINITY;

export class Spool {
  readonly #handle: FileHandle;
  readonly #remove: () => Promise<void>;
  #waiting: string[] = [];
  #length = 0;
  #written = 0;

  private constructor(handle: FileHandle, remove: () => Promise<void>) {
    this.#handle = handle;
    this.#remove = remove;
  }

  /** @throws AppError `overloaded` (503) when there is no place for a file. */
  static async open(): Promise<Spool> {
    const file = path.join(tmpdir(), `donewell-import-${randomUUID()}`);
    const handle = await open(file, 'wx+', OWNER_ONLY).catch((error: unknown) => {
      throw overloaded(error);
    });
    // Without a name it is gone with the process, however that ends. Windows keeps the name until the file is closed.
    const remove = () => unlink(file).catch(() => {});
    await remove();
    return new Spool(handle, remove);
  }

  /** Adds a line, which is written by the next `drain`. */
  add(line: string): void {
    this.#waiting.push(line);
    this.#length += line.length;
  }

  /** To be awaited now and then while lines are added. */
  async drain(atLeast = PIECE): Promise<void> {
    if (this.#waiting.length === 0 || this.#length < atLeast) return;
    const bytes = Buffer.from(`${this.#waiting.join('\n')}\n`);
    this.#waiting = [];
    this.#length = 0;
    // One call may write less than it was given.
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle
        .write(bytes, done, bytes.length - done, this.#written)
        .catch((error: unknown) => {
          throw overloaded(error);
        });
      done += bytesWritten;
      this.#written += bytesWritten;
    }
  }

  /** All lines, from the first, as often as it is asked for. */
  async *lines(): AsyncGenerator<string> {
    await this.drain(0);
    for await (const { bytes } of linesOf(this.#pieces(), NO_LIMIT)) yield bytes?.toString() ?? '';
  }

  async close(): Promise<void> {
    await this.#handle.close();
    await this.#remove();
  }

  async *#pieces(): AsyncGenerator<Buffer> {
    for (let position = 0; position < this.#written; ) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE, this.#written - position));
      const { bytesRead } = await this.#handle.read(piece, 0, piece.length, position);
      if (bytesRead === 0) throw new Error('A file of an import is shorter than what was written to it');
      yield piece.subarray(0, bytesRead);
      position += bytesRead;
    }
  }
}
