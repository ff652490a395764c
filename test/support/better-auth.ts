// Better Auth by itself, without the service around it, on a database of the suite.
import type { ClientConfig } from 'pg';
import pino from 'pino';
import { AuditTrail } from '../../src/audit/audit-trail.ts';
import { AccountDeletions } from '../../src/auth/account-deletion.ts';
import { type BetterAuth, createBetterAuth } from '../../src/auth/better-auth.ts';
import { createLinks } from '../../src/auth/links/links.ts';
import { PasswordChecks } from '../../src/auth/password-checks.ts';
import type { ProviderSettings } from '../../src/auth/providers/settings.ts';
import { SecondFactors } from '../../src/auth/second-factor/second-factors.ts';
import { SessionEnds } from '../../src/auth/session-ends.ts';
import { SignInLimits } from '../../src/auth/sign-in-limits.ts';
import { SignUpPolicy } from '../../src/auth/sign-up-policy.ts';
import { Database } from '../../src/database/database.ts';
import type { DatabaseOptions } from '../../src/database/pools.ts';
import { memoryRateStore } from '../../src/http/rate-stores.ts';
import { MailQueue } from '../../src/mail/queue.ts';
import { Seal } from '../../src/mail/seal.ts';

export function betterAuthOn(
  connection: ClientConfig,
  providers: readonly ProviderSettings[] = [],
): { auth: BetterAuth; close: () => Promise<void> } {
  const connections: DatabaseOptions = { connection, poolMode: 'session', poolSize: 2, log: () => {} };
  const secret = 'b'.repeat(48);
  const database = new Database(connections);
  const logger = pino({ level: 'silent' });
  const trail = new AuditTrail(database, logger);
  const store = memoryRateStore();
  const limits = new SignInLimits(database, store);
  const queue = new MailQueue(new Seal(secret));
  const { requests } = createLinks({ database, queue, trail, store, publicUrl: 'http://localhost:8000' });
  const checks = new PasswordChecks({ database, limits, trail, links: requests });
  const factors = new SecondFactors({ database, limits, trail, secret });
  const { auth, close } = createBetterAuth({
    connections,
    database,
    trail,
    checks,
    deletions: new AccountDeletions({ database, checks, factors, trail }),
    ends: new SessionEnds(database, trail),
    factors,
    limits,
    providers,
    publicUrl: 'http://localhost:8000',
    signUps: new SignUpPolicy('open', database),
    origin: 'http://localhost:8000',
    allowedOrigins: [],
    secret,
    https: false,
    sessionLifetime: 1_800,
    sessionMaximum: 86_400,
    links: requests,
    requireVerifiedEmail: false,
    logger,
  });
  return {
    auth,
    close: async () => {
      await close();
      await database.close();
    },
  };
}
