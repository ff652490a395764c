// Finds the private PostgreSQL of a server that is running on a data directory, for commands beside that server.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DATABASE, readPassword, SUPERUSER } from './cluster.ts';
import type { Connection } from './postmaster.ts';

// Lines of postmaster.pid, see PostgreSQL's src/include/utils/pidfile.h.
const PORT_LINE = 3;
const SOCKET_DIRECTORY_LINE = 4;

/** How to connect to it, or undefined when none is running there. Only the user who runs the server may read this. */
export async function runningPostgres(dataDir: string): Promise<Connection | undefined> {
  const cluster = path.join(path.resolve(dataDir), 'postgres');
  try {
    const lines = (await readFile(path.join(cluster, 'postmaster.pid'), 'utf8')).split('\n');
    const host = lines[SOCKET_DIRECTORY_LINE]?.trim() ?? '';
    const password = await readPassword(cluster);
    return { host, port: Number(lines[PORT_LINE]), user: SUPERUSER, password, database: DATABASE };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
