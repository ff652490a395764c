// As whom PostgreSQL runs: it refuses to be root, so a root server lends it an existing ordinary account.
import { readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { EmbeddedPostgresError } from './error.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Undefined: we are an ordinary user, and PostgreSQL runs as ourselves. */
export type RunAs = Account | undefined;

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * The account for PostgreSQL. Whoever owns the cluster keeps it, so that the choice never changes under existing data;
 * then the owner of the data directory, so that `sudo` in one's own checkout leaves nothing of a stranger's there.
 */
export function chooseAccount(cluster: Stats | undefined, dataDir: Stats): RunAs {
  if (!isRoot()) return undefined;
  const accounts = readAccounts();
  const byId = (uid: number) => accounts.find((account) => account.uid === uid && uid !== 0);
  const byName = (name: string) => accounts.find((account) => account.name === name && account.uid !== 0);
  if (cluster && cluster.uid !== 0) return byId(cluster.uid) ?? fromOwner(cluster);
  // initdb wants an account with a name, which the owner of a container's volume may not have.
  const account = byId(dataDir.uid) ?? byName('postgres') ?? byName('nobody');
  if (account) return account;
  throw new EmbeddedPostgresError(
    'PostgreSQL refuses to run as root and there is neither a user "postgres" nor "nobody" to run it as: start the server as an ordinary user, or set DATABASE_URL.',
  );
}

/** An owner without a line in /etc/passwd, as volumes of containers have. */
function fromOwner(owned: Stats): Account {
  return { name: `uid ${owned.uid}`, uid: owned.uid, gid: owned.gid === 0 ? owned.uid : owned.gid };
}

function readAccounts(): Account[] {
  let text = '';
  try {
    text = readFileSync('/etc/passwd', 'utf8');
  } catch {
    // A bare container: owners of directories are all there is to go by.
  }
  return text.split('\n').flatMap((line) => {
    const [name = '', , uid = '', gid = ''] = line.split(':');
    return /^\d+$/.test(uid) && /^\d+$/.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
}

/** Whether the account may walk down to this existing path, through every directory above it. */
export function canReach(target: string, account: RunAs): boolean {
  if (!account) return true;
  const real = realpathSync(target);
  for (let step = statSync(real).isDirectory() ? real : path.dirname(real); ; step = path.dirname(step)) {
    if (!permits(statSync(step), account, 0o1)) return false;
    if (step === path.dirname(step)) return true;
  }
}

/** Whether the account may also read the file itself. */
export function canRead(file: string, account: RunAs): boolean {
  return !account || (canReach(file, account) && permits(statSync(file), account, 0o4));
}

/** `bits` as for one class of users: 4 read, 1 enter. */
function permits(entry: Stats, account: Account, bits: number): boolean {
  if (entry.uid === account.uid) return (entry.mode & (bits << 6)) !== 0;
  if (entry.gid === account.gid) return (entry.mode & (bits << 3)) !== 0;
  return (entry.mode & bits) !== 0;
}

/** What `spawn` needs to start a program as the account. */
export function spawnAs(account: RunAs): { uid?: number; gid?: number } {
  return account ? { uid: account.uid, gid: account.gid } : {};
}

export function nameOf(account: RunAs): string {
  return account ? `the user ${account.name}` : 'this user';
}
