// The log: to the console (readable in a terminal, JSON lines elsewhere) and to a rotating file, without secrets.
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import type { Writable } from 'node:stream';
import pino, { type Logger } from 'pino';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import type { LogLevel } from '../config.ts';
import { makeDirectory } from '../directories.ts';
import { onDemand } from '../on-demand.ts';

/** The log file cannot be written; the message says why. */
export class LogFileError extends Error {}

export interface Log {
  readonly logger: Logger;
  /** Passes on whole lines that another process of ours has logged. */
  write(lines: string): void;
  /** Writes out what is still buffered and closes the file. */
  close(): Promise<void>;
}

const FILE_SIZE = '10M';
const FILES_KEPT = 5;
const WITH_LEVEL: unique symbol = Symbol.for('pino.metadata');
/** Milliseconds that lines may wait for others. */
const LINES_WAIT = 100;
/** Characters that may wait. */
const LINES_LENGTH = 32_768;
/** From this level of pino's on (warn) they do not wait. */
const URGENT = 40;

interface LoggedError {
  name: string;
  code?: unknown;
  message?: string;
  stack?: string;
}

// PostgreSQL repeats values in its messages: of its errors only the names of things are logged.
const DATABASE_FIELDS = ['severity', 'table', 'column', 'constraint', 'routine'] as const;

/** An error without anything that a user typed. */
export function describeError(error: unknown): LoggedError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message, stack = '' } = error;
  const code = (error as NodeJS.ErrnoException).code;
  const frames = stack
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n');
  if (!('severity' in error)) return { name, code, message, stack: frames };
  const fields = DATABASE_FIELDS.map((field) => [
    field,
    (error as unknown as Record<string, unknown>)[field],
  ]);
  return { name, code, ...Object.fromEntries(fields), stack: frames };
}

/** @throws LogFileError at once for what the stream would only find out later. */
function openFile(file: string): RotatingFileStream {
  const directory = path.dirname(path.resolve(file));
  try {
    makeDirectory(directory);
    closeSync(openSync(file, 'a', 0o600));
  } catch (error) {
    throw new LogFileError((error as Error).message);
  }
  const stream = createStream(path.basename(file), {
    path: directory,
    size: FILE_SIZE,
    maxFiles: FILES_KEPT,
    mode: 0o600,
  });
  // A full disk must not end the service; the console still has the line.
  stream.on('error', () => {});
  return stream;
}

/** Lines that are written out together: each by itself would cost as much as the rest of a request. */
class Lines {
  /** Of the line that is being written; pino sets it where it finds this symbol. */
  lastLevel = 0;
  readonly [WITH_LEVEL] = true;
  readonly #streams: Pick<Writable, 'write'>[];
  #waiting = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(streams: Pick<Writable, 'write'>[]) {
    this.#streams = streams;
  }

  write(lines: string): void {
    this.#waiting += lines;
    if (this.lastLevel >= URGENT || this.#waiting.length >= LINES_LENGTH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), LINES_WAIT);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#waiting;
    this.#waiting = '';
    if (lines !== '') for (const stream of this.#streams) stream.write(lines);
  }
}

export function createLog(options: { level: LogLevel; file: string | undefined }): Log {
  const terminal = process.stdout.isTTY
    ? onDemand('pino-pretty')({
        translateTime: 'SYS:HH:MM:ss',
        ignore: 'pid,hostname',
        singleLine: true,
        sync: true,
      })
    : process.stdout;
  const file = options.file === undefined ? undefined : openFile(options.file);
  const lines = new Lines(file ? [terminal, file] : [terminal]);
  const redact = ['req.headers', 'headers', '*.password', '*.token', '*.authorization', '*.cookie'];
  const settings = {
    level: options.level,
    redact,
    serializers: { err: describeError, error: describeError },
  };
  const logger = pino(settings, lines);
  const close = () => {
    lines.flush();
    return new Promise<void>((resolve) => (file ? file.end(() => resolve()) : resolve()));
  };
  return { logger, write: (passed) => lines.write(passed), close };
}
