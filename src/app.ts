// The wiring and the table of contents: every part of the service, made once and put together. Tests start this very thing.
import type { FastifyInstance } from 'fastify';
import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import type { TSchema } from 'typebox';
import {
  Account,
  AccountChange,
  AccountDeletion,
  DeviceSession,
  PasswordChange,
  SecurityEvent,
  SecurityEventPage,
  SessionList,
  SessionsEnded,
} from '../contract/account.ts';
import {
  CurrentSession,
  LoggedOut,
  Login,
  Refreshed,
  Session,
  SignedIn,
  SignUp,
  User,
} from '../contract/auth.ts';
import { Message } from '../contract/common.ts';
import { Overview, Stats } from '../contract/dashboard.ts';
import {
  EmailChange,
  EmailConfirmation,
  EmailConfirmed,
  ForgotPassword,
  LinkCheck,
  LinkChecked,
  PasswordReset,
} from '../contract/links.ts';
import { EXPORT_LINES, IMPORT_LINES_TOLD, ImportResult } from '../contract/portability.ts';
import {
  Connection,
  ConnectionList,
  NewConnection,
  Provider,
  ProviderList,
  ProviderRedirect,
  ProviderSignIn,
} from '../contract/providers.ts';
import { Health } from '../contract/service.ts';
import { SyncPage, Tombstone } from '../contract/sync.ts';
import { ListedTask, NewTask, Task, TaskChange, TaskPage } from '../contract/task.ts';
import { ApiToken, ApiTokenList, CreatedApiToken, NewApiToken } from '../contract/token.ts';
import {
  RecoveryCodes,
  TwoFactorBegin,
  TwoFactorConfirm,
  TwoFactorLogin,
  TwoFactorProof,
  TwoFactorSetup,
  TwoFactorStatus,
} from '../contract/two-factor.ts';
import { accountRoutes } from './account/routes.ts';
import { AuditTrail } from './audit/audit-trail.ts';
import { AccessTokens } from './auth/access-token.ts';
import { AccountDeletions } from './auth/account-deletion.ts';
import { apiTokenRoutes } from './auth/api-token-routes.ts';
import { ApiTokens } from './auth/api-tokens.ts';
import { betterAuthRoutes } from './auth/better-auth-routes.ts';
import { Callers } from './auth/caller.ts';
import { SessionCookie } from './auth/cookie.ts';
import { installGuard } from './auth/guard.ts';
import { LateBetterAuth } from './auth/late-better-auth.ts';
import { ANSWERED_BY_US } from './auth/links/better-auth-routes.ts';
import { createLinks } from './auth/links/links.ts';
import { linkRoutes } from './auth/links/routes.ts';
import { PasswordChecks } from './auth/password-checks.ts';
import { providerRoutes } from './auth/providers/routes.ts';
import { createProviderService } from './auth/providers/service.ts';
import { providersOf } from './auth/providers/settings.ts';
import { authRoutes } from './auth/routes.ts';
import { ChallengeCookie } from './auth/second-factor/challenge.ts';
import { twoFactorRoutes } from './auth/second-factor/routes.ts';
import { SecondFactors } from './auth/second-factor/second-factors.ts';
import { createTwoFactorService } from './auth/second-factor/service.ts';
import { createAuthService } from './auth/service.ts';
import { SessionEnds } from './auth/session-ends.ts';
import { SessionUses } from './auth/session-uses.ts';
import { SignInLimits } from './auth/sign-in-limits.ts';
import { SignUpPolicy } from './auth/sign-up-policy.ts';
import { publicUrlOf, type Settings, sessionTimesOf } from './config.ts';
import { dashboardRoutes } from './dashboard/routes.ts';
import { Database } from './database/database.ts';
import { MAX_CONNECTIONS } from './database/embedded/postmaster.ts';
import type { DatabaseOptions } from './database/pools.ts';
import { Cursors } from './http/cursor.ts';
import { installDocs } from './http/docs.ts';
import { healthRoutes } from './http/health.ts';
import type { RateStore } from './http/rate-limit.ts';
import { memoryRateStore, postgresRateStore, redisRateStore } from './http/rate-stores.ts';
import { createServer, type Deadlines, VERSION } from './http/server.ts';
import { webAppRoutes } from './http/web-app.ts';
import { welcomeRoutes } from './http/welcome.ts';
import { createMail } from './mail/mail.ts';
import type { MailQueue } from './mail/queue.ts';
import { portabilityRoutes } from './portability/routes.ts';
import { BULK_CONNECTIONS } from './portability/slots.ts';
import { asyncApiRoutes } from './realtime/asyncapi-routes.ts';
import { installRealtime } from './realtime/realtime.ts';
import type { WorkerPlace } from './realtime/worker-relay.ts';
import { scheduleRetention } from './retention/retention.ts';
import type { Secrets } from './secrets.ts';
import { syncRoutes } from './sync/routes.ts';
import { taskRoutes } from './tasks/routes.ts';

