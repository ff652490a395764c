// The queue: a letter is put into the database together with what causes it, and is on its way once that has committed.
import { randomUUID } from 'node:crypto';
import { EMAIL_PATTERN } from '../../contract/auth.ts';
import type { Transaction } from '../database/database.ts';
import type { Letter } from './letter.ts';
import { insertMail } from './repository.ts';
import type { Seal } from './seal.ts';

/** Seconds for which a letter without a link is tried. */
const PATIENCE = 3 * 24 * 60 * 60;

export class MailQueue {
  readonly #seal: Seal;
  #wake = () => {};

  constructor(seal: Seal) {
    this.#seal = seal;
  }

  /** Who is told that there is something to send. */
  onPosted(wake: () => void): void {
    this.#wake = wake;
  }

  /**
   * Puts a letter into the queue. Nothing is sent unless the transaction commits, and no request waits for the sending.
   * @throws Error for a recipient that is no address: such a one must not have got here.
   */
  post(transaction: Transaction, letter: Letter): void {
    if (!EMAIL_PATTERN.test(letter.to)) throw new Error(`A letter (${letter.kind}) has no valid recipient`);
    const id = randomUUID();
    const usefulFor = letter.usefulFor ?? PATIENCE;
    transaction.queue(insertMail, [
      id,
      letter.kind,
      letter.userId ?? null,
      this.#seal.close(id, letter),
      usefulFor,
    ]);
    transaction.afterCommit(this.#wake);
  }
}
