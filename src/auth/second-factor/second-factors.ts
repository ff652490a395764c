// The second factor of accounts: set up, proven, switched on and off. What Better Auth's endpoints and ours have in common.
import { randomBytes, randomUUID } from 'node:crypto';
import type { SecurityEventKind } from '../../../contract/security-events.ts';
import type { AuditTrail } from '../../audit/audit-trail.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { AppError } from '../../errors.ts';
import type { Client } from '../../http/client.ts';
import { currentCall } from '../call.ts';
import type { CodeAttempt, SignInLimits } from '../sign-in-limits.ts';
import { newRecoveryCodes, RecoveryCodeHashes } from './recovery-codes.ts';
import {
  claimStep,
  endOtherSessions,
  factorOf,
  holdUser,
  insertFactor,
  isFactorOn,
  passwordSince,
  replaceRecoveryCodes,
  switchFactor,
} from './repository.ts';

import { base32, otpauthUri, plainCode, stepOf } from './totp.ts';

/** What authenticator apps call us. */
const ISSUER = 'Donewell';
/** 32 characters of 6 bits: more than the hash behind the codes takes in. */
const SECRET_BYTES = 24;

/** Better Auth's, loaded when a secret is first written or read. */
const encryption = () => import('better-auth/crypto');

/** What shows that somebody has the second factor: one of the two. */
export interface Proof {
  code?: string | undefined;
  recoveryCode?: string | undefined;
}

/** Whose factor it is, and who tries it. */
export interface Subject {
  userId: string;
  client: Client;
  /** The session of somebody who is signed in already. */
  sessionId?: string;
}

export interface Setup {
  otpauthUri: string;
  /** For typing it in. */
  secret: string;
}

interface SecondFactorParts {
  database: Database;
  limits: SignInLimits;
  trail: AuditTrail;
  /** Better Auth's, which encrypts the secrets. */
  secret: string;
}

function alreadyOn(): AppError {
  return new AppError('two_factor_conflict', 'The second factor is already on.');
}

function notOn(): AppError {
  return new AppError('two_factor_conflict', 'The second factor is not on.');
}

export class SecondFactors {
  readonly hashes: RecoveryCodeHashes;
  readonly #parts: SecondFactorParts;

  constructor(parts: SecondFactorParts) {
    this.#parts = parts;
    this.hashes = new RecoveryCodeHashes(parts.secret);
  }

  async isOn(userId: string): Promise<boolean> {
    const [row] = await this.#parts.database.read(isFactorOn, [userId]);
    return row?.two_factor_enabled ?? false;
  }

  /** Whether the password is another since then. If not, it must stay so until the session has been made. */
  async hasNewPassword(userId: string, since: Date): Promise<boolean> {
    const [row] = await this.#parts.database.read(passwordSince, [userId, since.toISOString()]);
    const call = currentCall();
    if (call && row && !row.changed) call.fitted = row.hash;
    return row?.changed ?? false;
  }

  /** @throws AppError `two_factor_conflict` (409) when none is on. */
  async assertOn(userId: string): Promise<void> {
    if (!(await this.isOn(userId))) throw notOn();
  }

  /** How many recovery codes are left; undefined when no factor is on. */
  async codesLeft(userId: string): Promise<number | undefined> {
    const [row] = await this.#parts.database.read(factorOf, [userId]);
    return row?.verified ? (JSON.parse(row.backup_codes) as string[]).length : undefined;
  }

  /** A new secret, which counts from the first right code on. @throws AppError `two_factor_conflict` (409) when one is on. */
  async begin(user: { id: string; email: string }): Promise<Setup> {
    const { database, secret: key } = this.#parts;
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const values = [
      user.id,
      randomUUID(),
      await (await encryption()).symmetricEncrypt({ key, data: secret }),
      this.hashes.listOf([]),
    ];
    const [made] = await database.transaction((transaction) => transaction.query(insertFactor, values));
    if (!made) throw alreadyOn();
    return {
      otpauthUri: otpauthUri({ issuer: ISSUER, account: user.email, secret }),
      secret: base32(secret),
    };
  }