export interface AppOptions {
  settings: Settings;
  secrets: Secrets;
  /** A database that has been migrated. */
  connection: ClientConfig;
  /** Whether other processes may serve the same users, so that rate limits must be counted in the database. */
  shared: boolean;
  /** Of this process, when it is one of several that share a port. */
  worker?: WorkerPlace | undefined;
  logger: Logger;
  deadlines?: Deadlines | undefined;
}

const NAMED_SCHEMAS: TSchema[] = [
  Provider,
  ProviderList,
  ProviderSignIn,
  ProviderRedirect,
  Connection,
  ConnectionList,
  NewConnection,
  User,
  Session,
  SignedIn,
  CurrentSession,
  Refreshed,
  LoggedOut,
  ApiToken,
  NewApiToken,
  CreatedApiToken,
  ApiTokenList,
  SignUp,
  Login,
  TwoFactorLogin,
  TwoFactorStatus,
  TwoFactorBegin,
  TwoFactorSetup,
  TwoFactorConfirm,
  TwoFactorProof,
  RecoveryCodes,
  ForgotPassword,
  PasswordReset,
  LinkCheck,
  LinkChecked,
  EmailConfirmation,
  EmailConfirmed,
  EmailChange,
  Account,
  AccountChange,
  AccountDeletion,
  DeviceSession,
  SessionList,
  SessionsEnded,
  PasswordChange,
  SecurityEvent,
  SecurityEventPage,
  Task,
  ListedTask,
  TaskPage,
  NewTask,
  TaskChange,
  Stats,
  Overview,
  Message,
  SyncPage,
  Tombstone,
  Health,
  ...EXPORT_LINES,
  ...IMPORT_LINES_TOLD,
  ImportResult,
];

function databaseOptions({ settings, connection, logger }: AppOptions): DatabaseOptions {
  const log = (level: 'warn' | 'error', message: string) => logger[level](message);
  // The workers share the private PostgreSQL's places; each needs some besides its pool, and a few stay for visitors.
  const places =
    settings.DATABASE_URL === undefined
      ? Math.max(2, Math.floor((MAX_CONNECTIONS - 10) / settings.WORKERS) - 9 - BULK_CONNECTIONS)
      : Number.POSITIVE_INFINITY;
  const poolSize = Math.min(settings.DATABASE_POOL_SIZE, places);
  return { connection, poolMode: settings.DATABASE_POOL_MODE, poolSize, log };
}

/** In memory only where one process is all there is. */
function rateStoreOf(options: AppOptions): RateStore {
  const { settings, shared, logger } = options;
  if (!shared || settings.RATE_LIMIT_COUNTERS === 'memory') return memoryRateStore();
  if (settings.REDIS_URL === undefined) return postgresRateStore(databaseOptions(options));
  return redisRateStore(settings.REDIS_URL, databaseOptions(options), (message) => logger.warn(message));
}

/** Where to hear of what other nodes change; through a pooler in transaction mode nothing is heard. */
function listenOnOf({ settings, connection }: AppOptions): ClientConfig | undefined {
  const direct = settings.DATABASE_DIRECT_URL;
  if (direct !== undefined) return { connectionString: direct };
  return settings.DATABASE_POOL_MODE === 'transaction' ? undefined : connection;
}

interface Foundations {
  database: Database;
  store: RateStore;
  trail: AuditTrail;
  queue: MailQueue;
  uses: SessionUses;
}

async function installPortability(
  app: FastifyInstance,
  options: AppOptions,
  parts: { trail: AuditTrail; announce: (userId: string, rev: number) => void },
): Promise<void> {
  const bulk = new Database({ ...databaseOptions(options), poolSize: BULK_CONNECTIONS, shared: false });
  app.addHook('onClose', () => bulk.close());
  const writes = { database: bulk, announce: parts.announce };
  await portabilityRoutes(app, { writes, trail: parts.trail });
}

