// The log: to the console (readable in a terminal, JSON lines elsewhere) and to a rotating file, without secrets.
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import type { LogLevel } from '../config.ts';

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
    mkdirSync(directory, { recursive: true });
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

export function createLog(options: { level: LogLevel; file: string | undefined }): Log {
  const terminal = process.stdout.isTTY
    ? pretty({ translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname', singleLine: true, sync: true })
    : process.stdout;
  const file = options.file === undefined ? undefined : openFile(options.file);
  const streams = [terminal, ...(file ? [file] : [])].map((stream) => ({
    stream,
    level: options.level as pino.Level,
  }));
  const redact = ['req.headers', 'headers', '*.password', '*.token', '*.authorization', '*.cookie'];
  const settings = {
    level: options.level,
    redact,
    serializers: { err: describeError, error: describeError },
  };
  const logger = pino(
    settings,
    options.level === 'silent' ? pino.destination('/dev/null') : pino.multistream(streams),
  );
  const write = (lines: string) => {
    terminal.write(lines);
    file?.write(lines);
  };
  const close = () => new Promise<void>((resolve) => (file ? file.end(() => resolve()) : resolve()));
  return { logger, write, close };
}
