// What the person who runs the server does with accounts and invitations: the decisions.
import { randomBytes, randomUUID } from 'node:crypto';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { removeAccount } from '../auth/account-deletion.ts';
import { hashPassword } from '../auth/passwords.ts';
import { invitationHash } from '../auth/sign-up-policy.ts';
import { cleanName, emailFault, nameFault } from '../auth/user-rules.ts';
import type { Database } from '../database/database.ts';
import { isUniqueViolation } from '../database/failure.ts';
import {
  type AccountRow,
  accountByName,
  accountsAfter,
  deleteInvitation,
  deleteSessions,
  insertInvitation,
  insertUser,
  lockUser,
  recentInvitations,
  setDisabled,
  setPassword,
  turnSecondFactorOff,
} from './repository.ts';

/** What the operator asked for cannot be done. The message is one line for a person. */
export class OperatorError extends Error {}

const PAGE = 500;
const INVITATIONS = 1_000;
/** Bytes of a password or an invitation's code that nobody guesses. */
const SECRET_BYTES = 18;

/** The database, and the trail in which users read what an operator did with their accounts. */
export interface Operations {
  database: Database;
  audit: AuditTrail;
}

function secret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** Every account, page by page, by id. */
export async function* accounts({ database }: Operations): AsyncGenerator<AccountRow> {
  for (let after = ''; ; ) {
    const page = await database.read(accountsAfter, [after, PAGE]);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? '';
  }
}

/** @param name the e-mail or the id. @throws OperatorError when there is no such account. */
export async function findAccount({ database }: Operations, name: string): Promise<AccountRow> {
  const [account] = await database.read(accountByName, [name.trim().toLowerCase()]);
  if (!account) throw new OperatorError(`There is no account ${name}.`);
  return account;
}

/** A disabled account is signed out everywhere at once and cannot sign in; its tasks stay. */
export async function setAccountDisabled(
  { database, audit }: Operations,
  userId: string,
  disabled: boolean,
): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.query(lockUser, [userId]);
    transaction.queue(setDisabled, [userId, disabled]);
    if (disabled) transaction.queue(deleteSessions, [userId]);
    audit.add(transaction, { userId, kind: disabled ? 'account_disabled' : 'account_enabled' });
  });
}

/** Deletes the account with everything that is its. */
export async function deleteAccount({ database, audit }: Operations, userId: string): Promise<void> {
  await database.transaction((transaction) => removeAccount(transaction, audit, userId));
}

/** Gives the account a new password and ends its sessions. @returns the password, which is kept nowhere. */
export async function resetPassword({ database, audit }: Operations, userId: string): Promise<string> {
  const password = secret();
  const hash = await hashPassword(password);
  await database.transaction(async (transaction) => {
    await transaction.query(lockUser, [userId]);
    transaction.queue(setPassword, [randomUUID(), userId, hash]);
    transaction.queue(deleteSessions, [userId]);
    audit.add(transaction, { userId, kind: 'password_reset_by_operator' });
  });
  return password;
}

/** For an owner who has lost both phone and recovery codes: the password alone lets in again. Ends the sessions. */
export async function removeSecondFactor({ database, audit }: Operations, userId: string): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.query(lockUser, [userId]);
    transaction.queue(turnSecondFactorOff, [userId]);
    transaction.queue(deleteSessions, [userId]);
    audit.add(transaction, { userId, kind: 'two_factor_removed_by_operator' });
  });
}

/** Makes an account whatever SIGNUP says. @returns its password, which is kept nowhere. */
export async function createAccount(
  { database, audit }: Operations,
  given: { email: string; name: string },
): Promise<string> {
  const name = cleanName(given.name);
  const email = given.email.trim().toLowerCase();
  for (const [field, fault] of [
    ['e-mail', emailFault(email)],
    ['name', nameFault(name)],
  ])
    if (fault !== undefined) throw new OperatorError(`The ${field} ${fault}.`);
  const [id, password] = [randomUUID(), secret()];
  const hash = await hashPassword(password);
  await database
    .transaction(async (transaction) => {
      transaction.queue(insertUser, [id, name, email]);
      transaction.queue(setPassword, [randomUUID(), id, hash]);
      audit.add(transaction, { userId: id, kind: 'signed_up' });
    })
    .catch((error: unknown) => {
      if (isUniqueViolation(error)) throw new OperatorError(`There is already an account ${email}.`);
      throw error;
    });
  return password;
}

export interface Invitation {
  id: string;
  /** What the link carries; only its hash is kept. */
  code: string;
  expires_at: string;
}

/** @param email whom it is for; undefined for anybody who has the link. @param days how long it can be used. */
export async function createInvitation(
  { database }: Operations,
  { email, days }: { email: string | undefined; days: number },
): Promise<Invitation> {
  const address = email?.trim().toLowerCase();
  const fault = address === undefined ? undefined : emailFault(address);
  if (fault !== undefined) throw new OperatorError(`The e-mail ${fault}.`);
  const [id, code] = [randomUUID(), secret()];
  const [made] = await database.transaction((transaction) =>
    transaction.query(insertInvitation, [id, invitationHash(code), address ?? null, days]),
  );
  return { id, code, expires_at: made?.expires_at ?? '' };
}

/** The newest thousand. */
export function invitations({ database }: Operations) {
  return database.read(recentInvitations, [INVITATIONS]);
}

/** @throws OperatorError when there is no such invitation, or it was used. */
export async function revokeInvitation({ database }: Operations, id: string): Promise<void> {
  const [gone] = await database.transaction((transaction) => transaction.query(deleteInvitation, [id]));
  if (!gone) throw new OperatorError(`There is no unused invitation ${id}.`);
}
