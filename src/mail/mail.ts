// Mail put together: the queue that letters are posted to, and the sender behind it.
import path from 'node:path';
import type { Logger } from 'pino';
import type { MailSender } from '../config/values.ts';
import { ConfigError, type Settings } from '../config.ts';
import type { Database } from '../database/database.ts';
import { Outbox } from './outbox.ts';
import { MailQueue } from './queue.ts';
import { Seal } from './seal.ts';
import { Sender } from './sender.ts';
import { outboxTransport, smtpTransport, type Transport } from './transport.ts';

const OUTBOX_FROM: MailSender = { name: 'Donewell', address: 'donewell@localhost' };

export interface Mail {
  queue: MailQueue;
  /** Begins to send. */
  start(): void;
  /** Ends within two seconds, whatever the mail server does. */
  stop(): Promise<void>;
}

export interface MailOptions {
  database: Database;
  settings: Settings;
  secretKey: string;
  logger: Logger;
}

/** Where mails become files; undefined when a mail server takes them. */
export function outboxOf({ SMTP_URL, DATA_DIR }: Settings): string | undefined {
  return SMTP_URL === undefined ? path.join(path.resolve(DATA_DIR), 'outbox') : undefined;
}

/** @throws ConfigError when a mail server is set without a sender: nothing that it would take could be sent. */
export function assertMailSettings({ SMTP_URL, MAIL_FROM }: Settings): void {
  if (SMTP_URL !== undefined && MAIL_FROM === undefined)
    throw new ConfigError('MAIL_FROM must be set together with SMTP_URL.');
}

function transportOf(settings: Settings): Transport {
  const { SMTP_URL: server, MAIL_FROM: from = OUTBOX_FROM } = settings;
  if (server !== undefined) return smtpTransport(server, from);
  return outboxTransport(new Outbox(outboxOf(settings) ?? ''), from);
}

export function createMail({ database, settings, secretKey, logger }: MailOptions): Mail {
  const seal = new Seal(secretKey);
  const queue = new MailQueue(seal);
  const sender = new Sender({ database, queue, seal, transport: transportOf(settings), logger });
  queue.onPosted(() => sender.wake());
  return { queue, start: () => sender.start(), stop: () => sender.stop() };
}
