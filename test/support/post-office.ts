// A mail queue with senders of its own on a database of its own, for tests of the queue.
import path from 'node:path';
import pino from 'pino';
import { loadSettings, type Settings } from '../../src/config.ts';
import { Database } from '../../src/database/database.ts';
import type { Letter } from '../../src/mail/letter.ts';
import { createMail, type Mail } from '../../src/mail/mail.ts';
import type { AnyBody } from './client.ts';
import { Mailbox, type MailboxOptions } from './mailbox.ts';
import { dataDirectory, until } from './process.ts';
import { createDatabase } from './server.ts';
import { query } from './sql.ts';

export const LINK = 'https://example.com/reset-password#token=not-for-you';

export const letterTo = (to: string, more: Partial<Letter> = {}): Letter => ({
  kind: 'password_reset',
  to,
  subject: 'Choose a new password',
  paragraphs: ['Somebody asked.', 'If it was not you, do nothing.'],
  link: { label: 'Choose a new password', url: LINK },
  ...more,
});

export class PostOffice {
  readonly database: Database;
  readonly logs: AnyBody[] = [];
  readonly directory: string;
  readonly #made: Awaited<ReturnType<typeof createDatabase>>;
  readonly #place = dataDirectory();
  readonly #running: Mail[] = [];
  readonly #boxes: Mailbox[] = [];

  private constructor(made: Awaited<ReturnType<typeof createDatabase>>) {
    this.#made = made;
    this.directory = path.join(this.#place.directory, 'data');
    const { connection } = made;
    this.database = new Database({ connection, poolMode: 'session', poolSize: 10, log: () => {} });
  }

  static async open(): Promise<PostOffice> {
    return new PostOffice(await createDatabase());
  }

  sql(text: string, values?: unknown[]): Promise<AnyBody[]> {
    return query<AnyBody>(this.#made.connection, text, values);
  }

  rows(): Promise<AnyBody[]> {
    return this.sql('select * from mail order by created_at');
  }

  /** As if the pause before the next attempt, or a dead sender's claim, had passed. */
  async hurry(): Promise<void> {
    await this.sql('update mail set next_attempt_at = now()');
  }

  /** The first mail, once an attempt has failed. */
  failed(): Promise<AnyBody> {
    return until(async () => (await this.rows()).find(({ last_failure }) => last_failure !== null));
  }

  said(words: RegExp): AnyBody[] {
    return this.logs.filter(({ msg }) => words.test(msg));
  }

  async openMailbox(options?: MailboxOptions): Promise<Mailbox> {
    const box = await Mailbox.open(options);
    this.#boxes.push(box);
    return box;
  }

  /** @param url of a mail server; without one mails become files. */
  settingsFor(url: string | undefined): Settings {
    const server = { SMTP_URL: url, MAIL_FROM: 'Donewell: tasks, Zoë <tasks@example.com>' };
    return loadSettings({ DATA_DIR: this.directory, ...(url === undefined ? {} : server) });
  }

  /** A sender that has not begun. */
  create(settings: Settings, secretKey = 'k'.repeat(48)): Mail {
    const logger = pino(
      { level: 'debug' },
      { write: (line: string) => void this.logs.push(JSON.parse(line)) },
    );
    const mail = createMail({ database: this.database, settings, secretKey, logger });
    this.#running.push(mail);
    return mail;
  }

  start(url: string | undefined, secretKey?: string): Mail {
    const mail = this.create(this.settingsFor(url), secretKey);
    mail.start();
    return mail;
  }

  post(mail: Mail, letter: Letter): Promise<void> {
    return this.database.transaction(async (transaction) => mail.queue.post(transaction, letter));
  }

  /** Back to an empty queue, without senders and mail servers. */
  async clear(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((mail) => mail.stop()));
    await Promise.all(this.#boxes.splice(0).map((box) => box.close()));
    await this.sql('delete from mail');
    this.logs.length = 0;
  }

  async close(): Promise<void> {
    await this.clear();
    await this.database.close();
    await this.#made.drop();
    this.#place.remove();
  }
}
