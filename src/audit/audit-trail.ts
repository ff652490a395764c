// The audit trail: what happened to an account, kept for its owner and told to the log, one line each.
import type { Logger } from 'pino';
import type { SecurityEventDetails, SecurityEventKind } from '../../contract/security-events.ts';
import type { Database, Transaction } from '../database/database.ts';
import type { Client } from '../http/client.ts';
import { insertEvent, insertEventByEmail } from './repository.ts';

export interface SecurityEvent {
  userId: string;
  kind: SecurityEventKind;
  /** Who did it; absent for what an operator or the server itself did. */
  client?: Client | undefined;
  /** The session that it was done with, or that it is about. */
  sessionId?: string | undefined;
  details?: SecurityEventDetails;
}

const USER_AGENT_LENGTH = 512;
/** The log tells sessions apart, but has no id that could be shown to anybody. */
const LOGGED_SESSION_LENGTH = 8;

function clientValues(client: Client | undefined): [address: string | null, userAgent: string | null] {
  const userAgent = client?.userAgent.slice(0, USER_AGENT_LENGTH) ?? '';
  return [client?.address ?? null, userAgent === '' ? null : userAgent];
}

export class AuditTrail {
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #underWay = new Set<Promise<void>>();
  #listener: (transaction: Transaction, event: SecurityEvent) => void = () => {};

  constructor(database: Database, logger: Logger) {
    this.#database = database;
    this.#logger = logger;
  }

  /** Who hears of each event, in the transaction that keeps it, and may add to that. It must not throw. */
  onAdded(listener: (transaction: Transaction, event: SecurityEvent) => void): void {
    this.#listener = listener;
  }

  /** Inside the transaction of the change that it tells of: the event is kept, and logged, exactly when the change is. */
  add(transaction: Transaction, event: SecurityEvent): void {
    const { userId, kind, client, sessionId = null, details = {} } = event;
    const values = [userId, kind, ...clientValues(client), sessionId, JSON.stringify(details)];
    transaction.queue(insertEvent, values);
    this.#listener(transaction, event);
    transaction.afterCommit(() => this.#log(event));
  }

  /**
   * Of what has already happened, through Better Auth for instance. Never throws: what is done is done, and an account that
   * is gone by now needs no event; whatever else fails is logged together with the event.
   */
  async record(event: SecurityEvent): Promise<void> {
    await this.#database
      .transaction(async (transaction) => this.add(transaction, event))
      .catch((error: unknown) => this.#failed(event, error));
  }

  /** A sign-in that was refused. Nobody waits for it, and an unknown e-mail takes the same way: no answer tells the two apart. */
  recordFailedSignIn(email: string, client: Client): void {
    const kind = 'sign_in_failed';
    const values = [email.toLowerCase(), kind, ...clientValues(client)];
    this.#inBackground(async () => {
      const rows = await this.#database.transaction((transaction) =>
        transaction.query(insertEventByEmail, values),
      );
      for (const { user_id } of rows) this.#log({ userId: user_id, kind, client });
    });
  }

  /** Of an account whose trail goes with it: one line in the log, after the commit, that says no more than which it was. */
  tellDeletion(transaction: Transaction, userId: string): void {
    transaction.afterCommit(() =>
      this.#logger.info({ event: 'account_deleted', user: userId }, 'security event'),
    );
  }

  /** Ends when all events that nobody waited for have been written. */
  async close(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #inBackground(work: () => Promise<void>): void {
    const done: Promise<void> = work()
      .catch((error: unknown) => this.#logger.warn({ err: error }, 'a security event could not be kept'))
      .finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  #log({ userId, kind, client, sessionId, details = {} }: SecurityEvent): void {
    const { ended_session: ended, ...others } = details;
    const line = {
      event: kind,
      user: userId,
      session: sessionId?.slice(0, LOGGED_SESSION_LENGTH),
      address: client?.address,
      details:
        typeof ended === 'string' ? { ...others, ended: ended.slice(0, LOGGED_SESSION_LENGTH) } : details,
    };
    this.#logger.info(line, 'security event');
  }

  #failed(event: SecurityEvent, error: unknown): void {
    this.#logger.warn({ err: error }, 'a security event could not be kept');
    this.#log(event);
  }
}
