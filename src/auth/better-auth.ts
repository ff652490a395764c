// The Better Auth instance: accounts, sessions and sign-in are its work, on our tables and under our rules. Only late-better-auth.ts
// imports this, when it is needed.
import { randomBytes, randomUUID } from 'node:crypto';
import { betterAuth } from 'better-auth';
import { APIError, createAuthMiddleware } from 'better-auth/api';
import pg from 'pg';
import type { Logger } from 'pino';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Database } from '../database/database.ts';
import { type DatabaseOptions, poolConfig, surviveLostConnections } from '../database/pools.ts';
import { describeError } from '../http/logging.ts';
import type { AccountDeletions } from './account-deletion.ts';
import { currentCall, note, noting } from './call.ts';
import { ADDRESS_HEADER } from './client-headers.ts';
import { linkPlugin } from './links/plugin.ts';
import type { LinkRequests } from './links/requests.ts';
import { NO_DELETION_BY_LINK, ownerPlugin } from './owner-plugin.ts';
import { passkeyPlugins } from './passkeys/plugin.ts';
import type { PasswordChecks } from './password-checks.ts';
import { hashPassword, isTooLong, passwordFault, verifyPassword } from './passwords.ts';
import { FAILURE_PAGE } from './providers/door.ts';
import { providerPlugins, WITHOUT_TOKENS } from './providers/plugin.ts';
import type { ProviderSettings } from './providers/settings.ts';
import { socialProvidersOf } from './providers/upstream.ts';
import { NOT_OFFERED, secondFactorPlugins } from './second-factor/plugin.ts';
import type { SecondFactors } from './second-factor/second-factors.ts';
import type { SessionEnds } from './session-ends.ts';
import type { SignInLimits } from './sign-in-limits.ts';
import type { SignUpPolicy } from './sign-up-policy.ts';
import { trailPlugin } from './trail-plugin.ts';
import { cleanName, emailFault, imageFault, nameFault } from './user-rules.ts';

export interface BetterAuthOptions {
  /** Of Better Auth's own connections. */
  connections: DatabaseOptions;
  /** Of ours. */
  database: Database;
  /** Origin of PUBLIC_URL. */
  origin: string;
  allowedOrigins: string[];
  secret: string;
  https: boolean;
  /** Seconds that a session lives. */
  sessionLifetime: number;
  /** Seconds after which a session ends however often it is extended. */
  sessionMaximum: number;
  signUps: SignUpPolicy;
  factors: SecondFactors;
  links: LinkRequests;
  /** Nobody gets a session before the e-mail is confirmed. */
  requireVerifiedEmail: boolean;
  logger: Logger;
  trail: AuditTrail;
  checks: PasswordChecks;
  limits: SignInLimits;
  ends: SessionEnds;
  providers: readonly ProviderSettings[];
  /** PUBLIC_URL. */
  publicUrl: string;
  deletions: AccountDeletions;
}

