// One user's writes in this process wait for each other here, before they take a connection: otherwise a user who sends a
// hundred at once would hold every connection of the pool, each waiting for the same row.
import { overloaded } from '../database/failure.ts';

/** Writes of one user that may wait. */
const LONGEST_QUEUE = 500;
/** Milliseconds after which waiting is given up: behind a database that hangs, all would otherwise wait for all. */
const PATIENCE = 10_000;

interface Queue {
  last: Promise<unknown>;
  length: number;
}

const queues = new Map<string, Queue>();

/** Runs `work` after all earlier work of the same user has ended. @throws AppError `overloaded` (503) when too much waits. */
export async function inTurn<Result>(userId: string, work: () => Promise<Result>): Promise<Result> {
  const queue = queues.get(userId) ?? { last: Promise.resolve(), length: 0 };
  if (queue.length >= LONGEST_QUEUE) throw overloaded();
  queues.set(userId, queue);
  queue.length++;
  const since = Date.now();
  const turn = queue.last.then(() => {
    if (Date.now() - since > PATIENCE) throw overloaded();
    return work();
  });
  queue.last = turn.catch(() => {});
  try {
    return await turn;
  } finally {
    queue.length--;
    if (queue.length === 0) queues.delete(userId);
  }
}