  /**
   * Switches on what was begun, when the code is right, and ends all other sessions: none of them has shown the factor.
   * @returns the recovery codes; undefined when the code is wrong.
   * @throws AppError `two_factor_conflict` (409), `rate_limited` (429)
   */
  async confirm(subject: Required<Subject>, code: string): Promise<string[] | undefined> {
    const [row] = await this.#parts.database.read(factorOf, [subject.userId]);
    if (!row) throw new AppError('two_factor_conflict', 'There is nothing to confirm: begin first.');
    if (row.verified) throw alreadyOn();
    const codes = newRecoveryCodes();
    // Nobody has the factor yet: a wrong code is its owner's typing.
    const wrong = 'two_factor_code_mistyped';
    const right = await this.#attempt(subject, { kind: 'code', wrong }, async () => {
      const step = await this.#stepOf(row.secret, code);
      return step !== undefined && this.#switchOn(subject, { step, secret: row.secret, codes });
    });
    return right ? codes : undefined;
  }

  /**
   * Whether somebody has the factor. A code, once it was right, is used up; a recovery code is not: whoever takes it as a
   * proof must use it up.
   * @throws AppError `rate_limited` (429)
   */
  async isProven(subject: Subject, { code, recoveryCode }: Proof): Promise<boolean> {
    const wrong = 'two_factor_failed';
    if (code !== undefined)
      return this.#attempt(subject, { kind: 'code', wrong }, () => this.#takeCode(subject.userId, code));
    if (recoveryCode === undefined) return false;
    return this.#attempt(subject, { kind: 'recovery code', wrong }, async () => {
      const [row] = await this.#parts.database.read(factorOf, [subject.userId]);
      const hash = this.hashes.of(recoveryCode);
      return row?.verified === true && hash !== undefined && JSON.parse(row.backup_codes).includes(hash);
    });
  }

  /** Ends all other sessions, too. @throws AppError `two_factor_conflict` (409) when none is on. */
  async switchOff(subject: Required<Subject>): Promise<void> {
    const { userId, sessionId } = subject;
    await this.#parts.database.transaction(async (transaction) => {
      await transaction.query(holdUser, [userId]);
      const [switched] = await transaction.query(switchFactor, [userId, false]);
      if (!switched) throw notOn();
      transaction.queue(endOtherSessions, [userId, sessionId]);
      this.#tell(transaction, 'two_factor_disabled', subject);
    });
  }

  /** New recovery codes instead of the old ones. @throws AppError `two_factor_conflict` (409) when no factor is on. */
  async renewRecoveryCodes(subject: Subject): Promise<string[]> {
    const codes = newRecoveryCodes();
    const values = [subject.userId, this.hashes.listOf(codes)];
    await this.#parts.database.transaction(async (transaction) => {
      const [replaced] = await transaction.query(replaceRecoveryCodes, values);
      if (!replaced) throw notOn();
      this.#tell(transaction, 'recovery_codes_renewed', subject);
    });
    return codes;
  }

  /** What belongs to a switch that Better Auth has made. */
  async afterSwitch(subject: Required<Subject>, on: boolean): Promise<void> {
    const { userId, sessionId } = subject;
    await this.#parts.database.transaction(async (transaction) => {
      await transaction.query(holdUser, [userId]);
      transaction.queue(endOtherSessions, [userId, sessionId]);
      this.#tell(transaction, on ? 'two_factor_enabled' : 'two_factor_disabled', subject);
    });
  }

  /** The address has shown password and factor: it belongs to the account. */
  async afterSignIn(subject: Subject, by: 'code' | 'recovery code'): Promise<void> {
    const { limits, trail } = this.#parts;
    await limits.remember(subject.userId, subject.client.address);
    if (by === 'recovery code') await trail.record({ ...subject, kind: 'recovery_code_used' });
  }

  async afterRenewal(subject: Subject): Promise<void> {
    await this.#parts.trail.record({ ...subject, kind: 'recovery_codes_renewed' });
  }

  #tell(transaction: Transaction, kind: SecurityEventKind, subject: Subject): void {
    this.#parts.trail.add(transaction, { ...subject, kind });
  }

  async #attempt(
    subject: Subject,
    { kind, wrong }: { kind: CodeAttempt['kind']; wrong: SecurityEventKind },
    isRight: () => Promise<boolean>,
  ): Promise<boolean> {
    const { limits, trail } = this.#parts;
    const attempt = { userId: subject.userId, address: subject.client.address, kind };
    const right = await limits.attemptCode(attempt, isRight);
    if (!right) await trail.record({ ...subject, kind: wrong });
    return right;
  }

  async #stepOf(encrypted: string, code: string): Promise<number | undefined> {
    const { symmetricDecrypt } = await encryption();
    const secret = await symmetricDecrypt({ key: this.#parts.secret, data: encrypted });
    return stepOf(secret, plainCode(code), Date.now());
  }

  async #takeCode(userId: string, code: string): Promise<boolean> {
    const { database } = this.#parts;
    const [row] = await database.read(factorOf, [userId]);
    if (!row) return false;
    const step = await this.#stepOf(row.secret, code);
    if (step === undefined) return false;
    const values = [userId, step, row.secret];
    const claimed = await database.transaction((transaction) => transaction.query(claimStep, values));
    return claimed.length === 1;
  }

  async #switchOn(
    subject: Required<Subject>,
    how: { step: number; secret: string; codes: string[] },
  ): Promise<boolean> {
    const { userId, sessionId } = subject;
    const { step, secret, codes } = how;
    return this.#parts.database.transaction(async (transaction) => {
      // Whoever signs in meanwhile with the password alone waits, and is then asked for the factor.
      await transaction.query(holdUser, [userId]);
      const [claimed] = await transaction.query(claimStep, [userId, step, secret]);
      if (!claimed) return false;
      if (claimed.verified) throw alreadyOn();
      await transaction.query(switchFactor, [userId, true]);
      await transaction.query(replaceRecoveryCodes, [userId, this.hashes.listOf(codes)]);
      transaction.queue(endOtherSessions, [userId, sessionId]);
      this.#tell(transaction, 'two_factor_enabled', subject);
      return true;
    });
  }
}
