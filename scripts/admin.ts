// `npm run admin -- <what>`: accounts and invitations, for the person who runs the server.
import { parseArgs } from 'node:util';
import pino from 'pino';
import { AuditTrail } from '../src/audit/audit-trail.ts';
import { ConfigError, loadSettings, publicUrlOf, readEnvironment, type Settings } from '../src/config.ts';
import { Database } from '../src/database/database.ts';
import { EmbeddedPostgresError } from '../src/database/embedded.ts';
import { MigrationError } from '../src/database/migrate.ts';
import { reachDatabase } from '../src/database/reach.ts';
import { AppError } from '../src/errors.ts';
import {
  accounts,
  createAccount,
  createInvitation,
  deleteAccount,
  findAccount,
  invitations,
  type Operations,
  OperatorError,
  removeSecondFactor,
  resetPassword,
  revokeInvitation,
  setAccountDisabled,
} from '../src/operators/service.ts';

const USAGE = `Usage: npm run admin -- <what>

  user list                                    every account
  user create <e-mail> [--name <name>]         make an account; prints its password
  user disable <e-mail or id>                  sign it out everywhere and let it in no more
  user enable <e-mail or id>                   let it in again
  user reset-password <e-mail or id>           give it a new password; prints it
  user remove-second-factor <e-mail or id>     for who has lost phone and recovery codes
  user delete <e-mail or id> --yes             delete it with all its tasks
  invitation create [--email <e-mail>] [--days <1-365>]   print a link by which one account can be made
  invitation list                              the newest invitations
  invitation revoke <id>                       make an unused one useless
`;

interface Call {
  operations: Operations;
  settings: Settings;
  /** What follows the command's two words. */
  name: string | undefined;
  options: {
    name?: string | undefined;
    email?: string | undefined;
    days?: string | undefined;
    yes?: boolean | undefined;
  };
}

class UsageError extends Error {}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What people have typed must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '�');
}

function given({ name }: Call): string {
  if (name === undefined) throw new UsageError('Whom?');
  return name;
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

async function listUsers({ operations }: Call): Promise<void> {
  let count = 0;
  for await (const { id, email, name, disabled_at, sessions, tasks, created_at } of accounts(operations)) {
    const state = disabled_at === null ? '' : '  disabled';
    const figures = `${counted(tasks, 'task')}  ${counted(sessions, 'session')}  since ${created_at.slice(0, 10)}`;
    print(`${id}  ${email}  ${printable(name)}  ${figures}${state}`);
    count++;
  }
  print(`${counted(count, 'account')}.`);
}

async function createUser(call: Call): Promise<void> {
  const email = given(call);
  const password = await createAccount(call.operations, {
    email,
    name: call.options.name ?? email.split('@')[0] ?? '',
  });
  print(`Made the account ${email}. Its password, which is shown only now: ${password}`);
}

async function disableUser(call: Call): Promise<void> {
  const { id, email } = await findAccount(call.operations, given(call));
  await setAccountDisabled(call.operations, id, true);
  print(`${email} is signed out everywhere and cannot sign in.`);
}

async function enableUser(call: Call): Promise<void> {
  const { id, email } = await findAccount(call.operations, given(call));
  await setAccountDisabled(call.operations, id, false);
  print(`${email} can sign in.`);
}

async function resetUserPassword(call: Call): Promise<void> {
  const { id, email } = await findAccount(call.operations, given(call));
  const password = await resetPassword(call.operations, id);
  print(`${email} is signed out everywhere. The new password, which is shown only now: ${password}`);
}

async function removeFactor(call: Call): Promise<void> {
  const { id, email } = await findAccount(call.operations, given(call));
  await removeSecondFactor(call.operations, id);
  print(`${email} is signed out everywhere and signs in with the password alone.`);
}

async function deleteUser(call: Call): Promise<void> {
  const { id, email, tasks } = await findAccount(call.operations, given(call));
  if (!call.options.yes)
    throw new UsageError(`This deletes ${email} with ${tasks} tasks for good. Say it again with --yes.`);
  await deleteAccount(call.operations, id);
  print(`Deleted ${email}.`);
}

async function invite({ operations, settings, options }: Call): Promise<void> {
  const days = Number(options.days ?? '7');
  if (!Number.isInteger(days) || days < 1 || days > 365)
    throw new UsageError('--days must be a whole number from 1 to 365.');
  const { id, code, expires_at } = await createInvitation(operations, { email: options.email, days });
  print(`${publicUrlOf(settings)}/#invitation=${code}`);
  print(`Invitation ${id}; it can be used once, until ${expires_at}. The link is shown only now.`);
  if (settings.PUBLIC_URL === undefined)
    print('PUBLIC_URL is not set here: if people reach the server elsewhere, put that address in front.');
}

async function listInvitations({ operations }: Call): Promise<void> {
  for (const { id, email, expires_at, used_at, used_by } of await invitations(operations)) {
    const state =
      used_at === null ? `until ${expires_at}` : `used ${used_at} by ${used_by ?? 'a deleted account'}`;
    print(`${id}  ${email ?? 'anybody'}  ${state}`);
  }
}

async function revoke(call: Call): Promise<void> {
  await revokeInvitation(call.operations, given(call));
  print('The invitation cannot be used any more.');
}

const COMMANDS: Record<string, (call: Call) => Promise<void>> = {
  'user list': listUsers,
  'user create': createUser,
  'user disable': disableUser,
  'user enable': enableUser,
  'user reset-password': resetUserPassword,
  'user remove-second-factor': removeFactor,
  'user delete': deleteUser,
  'invitation create': invite,
  'invitation list': listInvitations,
  'invitation revoke': revoke,
};

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        name: { type: 'string' },
        email: { type: 'string' },
        days: { type: 'string' },
        yes: { type: 'boolean' },
      },
    });
    const [noun, verb, name, ...rest] = positionals;
    const run = rest.length === 0 ? COMMANDS[`${noun} ${verb}`] : undefined;
    if (!run) throw new UsageError('');
    return { run, name, options: values };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message);
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.some((arg) => arg === '--help' || arg === '-h')) return void process.stdout.write(USAGE);
  const { run, name, options } = parse(args);
  const logger = pino({ level: 'silent' });
  const settings = loadSettings(readEnvironment(process.cwd(), process.env));
  const { connection, stop } = await reachDatabase(settings, logger);
  const database = new Database({
    connection,
    poolMode: settings.DATABASE_POOL_MODE,
    poolSize: 2,
    log: () => {},
  });
  try {
    const audit = new AuditTrail(database, logger);
    await run({ operations: { database, audit }, settings, name, options });
  } finally {
    await database.close();
    await stop();
  }
}

await main().catch((error: unknown) => {
  if (error instanceof UsageError) process.stderr.write(`${error.message || USAGE.trimEnd()}\n`);
  else {
    const mendable = [OperatorError, ConfigError, MigrationError, EmbeddedPostgresError, AppError];
    const known = mendable.some((kind) => error instanceof kind);
    process.stderr.write(`${known ? (error as Error).message : (error as Error).stack}\n`);
  }
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
