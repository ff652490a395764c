// Where the owner of an account is signed in.
import type { SessionList } from '../../contract/account.ts';
import type { Actor } from '../auth/caller.ts';
import type { Database } from '../database/database.ts';
import { deviceOf } from '../http/client.ts';
import { listSessions } from './repository.ts';

export async function readSessions(database: Database, { userId, sessionId }: Actor): Promise<SessionList> {
  const rows = await database.read(listSessions, [userId, sessionId]);
  const sessions = rows.map(({ id, user_agent, ...times }) => {
    return { id, current: id === sessionId, device: deviceOf(user_agent), user_agent, ...times };
  });
  return { sessions };
}