/** Sign-up hashes inside an open transaction: with connections of its own it starves nobody else. */
const CONNECTIONS = 4;
const USER_AGENT_LENGTH = 512;
const ADDRESS_LENGTH = 64;
const EMAIL_IN_TEXT = /[^\s@<>"']+@[^\s@<>"']+/g;
const TIMES = { createdAt: 'created_at', updatedAt: 'updated_at' };

class NotingClient extends pg.Client {
  // biome-ignore lint/suspicious/noExplicitAny: pg's query has nine overloads; this one forwards them all untouched
  override query(...parameters: any[]): any {
    const answer = (super.query as (...forwarded: unknown[]) => unknown).apply(this, parameters);
    if (answer instanceof Promise) answer.catch(note);
    return answer;
  }
}

class NotingPool extends pg.Pool {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  override connect(...parameters: any[]): any {
    const answer = (super.connect as (...forwarded: unknown[]) => unknown).apply(this, parameters);
    if (answer instanceof Promise) answer.catch(note);
    return answer;
  }
}

function createPool(options: BetterAuthOptions): pg.Pool {
  const pool = new NotingPool({
    ...poolConfig(options.connections, CONNECTIONS),
    Client: NotingClient,
  } as pg.PoolConfig);
  surviveLostConnections(pool, options.connections.log);
  return pool;
}

function refuse(
  field: string,
  fault: string | undefined,
  code: string = `INVALID_${field.toUpperCase()}`,
): void {
  if (fault !== undefined) throw new APIError('BAD_REQUEST', { code, message: `The ${field} ${fault}.` });
}

type UserFields = { name?: unknown; email?: unknown; image?: unknown };

/** The same rules as on our own routes, for a new user and for a change. */
function ruledUser<Fields extends UserFields>(user: Fields): { data: Fields } {
  const data = { ...user };
  // Fields that are absent stay absent; of those that are there Better Auth does not check the type everywhere.
  if (user.name !== undefined) {
    const name = typeof user.name === 'string' ? cleanName(user.name) : '';
    refuse('name', nameFault(name));
    data.name = name;
  }
  if (typeof user.email === 'string') refuse('email', emailFault(user.email));
  if (user.image === '') data.image = null;
  else if (user.image !== undefined && user.image !== null)
    refuse('image', imageFault(typeof user.image === 'string' ? user.image : ''));
  return { data };
}

function wrongPassword(path: string | undefined): APIError {
  return path === '/sign-in/email'
    ? new APIError('UNAUTHORIZED', {
        code: 'INVALID_EMAIL_OR_PASSWORD',
        message: 'Invalid email or password',
      })
    : new APIError('BAD_REQUEST', { code: 'INVALID_PASSWORD', message: 'Invalid password' });
}

/** Sign-up would hash within its transaction and so hold a connection, idle, for as long as the queue is. */
async function hashEarly(password: string): Promise<void> {
  const call = currentCall();
  if (call) call.hashed = { password, hash: await noting(hashPassword(password)) };
}

async function hashOnce(password: string): Promise<string> {
  const hashed = currentCall()?.hashed;
  return hashed?.password === password ? hashed.hash : noting(hashPassword(password));
}

/** Which hash a password has fitted is known to those who come after: by then it may be another. */
async function verifyNoted({ hash, password }: { hash: string; password: string }): Promise<boolean> {
  const fits = await noting(verifyPassword(hash, password));
  const call = currentCall();
  if (fits && call) call.fitted = hash;
  return fits;
}

/** An account made by any endpoint takes an invitation where one is needed; that of a sign-up was admitted before. */
async function invited<Fields extends { email: string; emailVerified: boolean }>(
  signUps: SignUpPolicy,
  user: Fields,
): Promise<Fields & { invitationId?: string }> {
  const admitted = currentCall()?.admitted;
  const invitation = admitted
    ? admitted.invitation
    : await noting(
        user.emailVerified ? signUps.admitVerified(user.email) : signUps.admit(user.email, undefined),
      );
  return invitation === undefined ? user : { ...user, invitationId: invitation };
}

/** New passwords obey the rules on every endpoint; an overlong one is never truncated, even where it is only compared. */
const passwordRules = (signUps: SignUpPolicy) =>
  createAuthMiddleware(async ({ path, body }) => {
    const { password, newPassword, invitation, ...user } = (body ?? {}) as Record<string, unknown>;
    const isSignUp = path === '/sign-up/email';
    const chosen = isSignUp ? password : newPassword;
    if (typeof chosen === 'string') {
      const fault = passwordFault(chosen);
      refuse('password', fault?.message, fault?.code);
    }
    if (typeof password !== 'string') return;
    if (isTooLong(password) || password.includes('\0')) throw wrongPassword(path);
    if (!isSignUp) return;
    refuse('email', emailFault(typeof user.email === 'string' ? user.email : ''));
    ruledUser(user);
    const call = currentCall();
    const admitted = { invitation: await noting(signUps.admit(String(user.email), invitation)) };
    if (call) call.admitted = admitted;
    await hashEarly(password);
  });

function sessionRules(lifetime: number, maximum: number) {
  return async <
    Fields extends {
      createdAt: Date;
      expiresAt: Date;
      userAgent?: string | null | undefined;
      ipAddress?: string | null | undefined;
    },
  >(
    session: Fields,
    context: { headers?: Headers | undefined } | null,
  ) => ({
    data: {
      ...session,
      // Without "remember me" Better Auth would grant a day, whatever the lifetime is.
      expiresAt: new Date(Math.min(session.expiresAt.getTime(), Date.now() + lifetime * 1000)),
      // The database lets no extension get beyond this.
      endsAt: new Date(session.createdAt.getTime() + maximum * 1000),
      userAgent: session.userAgent?.slice(0, USER_AGENT_LENGTH) ?? null,
      // Better Auth knows of an IPv6 address only its network.
      ipAddress:
        (context?.headers?.get(ADDRESS_HEADER) ?? session.ipAddress)?.slice(0, ADDRESS_LENGTH) ?? null,
    },
  });
}

function tables(lifetime: number) {
  return {
    user: {
      modelName: 'user',
      fields: { emailVerified: 'email_verified', ...TIMES },
      additionalFields: {
        invitationId: {
          type: 'string',
          required: false,
          input: false,
          returned: false,
          fieldName: 'invitation_id',
        } as const,
      },
    },
    session: {
      modelName: 'session',
      fields: {
        userId: 'user_id',
        expiresAt: 'expires_at',
        ipAddress: 'ip_address',
        userAgent: 'user_agent',
        ...TIMES,
      },
      expiresIn: lifetime,
      updateAge: Math.floor(lifetime / 6),
      freshAge: 0,
      cookieCache: { enabled: false }, // it would validate without the database
      additionalFields: {
        endsAt: {
          type: 'date' as const,
          required: false,
          input: false,
          returned: false,
          fieldName: 'ends_at',
        },
      },
    },
    account: {
      modelName: 'account',
      fields: {
        userId: 'user_id',
        accountId: 'account_id',
        providerId: 'provider_id',
        accessToken: 'access_token',
        refreshToken: 'refresh_token',
        idToken: 'id_token',
        accessTokenExpiresAt: 'access_token_expires_at',
        refreshTokenExpiresAt: 'refresh_token_expires_at',
        password: 'password_hash',
        ...TIMES,
      },
      // Whom another service may vouch for is said in providers/plugin.ts; this is no wider.
      updateAccountOnSignIn: false,
      accountLinking: {
        enabled: true,
        trustedProviders: [],
        requireLocalEmailVerified: true,
        allowDifferentEmails: true,
        // The database keeps the last way in, and knows of passkeys.
        allowUnlinkingAll: true,
      },
    },
    verification: { modelName: 'verification', fields: { expiresAt: 'expires_at', ...TIMES } },
  };
}

function quietLog(logger: Logger) {
  return {
    level: 'warn' as const,
    log: (level: string, message: string, ...details: unknown[]) => {
      const errors = details.filter((detail) => detail instanceof Error).map(describeError);
      // What follows a colon is what the client sent.
      const text = (message.split(':')[0] ?? '').replace(EMAIL_IN_TEXT, '[e-mail]');
      logger[level === 'error' ? 'warn' : 'debug']({ source: 'better-auth', errors }, text);
    },
  };
}

export function createBetterAuth(options: BetterAuthOptions) {
  const pool = createPool(options);
  const warn = (error: unknown) => options.logger.warn({ err: error }, 'a mail could not be asked for');
  const auth = betterAuth({
    appName: 'Donewell',
    baseURL: options.origin,
    basePath: '/api/auth',
    secret: options.secret,
    trustedOrigins: options.allowedOrigins,
    database: pool,
    telemetry: { enabled: false },
    experimental: { instrumentation: { enabled: false } },
    logger: quietLog(options.logger),
    // Otherwise it prints errors, values and all, past our log; thrown, they are answered and logged as ours are.
    onAPIError: { throw: true, errorURL: `${options.publicUrl}${FAILURE_PAGE}` },
    // Our own limits count for every door, see sign-in-limits.ts.
    rateLimit: { enabled: false },
    emailAndPassword: {
      enabled: true,
      // The rules of passwords.ts, in bytes and code points, come first; these must only not be narrower.
      minPasswordLength: 1,
      maxPasswordLength: 256,
      revokeSessionsOnPasswordReset: true,
      // A sign-up is then answered alike whether or not the e-mail is taken; its owner is told.
      requireEmailVerification: options.requireVerifiedEmail,
      onExistingUserSignUp: ({ user }) => options.links.inUse(user.email).catch(warn),
      password: {
        hash: hashOnce,
        verify: verifyNoted,
      },
    },
    ...tables(options.sessionLifetime),
    databaseHooks: {
      user: {
        create: { before: async (user) => ({ data: await invited(options.signUps, ruledUser(user).data) }) },
        update: { before: async (user) => ruledUser(user) },
      },
      session: { create: { before: sessionRules(options.sessionLifetime, options.sessionMaximum) } },
    },
    hooks: { before: passwordRules(options.signUps) },
    socialProviders: socialProvidersOf(options.providers, options.publicUrl),
    // The trail comes last, so that it sees what all others have made of a call.
    plugins: [
      ownerPlugin(options),
      ...secondFactorPlugins(options.factors),
      linkPlugin({ ...options, warn }),
      ...passkeyPlugins(options),
      ...providerPlugins({ ...options, log: (message) => options.logger.warn(message) }),
      trailPlugin(options),
    ],
    disabledPaths: [...NOT_OFFERED, ...WITHOUT_TOKENS, NO_DELETION_BY_LINK],
    advanced: {
      useSecureCookies: options.https,
      // Off by itself when NODE_ENV is "test".
      disableOriginCheck: false,
      database: {
        joins: true,
        generateId: ({ model }) => (model === 'session' ? randomBytes(16).toString('hex') : randomUUID()),
      },
      ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
    },
  });
  return { auth, close: () => pool.end() };
}

export type MadeBetterAuth = ReturnType<typeof createBetterAuth>;
export type BetterAuth = MadeBetterAuth['auth'];
