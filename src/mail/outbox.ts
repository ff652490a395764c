// The outbox: mails as files that only the server's user can read, for those who have no mail server.
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

const FILES_KEPT = 500;
/** Milliseconds that a file is kept: far longer than any link in it lives. */
const KEPT_FOR = 7 * 24 * 60 * 60 * 1000;
const OURS = /^\d{8}T\d{9}Z-[a-z_]+-[0-9a-f-]{36}\.eml$/;

export interface OutboxEntry {
  id: string;
  createdAt: string;
  letter: { kind: string };
}

/** Sorts as the time does. */
function stampOf(time: string): string {
  return time.replace(/[-:.]/g, '');
}

export class Outbox {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** @returns the file's path. The same mail is always the same file. */
  async write({ id, createdAt, letter }: OutboxEntry, message: Buffer): Promise<string> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    await this.#tidy();
    const name = `${stampOf(createdAt)}-${letter.kind}-${id}.eml`;
    const file = path.join(this.directory, name);
    // Written aside, so that nobody reads half a mail; what a crash leaves behind is overwritten by the next attempt.
    const draft = `${file}.part`;
    await rm(draft, { force: true });
    await writeFile(draft, message, { mode: 0o600, flag: 'wx' });
    await rename(draft, file);
    return file;
  }

  /** Takes away what is too old or too much: of our own files alone. Another process may be at it, too. */
  async #tidy(): Promise<void> {
    const names = (await readdir(this.directory)).filter((name) => OURS.test(name)).sort();
    const surplus = names.length - FILES_KEPT + 1;
    const oldest = stampOf(new Date(Date.now() - KEPT_FOR).toISOString());
    const ended = names.filter((name, index) => index < surplus || name < oldest);
    for (const name of ended) await rm(path.join(this.directory, name), { force: true });
  }
}
