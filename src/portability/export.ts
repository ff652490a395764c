// Writes an export: one moment's truth, line by line, no faster than it is read and never whole in memory.
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import {
  EXPORT_VERSION,
  type ExportEnd,
  type ExportedProfile,
  type ExportedTask,
  type ExportHeader,
} from '../../contract/portability.ts';
import { accountById } from '../account/repository.ts';
import { unauthenticated } from '../auth/guard.ts';
import type { Database } from '../database/database.ts';
import { tasksToExport } from './repository.ts';

const TASKS_AT_ONCE = 500;
const BUFFER = 64 * 1_024;
/** Milliseconds that a reader may take for what is in the buffer, and for everything: a connection is kept for it. */
const LONGEST_PAUSE = 30_000;
const LONGEST = 600_000;

type Line = ExportHeader | ExportedProfile | ExportedTask | ExportEnd;

class TooSlow extends Error {}

/** The writing end. Every wait has an end: the reader's going away, or its having had its time. */
class Lines {
  readonly stream = new PassThrough({ highWaterMark: BUFFER });
  readonly #closed: Promise<never>;
  readonly #whole: NodeJS.Timeout;

  constructor() {
    this.#whole = setTimeout(() => this.stream.destroy(new TooSlow()), LONGEST);
    this.#closed = new Promise((_resolve, reject) => {
      this.stream.once('close', () => {
        clearTimeout(this.#whole);
        reject(this.stream.errored ?? new Error('The reader has gone away'));
      });
    });
    this.#closed.catch(() => {});
    this.stream.on('error', () => {}); // 'close' follows
  }

  async write(lines: readonly Line[]): Promise<void> {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    if (this.stream.destroyed) await this.#closed;
    if (this.stream.write(text)) return;
    const slow = setTimeout(() => this.stream.destroy(new TooSlow()), LONGEST_PAUSE);
    try {
      await Promise.race([once(this.stream, 'drain'), this.#closed]);
    } finally {
      clearTimeout(slow);
    }
  }
}

async function writeAll(database: Database, userId: string, out: Lines, begun: () => void): Promise<void> {
  await database.patientSnapshot(async (transaction) => {
    const [profile] = await transaction.query(accountById, [userId]);
    if (!profile) throw unauthenticated();
    begun();
    const exported_at = new Date().toISOString();
    await out.write([
      { type: 'header', format: 'donewell-export', version: EXPORT_VERSION, exported_at, user_id: userId },
      { type: 'profile', ...profile },
    ]);
    const end: ExportEnd = { type: 'end', tasks: 0, trashed: 0 };
    for (let after = 0; ; ) {
      const tasks = await transaction.query(tasksToExport, [userId, after, TASKS_AT_ONCE]);
      await out.write(tasks.map((task) => ({ type: 'task', ...task })));
      end.tasks += tasks.length;
      end.trashed += tasks.filter(({ deleted_at }) => deleted_at !== null).length;
      if (tasks.length < TASKS_AT_ONCE) return out.write([end]);
      after = tasks.at(-1)?.id ?? 0;
    }
  });
}

/**
 * Begins an export. What goes wrong before its first line is thrown; later the stream breaks off, and the missing last line
 * says so.
 * @param done called once, when no connection is held any more.
 */
export async function openExport(database: Database, userId: string, done: () => void): Promise<Readable> {
  const out = new Lines();
  const begun = new Promise<void>((resolve, reject) => {
    writeAll(database, userId, out, resolve)
      .then(
        () => out.stream.end(),
        (error: unknown) => {
          reject(error);
          out.stream.destroy(error as Error);
        },
      )
      .finally(done);
  });
  await begun;
  return out.stream;
}