/** Who may come in, and by what. */
function authParts(options: AppOptions, { database, store, trail, queue }: Foundations) {
  const { settings, secrets, logger } = options;
  const publicUrl = publicUrlOf(settings);
  const { origin, protocol } = new URL(publicUrl);
  const https = protocol === 'https:';
  const rules = { allowed: new Set([...settings.ALLOWED_ORIGINS, origin]) };
  const { lifetime, maximum } = sessionTimesOf(settings);
  const cookie = new SessionCookie({ secret: secrets.betterAuthSecret, https, maxAge: lifetime });
  const callers = new Callers(database, cookie, new AccessTokens({ secretKey: secrets.secretKey, lifetime }));
  const tokens = new ApiTokens(database, trail);
  const limits = new SignInLimits(database, store);
  const links = createLinks({ database, queue, trail, store, publicUrl: publicUrlOf(settings) });
  const checks = new PasswordChecks({ database, limits, trail, links: links.requests });
  const ends = new SessionEnds(database, trail);
  const factors = new SecondFactors({ database, limits, trail, secret: secrets.betterAuthSecret });
  const deletions = new AccountDeletions({ database, checks, factors, trail });
  const challenges = new ChallengeCookie({ https });
  const requireVerifiedEmail = settings.REQUIRE_EMAIL_VERIFICATION;
  const providers = providersOf(settings);
  const signUps = new SignUpPolicy(settings.SIGNUP, database);
  const betterAuth = new LateBetterAuth({
    connections: databaseOptions(options),
    database,
    trail,
    checks,
    deletions,
    ends,
    origin,
    allowedOrigins: [...rules.allowed],
    secret: secrets.betterAuthSecret,
    https,
    sessionLifetime: lifetime,
    sessionMaximum: maximum,
    signUps,
    factors,
    links: links.requests,
    requireVerifiedEmail,
    limits,
    providers,
    publicUrl,
    logger,
  });
  const gates = { betterAuth, callers, challenges, checks, deletions, ends, factors, limits, links, tokens };
  return { ...gates, https, origin, providers, publicUrl, rules, requireVerifiedEmail, signUps };
}

async function assemble(options: AppOptions, foundations: Foundations): Promise<FastifyInstance> {
  const { settings, secrets, logger, deadlines } = options;
  const { database, store, trail, uses } = foundations;
  const parts = authParts(options, foundations);
  const { betterAuth, callers, challenges, checks, factors, https, links, publicUrl, rules, tokens } = parts;
  const requests = store.window({
    name: 'default',
    points: settings.RATE_LIMIT_REQUESTS,
    duration: settings.RATE_LIMIT_WINDOW,
  });

  const app = createServer({ logger, trustProxy: settings.TRUST_PROXY, rules, https, deadlines });
  app.addHook('onClose', () => betterAuth.close());
  installGuard(app, { callers, tokens, rules, requests, uses });
  await installDocs(app, { publicUrl, cookieName: callers.cookie.name, shared: NAMED_SCHEMAS });
  healthRoutes(app, database);
  webAppRoutes(app);
  welcomeRoutes(app, publicUrl);
  const { shared, worker } = options;
  const realtime = installRealtime(app, {
    database,
    callers,
    tokens,
    uses,
    rules,
    trustProxy: settings.TRUST_PROXY,
    listenOn: listenOnOf(options),
    shared,
    redisUrl: settings.REDIS_URL,
    worker,
  });
  authRoutes(app, { service: createAuthService({ ...parts, database, trail }), callers, rules });
  twoFactorRoutes(app, {
    betterAuth,
    callers,
    challenges,
    rules,
    service: createTwoFactorService({ callers, factors, checks }),
  });
  providerRoutes(app, createProviderService({ ...parts, database, trail, allowedOrigins: rules.allowed }));
  await betterAuthRoutes(app, { ...parts, trail, except: ANSWERED_BY_US });
  await linkRoutes(app, { ...links, callers, rules, checks, signUps: parts.signUps });
  accountRoutes(app, { ...parts, database, trail, cursors: new Cursors(secrets.secretKey, 'events') });
  apiTokenRoutes(app, tokens);
  taskRoutes(app, {
    writes: { database, announce: realtime.announce },
    cursors: new Cursors(secrets.secretKey, 'tasks'),
    publicUrl,
  });
  await installPortability(app, options, { trail, announce: realtime.announce });
  asyncApiRoutes(app, { version: VERSION, publicUrl, cookieName: callers.cookie.name });
  syncRoutes(app, { database, cursors: new Cursors(secrets.secretKey, 'sync') });
  dashboardRoutes(app, { database });
  return app;
}

/** The whole service, ready to listen. Closing it closes its connections too. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { settings, secrets, logger } = options;
  const database = new Database(databaseOptions(options));
  const store = rateStoreOf(options);
  const trail = new AuditTrail(database, logger);
  const mail = createMail({ database, settings, secretKey: secrets.secretKey, logger });
  const uses = new SessionUses(database, logger);
  const app = await assemble(options, { database, store, trail, queue: mail.queue, uses });
  const stopRetention = scheduleRetention(database, logger);
  app.addHook('onClose', async () => {
    await Promise.all([mail.stop(), stopRetention()]);
    await trail.close();
    await uses.close();
    await store.close();
    await database.close();
  });
  await app.ready();
  mail.start();
  return app;
}
