// The profile: what may be stored in it, by the rules of sign-up, and that a change is told to the owner's trail.
import { type Account, AccountChange, TIME_ZONE_FAULT } from '../../contract/account.ts';
import type { FieldError } from '../../contract/errors.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Actor } from '../auth/caller.ts';
import { unauthenticated } from '../auth/guard.ts';
import { cleanName, imageFault, nameFault } from '../auth/user-rules.ts';
import type { Database } from '../database/database.ts';
import { codeOf } from '../database/failure.ts';
import { validationError } from '../errors.ts';
import { errorsIn } from '../http/input.ts';
import { isTimeZone, postgresZone, UNKNOWN_ZONE_SQLSTATE } from '../text/time-zone.ts';
import { accountById, lockAccount, probeTimeZone, updateProfile } from './repository.ts';

const FIELDS = ['name', 'image', 'time_zone'] as const;

const UNKNOWN_ZONE = { path: 'time_zone', message: TIME_ZONE_FAULT };

function cleanFields(change: AccountChange, errors: FieldError[]): AccountChange {
  const clean: AccountChange = {};
  const note = (path: string, message: string | undefined) => {
    if (message !== undefined) errors.push({ path, message });
  };
  if (change.name !== undefined) {
    clean.name = cleanName(change.name);
    note('name', nameFault(clean.name));
  }
  if (change.image !== undefined) {
    clean.image = change.image === '' ? null : change.image;
    if (clean.image !== null) note('image', imageFault(clean.image));
  }
  if (change.time_zone !== undefined) {
    clean.time_zone = change.time_zone === '' ? null : change.time_zone;
    if (clean.time_zone !== null && !isTimeZone(clean.time_zone)) errors.push(UNKNOWN_ZONE);
  }
  return clean;
}

/** @throws AppError `validation_error` naming every field that cannot be stored. */
export function cleanAccountChange(body: unknown): AccountChange {
  const errors = errorsIn(AccountChange, body);
  if (errors.some(({ path }) => path === '')) throw validationError(errors);
  const refused = new Set(errors.map(({ path }) => path));
  const sound = Object.fromEntries(Object.entries(body as object).filter(([field]) => !refused.has(field)));
  const clean = cleanFields(sound, errors);
  if (errors.length > 0) throw validationError(errors);
  return clean;
}

export async function readAccount(database: Database, userId: string): Promise<Account> {
  const [account] = await database.read(accountById, [userId]);
  if (!account) throw unauthenticated();
  return account;
}

interface ProfileParts {
  database: Database;
  trail: AuditTrail;
}

/** A change that changes nothing leaves no trace. */
export async function changeProfile(
  { database, trail }: ProfileParts,
  { userId, sessionId, client }: Actor,
  change: AccountChange,
): Promise<Account> {
  return database
    .transaction(async (transaction) => {
      const [before] = await transaction.query(lockAccount, [userId]);
      if (!before) throw unauthenticated();
      const after = { ...before, ...change };
      const fields = FIELDS.filter((field) => after[field] !== before[field]);
      if (fields.length === 0) return before;
      if (change.time_zone) await transaction.query(probeTimeZone, [postgresZone(change.time_zone)]);
      trail.add(transaction, {
        userId,
        kind: 'profile_changed',
        client,
        sessionId,
        details: { fields },
      });
      const values = [userId, after.name, after.image, after.time_zone];
      const [changed] = await transaction.query(updateProfile, values);
      return changed ?? after;
    })
    .catch((error: unknown) => {
      throw codeOf(error) === UNKNOWN_ZONE_SQLSTATE ? validationError([UNKNOWN_ZONE]) : error;
    });
}
