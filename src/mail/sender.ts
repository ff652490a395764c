// The sender: claims mails that are due, sends them, and tries again later what failed. Any number of nodes may run one.
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { AppError } from '../errors.ts';
import { describeFailure, isFinal, pauseAfter } from './failure.ts';
import type { Draft, Letter } from './letter.ts';
import { type MailQueue, PATIENCE } from './queue.ts';
import {
  type ClaimedMail,
  claimMail,
  deleteMail,
  keepLetter,
  markGivenUp,
  markSent,
  postponeMail,
  releaseMail,
} from './repository.ts';
import { type Seal, SealError } from './seal.ts';
import type { Transport } from './transport.ts';

/** Mails that one process sends at the same time. */
const AT_ONCE = 4;
/** Milliseconds between two looks for what is due again, or was left behind by a process that died. */
const LOOK_EVERY = 5_000;
/** Milliseconds of one attempt, well below the time for which a claim holds. */
const ATTEMPT_TIMEOUT = 60_000;
/** Milliseconds that mails on their way get when the process stops. */
const FINISH_WITHIN = 1_500;

export interface SenderOptions {
  database: Database;
  queue: MailQueue;
  seal: Seal;
  transport: Transport;
  logger: Logger;
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #cut = new AbortController();
  #claiming: Promise<void> | undefined;
  #again = false;
  #isRunning = false;
  #isFailing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    this.#timer = setInterval(() => this.wake(), LOOK_EVERY);
    this.#timer.unref();
    this.wake();
  }

  /** There may be something to send. */
  wake(): void {
    this.#again = true;
    if (!this.#isRunning || this.#claiming) return;
    // The database may be away: the next look comes soon. Anything else is a defect.
    this.#claiming = this.#claimAll()
      .catch((error: unknown) => {
        if (!(error instanceof AppError)) this.#options.logger.error({ err: error }, 'a defect');
      })
      .finally(() => {
        this.#claiming = undefined;
      });
  }

  /** Takes on nothing more, and gives what is under way a moment; what does not make it is free for the next sender. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    clearInterval(this.#timer);
    const late = setTimeout(() => this.#cut.abort(), FINISH_WITHIN);
    await this.#claiming;
    await Promise.all(this.#underWay);
    clearTimeout(late);
  }

  async #claimAll(): Promise<void> {
    while (this.#again && this.#isRunning) {
      this.#again = false;
      const free = AT_ONCE - this.#underWay.size;
      if (free === 0) return; // the first to finish looks again
      const { database } = this.#options;
      const claimed = await database.transaction((transaction) => transaction.query(claimMail, [free]));
      for (const mail of claimed) this.#track(this.#deliver(mail));
    }
  }

  #track(delivery: Promise<void>): void {
    const tracked = delivery
      // The claim runs out, and the mail is sent once more: at least once.
      .catch((error: unknown) => this.#options.logger.warn({ err: error }, 'a mail will be sent again'))
      .finally(() => {
        this.#underWay.delete(tracked);
        this.wake();
      });
    this.#underWay.add(tracked);
  }

  async #deliver(mail: ClaimedMail): Promise<void> {
    if (mail.is_late) return this.#giveUp(mail, mail.last_failure ?? 'nobody could send it in time');
    try {
      const letter = await this.#letterOf(mail);
      if (!letter) return;
      await this.#send(mail, letter);
    } catch (error) {
      if (this.#cut.signal.aborted) return this.#change(releaseMail, [mail.id, mail.attempts]);
      if (isFinal(error)) return this.#giveUp(mail, describeFailure(error));
      return this.#postpone(mail, error);
    }
    await this.#change(markSent, [mail.id]);
  }

  /** Undefined when there is nothing to send after all. */
  async #letterOf(mail: ClaimedMail): Promise<Letter | undefined> {
    const opened = this.#options.seal.open(mail.id, mail.sealed);
    return 'facts' in opened ? this.#writtenFrom(opened, mail) : opened;
  }

  /** The letter takes the place of its draft together with all that its writer has done: a later attempt finds the letter. */
  #writtenFrom(
    draft: Draft,
    { id, attempts, created_at: askedAt }: ClaimedMail,
  ): Promise<Letter | undefined> {
    const { database, queue, seal } = this.#options;
    return database.transaction(async (transaction) => {
      const letter = await queue.write(transaction, draft, askedAt);
      if (!letter) {
        transaction.queue(deleteMail, [id]);
        return undefined;
      }
      const { userId = null, usefulFor = PATIENCE } = letter;
      const values = [id, attempts, seal.close(id, letter), userId, usefulFor];
      const [kept] = await transaction.query(keepLetter, values);
      if (!kept) throw new Error('Another sender has claimed the mail');
      return letter;
    });
  }

  async #send({ id, created_at: createdAt }: ClaimedMail, letter: Letter): Promise<void> {
    const { transport, logger } = this.#options;
    const signal = AbortSignal.any([this.#cut.signal, AbortSignal.timeout(ATTEMPT_TIMEOUT)]);
    const where = await transport.send({ id, createdAt, letter }, signal);
    if (this.#isFailing) logger.info('Mails can be sent again.');
    this.#isFailing = false;
    // Never the link, never the address: where it is says enough.
    logger.info({ mail: id }, `A mail (${letter.kind}) ${where}.`);
  }

  async #postpone(mail: ClaimedMail, error: unknown): Promise<void> {
    const { logger } = this.#options;
    const failure = describeFailure(error);
    const pause = pauseAfter(mail.attempts);
    // One warning for each outage, not one for each mail.
    const level = this.#isFailing ? 'debug' : 'warn';
    if (!(error instanceof SealError)) this.#isFailing = true;
    logger[level](
      { mail: mail.id },
      `A mail (${mail.kind}) could not be sent (${failure}); it will be tried again.`,
    );
    await this.#change(postponeMail, [mail.id, mail.attempts, pause, failure]);
  }

  async #giveUp(mail: ClaimedMail, failure: string): Promise<void> {
    const { id, kind, attempts } = mail;
    await this.#change(markGivenUp, [id, failure]);
    this.#options.logger.error(
      { mail: id },
      `A mail (${kind}) was given up after ${attempts} attempts: ${failure}.`,
    );
  }

  async #change(statement: typeof markSent, values: readonly (string | number)[]): Promise<void> {
    await this.#options.database.transaction(async (transaction) => transaction.queue(statement, values));
  }
}
