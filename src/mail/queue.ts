// The queue: a letter is put into the database together with what causes it, and is on its way once that has committed.
import { randomUUID } from 'node:crypto';
import { EMAIL_PATTERN } from '../../contract/auth.ts';
import type { Transaction } from '../database/database.ts';
import type { Draft, Letter } from './letter.ts';
import { deleteWaiting, insertMail } from './repository.ts';
import type { Seal } from './seal.ts';

/** Seconds for which a letter without a link is tried. */
export const PATIENCE = 3 * 24 * 60 * 60;

/**
 * Writes the letter of a draft, in the transaction that keeps it. What it does besides happens once, with the letter.
 * @param askedAt when the draft was posted.
 * @returns undefined when there is nobody to write to, or nothing to tell any more.
 */
export type Writer = (transaction: Transaction, draft: Draft, askedAt: string) => Promise<Letter | undefined>;

function assertRecipient({ kind, to }: Letter): void {
  if (!EMAIL_PATTERN.test(to)) throw new Error(`A letter (${kind}) has no valid recipient`);
}

export class MailQueue {
  readonly #seal: Seal;
  readonly #writers = new Map<string, Writer>();
  #wake = () => {};

  constructor(seal: Seal) {
    this.#seal = seal;
  }

  /** Who is told that there is something to send. */
  onPosted(wake: () => void): void {
    this.#wake = wake;
  }

  /** Who writes the drafts of a kind. */
  onDraft(kind: string, writer: Writer): void {
    this.#writers.set(kind, writer);
  }

  /**
   * Puts a letter into the queue. Nothing is sent unless the transaction commits, and no request waits for the sending.
   * @throws Error for a recipient that is no address: such a one must not have got here.
   */
  post(transaction: Transaction, letter: Letter | Draft): void {
    if ('to' in letter) assertRecipient(letter);
    const { kind, userId = null, usefulFor = PATIENCE } = letter;
    const id = randomUUID();
    transaction.queue(insertMail, [id, kind, userId, this.#seal.close(id, letter), usefulFor]);
    transaction.afterCommit(this.#wake);
  }

  /** Takes back what waits since before `askedAt`, for a letter that makes it out of date. */
  supersede(transaction: Transaction, userId: string, kind: string, askedAt: string): void {
    transaction.queue(deleteWaiting, [userId, kind, askedAt]);
  }

  async write(transaction: Transaction, draft: Draft, askedAt: string): Promise<Letter | undefined> {
    const writer = this.#writers.get(draft.kind);
    if (!writer) throw new Error(`Nobody writes drafts of the kind ${draft.kind}`);
    const letter = await writer(transaction, draft, askedAt);
    if (letter) assertRecipient(letter);
    return letter;
  }
}
