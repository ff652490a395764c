// PostgreSQL processes that a killed server has left on the cluster: ended before a new one may start.
import { readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgresError, errorCode } from './error.ts';
import { isRunning, postgresProcessesIn } from './processes.ts';

const SIGNALS = [
  // Fast shutdown: sessions are ended, everything is written out.
  { signal: 'SIGINT', patienceMs: 6_000 },
  // Immediate: the next start recovers from the write-ahead log, nothing acknowledged is lost.
  { signal: 'SIGQUIT', patienceMs: 5_000 },
  { signal: 'SIGKILL', patienceMs: 5_000 },
] as const;

/**
 * Stopping and starting afresh is simpler and safer than adopting: the pipes of the old process are broken and its
 * settings may be those of an older release. Only under the lock of the data directory. Answers the private socket
 * directory that the last PostgreSQL used and did not live to give up.
 */
export async function endLeftovers(
  cluster: string,
  log: (message: string) => void,
): Promise<string | undefined> {
  const pidFile = path.join(cluster, 'postmaster.pid');
  const [pidLine = '', , , portLine = '', socketDir = ''] = (
    await readFile(pidFile, 'utf8').catch(() => '')
  ).split('\n');
  const pid = /^[1-9]\d*$/.test(pidLine) ? Number(pidLine) : undefined;
  let left = await postgresProcessesIn(cluster, pid);
  if (pid !== undefined && left.includes(pid)) {
    log(`The PostgreSQL that a killed server left running (process ${pid}) is being stopped.`);
  }
  for (const { signal, patienceMs } of SIGNALS) {
    // Only the postmaster is told while it lives: it ends its children in order.
    const told = pid !== undefined && left.includes(pid) ? [pid] : left;
    for (const each of told) send(each, signal);
    for (let waited = 0; left.length > 0 && waited < patienceMs; waited += 20) {
      await delay(20);
      left = await postgresProcessesIn(cluster, pid);
    }
  }
  if (left.length > 0) {
    throw new EmbeddedPostgresError(
      `Another PostgreSQL (process ${left[0]}) runs on ${cluster} and cannot be stopped.`,
    );
  }
  // Nobody is at work here, so the pid now belongs to a stranger or a zombie, for which PostgreSQL would not start.
  if (pid !== undefined && isPresent(pid)) await rm(pidFile, { force: true });
  if (!path.basename(socketDir).startsWith(SOCKET_DIRECTORY)) return undefined;
  // A copy of the files of a running server names the socket of that server.
  return (await isAnswered(path.join(socketDir, `.s.PGSQL.${portLine}`))) ? undefined : socketDir;
}

/** Only who is certainly not there is not: a server with too many at its door refuses in other words. */
export function isAnswered(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => {
      connection.destroy();
      resolve(true);
    }).once('error', (error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(errorCode(error) ?? '')));
  });
}

/** How the private socket directories are called, by which stale ones are known. */
export const SOCKET_DIRECTORY = 'donewell-pg-';

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

function isPresent(pid: number): boolean {
  if (isRunning(pid)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
