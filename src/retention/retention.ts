// Ends what has had its time: sessions, kept answers, security events, the trash after 30 days, tombstones after 90.
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import type { WriteStatement } from '../database/statement.ts';
import { writeForUser } from '../sync/user-write.ts';
import {
  blankTrash,
  deleteEndedMails,
  deleteExpiredLinks,
  deleteExpiredSessions,
  deleteExpiredTokens,
  deleteExpiredVerifications,
  deleteOldAddresses,
  deleteOldAnswers,
  deleteOldEvents,
  deleteOldTombstones,
  raiseFloor,
  usersWithOldTombstones,
} from './repository.ts';

const EVERY = 60 * 60 * 1000;
const USERS_AT_ONCE = 100;
const ROWS_AT_ONCE = 1_000;

async function endAll(database: Database, statement: WriteStatement<{ ended: number }>): Promise<void> {
  for (;;) {
    const [row] = await database.transaction((transaction) => transaction.query(statement, [ROWS_AT_ONCE]));
    if ((row?.ended ?? 0) < ROWS_AT_ONCE) return;
  }
}

async function deleteTombstones(database: Database): Promise<void> {
  for (;;) {
    const users = await database.read(usersWithOldTombstones, [USERS_AT_ONCE]);
    for (const { user_id } of users) {
      await writeForUser({ database }, user_id, async ({ transaction }) => {
        const gone = await transaction.query(deleteOldTombstones, [user_id]);
        if (gone.length > 0)
          transaction.queue(raiseFloor, [user_id, Math.max(...gone.map(({ rev }) => rev))]);
      });
    }
    if (users.length < USERS_AT_ONCE) return;
  }
}

/** One round. Safe at any time and on any number of nodes. */
export async function applyRetention(database: Database): Promise<void> {
  for (const statement of [
    deleteExpiredSessions,
    deleteExpiredTokens,
    deleteExpiredVerifications,
    deleteOldAnswers,
    deleteOldAddresses,
    deleteEndedMails,
    deleteExpiredLinks,
    deleteOldEvents,
    blankTrash,
  ]) {
    await endAll(database, statement);
  }
  await deleteTombstones(database);
}

/** Applies retention now and every hour. @returns what stops it, after a round in progress has ended. */
export function scheduleRetention(database: Database, logger: Logger): () => Promise<void> {
  let round = Promise.resolve();
  const run = () => {
    round = round
      .then(() => applyRetention(database))
      .catch((error: unknown) => logger.warn({ err: error }, 'retention will be tried again in an hour'));
  };
  const timer = setInterval(run, EVERY);
  timer.unref();
  run();
  return async () => {
    clearInterval(timer);
    await round;
  };
}
