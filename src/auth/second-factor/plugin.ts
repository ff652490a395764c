// Better Auth's second factor under our rules: whichever endpoint makes a session, an account's second factor is asked for.
import type { BetterAuthPlugin } from 'better-auth';
import { APIError, createAuthMiddleware, getSessionFromCtx, isAPIError } from 'better-auth/api';
import { deleteSessionCookie } from 'better-auth/cookies';
import { generateRandomString } from 'better-auth/crypto';
import { twoFactor } from 'better-auth/plugins/two-factor';
import { TWO_FACTOR_CHALLENGE_SECONDS } from '../../../contract/limits.ts';
import { CALLBACK, PASSKEY_SIGN_IN, SIGN_IN } from '../better-auth-endpoints.ts';
import { clientIn } from '../client-headers.ts';
import { parsedTarget, writtenTarget } from '../redirect-target.ts';
import { newRecoveryCodes } from './recovery-codes.ts';
import type { Proof, SecondFactors, Subject } from './second-factors.ts';

type Context = Parameters<Parameters<typeof createAuthMiddleware>[0]>[0];

const VERIFY_CODE = '/two-factor/verify-totp';
const VERIFY_RECOVERY_CODE = '/two-factor/verify-backup-code';
const SWITCH_OFF = '/two-factor/disable';
const SHOW_SECRET = '/two-factor/get-totp-uri';
const RENEW = '/two-factor/generate-backup-codes';
/** Codes by mail or text message: we have no such second factor. */
export const NOT_OFFERED = ['/two-factor/send-otp', '/two-factor/verify-otp'];
/** Endpoints that put a new session in the place of the caller's. */
const ROTATES = new Set<string | undefined>(['/change-password', SWITCH_OFF]);

/** Whose factor a call has proven, by the context of the call. */
const proven = new WeakMap<object, string>();

function given(context: Context): Record<string, unknown> {
  return typeof context.body === 'object' && context.body !== null ? context.body : {};
}

function codeIn(context: Context): string | undefined {
  const { code } = given(context);
  return typeof code === 'string' ? code : undefined;
}

function invalidCode(): APIError {
  return new APIError('BAD_REQUEST', {
    code: 'INVALID_CODE',
    message:
      'The second factor is on: `code` must be a code of it or, where it is replaced, a recovery code.',
  });
}

function outdated(): APIError {
  return new APIError('UNAUTHORIZED', {
    code: 'INVALID_TWO_FACTOR_COOKIE',
    message: 'Invalid two factor cookie',
  });
}

/** Who would be signed in or is: the same answer, in the same order, as the plugin gives itself. */
async function subjectOf(factors: SecondFactors, context: Context): Promise<Subject | undefined> {
  const client = clientIn(context.headers);
  const session = await getSessionFromCtx(context, { disableRefresh: true });
  if (session) return { userId: session.user.id, client, sessionId: session.session.id };
  const { createAuthCookie, secret, internalAdapter } = context.context;
  const challenge = await context.getSignedCookie(createAuthCookie('two_factor').name, secret);
  const row = challenge ? await internalAdapter.findVerificationValue(challenge) : null;
  if (!row || row.expiresAt <= new Date()) return undefined;
  // The password that opened this step must still be the password.
  if (await factors.hasNewPassword(row.value, row.createdAt)) throw outdated();
  return { userId: row.value, client };
}

function only(path: string, ...more: string[]) {
  const paths = new Set<string | undefined>([path, ...more]);
  return (context: { path?: string | undefined }) => paths.has(context.path);
}

/**
 * The code is checked, counted and used up here. What the plugin then gets is a right one or none at all, so that its own
 * bound on each challenge counts, too.
 */
function verification(
  factors: SecondFactors,
  proofOf: (code: string) => Proof,
  pass: (code: string) => string,
) {
  return createAuthMiddleware(async (context) => {
    const subject = await subjectOf(factors, context);
    const code = codeIn(context);
    if (!subject || code === undefined) return undefined;
    const right = await factors.isProven(subject, proofOf(code));
    if (right) proven.set(context.context, subject.userId);
    // Devices are not trusted: such trust would outlive a changed password and a replaced factor.
    return {
      context: { body: { code: right ? pass(code) : '', trustDevice: false, disableSession: false } },
    };
  });
}

/** What weakens the factor needs the factor, besides the password for which the plugin asks. */
function protection(factors: SecondFactors) {
  return createAuthMiddleware(async (context) => {
    const session = await getSessionFromCtx(context, { disableRefresh: true });
    if (!session || !(await factors.isOn(session.user.id))) return;
    const code = codeIn(context) ?? '';
    if (code === '') throw invalidCode();
    const isCode = context.path === SHOW_SECRET || /^[\d\s]*$/.test(code);
    const subject = {
      userId: session.user.id,
      client: clientIn(context.headers),
      sessionId: session.session.id,
    };
    const right = await factors.isProven(subject, isCode ? { code } : { recoveryCode: code });
    if (!right) throw invalidCode();
  });
}

/** The user as read before the password was checked may be out of date: the factor may have been switched on meanwhile. */
function freshFlag(factors: SecondFactors) {
  return createAuthMiddleware(async (context) => {
    const { newSession } = context.context;
    if (newSession && (await factors.isOn(newSession.user.id))) newSession.user.twoFactorEnabled = true;
  });
}

/** The same as the plugin does after a password: another service is one factor, however many it asks for itself. */
function afterProvider(factors: SecondFactors) {
  return createAuthMiddleware(async (ctx) => {
    const { newSession, internalAdapter, createAuthCookie, secret, responseHeaders } = ctx.context;
    if (!newSession || !(await factors.isOn(newSession.user.id))) return;
    deleteSessionCookie(ctx, true);
    await internalAdapter.deleteSession(newSession.session.token);
    ctx.context.setNewSession(null);
    const challenge = `2fa-${generateRandomString(20)}`;
    const expiresAt = new Date(Date.now() + TWO_FACTOR_CHALLENGE_SECONDS * 1000);
    await internalAdapter.createVerificationValue({
      identifier: challenge,
      value: newSession.user.id,
      expiresAt,
    });
    await internalAdapter.createVerificationValue({
      identifier: `2fa-attempts-${challenge}`,
      value: '0',
      expiresAt,
    });
    const cookie = createAuthCookie('two_factor', { maxAge: TWO_FACTOR_CHALLENGE_SECONDS });
    await ctx.setSignedCookie(cookie.name, challenge, secret, cookie.attributes);
    const target = parsedTarget(responseHeaders?.get('location') ?? '/');
    target.searchParams.set('two_factor', 'required');
    throw ctx.redirect(writtenTarget(target));
  });
}

/** What has been proven at the second step, and what ends with a factor that is new or gone. */
function aftermath(factors: SecondFactors) {
  return createAuthMiddleware(async (context) => {
    const { newSession, session } = context.context;
    if (!newSession) return;
    const subject = {
      userId: newSession.user.id,
      client: clientIn(context.headers),
      sessionId: newSession.session.id,
    };
    const by = context.path === VERIFY_CODE ? 'code' : 'recovery code';
    if (!session) await factors.afterSignIn(subject, by);
    // A session that was merely extended is the same one.
    else if (session.session.id !== newSession.session.id)
      await factors.afterSwitch(subject, context.path !== SWITCH_OFF);
  });
}

function renewal(factors: SecondFactors) {
  return createAuthMiddleware(async (context) => {
    const { session, returned } = context.context;
    if (session && !isAPIError(returned))
      await factors.afterRenewal({
        userId: session.user.id,
        client: clientIn(context.headers),
        sessionId: session.session.id,
      });
  });
}

/**
 * No endpoint makes a session for an account with a second factor unless the factor has been shown to this very call, the
 * session takes the place of the caller's, or it is taken back before anybody sees it.
 */
function gate(factors: SecondFactors) {
  return async ({ userId }: { userId: string }, context: Context | null | undefined): Promise<void> => {
    const path = context?.path;
    // These are taken back where the factor is on, and a passkey has shown two factors in one.
    if (path === SIGN_IN || path === CALLBACK || path === PASSKEY_SIGN_IN) return;
    const call = context?.context;
    if (call && proven.get(call) === userId) return;
    if (!(await factors.isOn(userId))) return;
    if (ROTATES.has(path) && call?.session?.user.id === userId) return;
    throw new APIError('FORBIDDEN', {
      code: 'TWO_FACTOR_REQUIRED',
      message: 'Sign in with your password and the second factor.',
    });
  };
}

function rules(factors: SecondFactors): BetterAuthPlugin {
  const check = protection(factors);
  return {
    id: 'second-factor-rules',
    init: () => ({
      options: {
        databaseHooks: {
          session: { create: { before: async (session, context) => gate(factors)(session, context) } },
        },
      },
    }),
    hooks: {
      before: [
        {
          matcher: only(VERIFY_CODE),
          handler: verification(
            factors,
            (code) => ({ code }),
            (code) => code.replace(/\s/g, ''),
          ),
        },
        {
          matcher: only(VERIFY_RECOVERY_CODE),
          handler: verification(
            factors,
            (recoveryCode) => ({ recoveryCode }),
            (code) => factors.hashes.of(code) ?? '',
          ),
        },
        { matcher: only(SWITCH_OFF, SHOW_SECRET, RENEW), handler: check },
      ],
      after: [
        { matcher: only(SIGN_IN), handler: freshFlag(factors) },
        { matcher: only(CALLBACK), handler: afterProvider(factors) },
        { matcher: only(VERIFY_CODE, VERIFY_RECOVERY_CODE, SWITCH_OFF), handler: aftermath(factors) },
        { matcher: only(RENEW), handler: renewal(factors) },
      ],
    },
  };
}

/** In this order: our rules come before what the plugin does at the same endpoint. */
export function secondFactorPlugins(factors: SecondFactors) {
  return [
    rules(factors),
    twoFactor({
      twoFactorCookieMaxAge: TWO_FACTOR_CHALLENGE_SECONDS,
      // Ours count by account and address, on every node, and leave the owner's addresses open.
      accountLockout: { enabled: false },
      backupCodeOptions: {
        customBackupCodesGenerate: newRecoveryCodes,
        // Kept are hashes, and a hash is what the plugin is given to compare.
        storeBackupCodes: {
          encrypt: async (codes) => factors.hashes.listOf(JSON.parse(codes)),
          decrypt: async (hashes) => hashes,
        },
      },
      schema: {
        user: { fields: { twoFactorEnabled: 'two_factor_enabled' } },
        twoFactor: {
          modelName: 'two_factor',
          fields: {
            backupCodes: 'backup_codes',
            userId: 'user_id',
            failedVerificationCount: 'failed_verification_count',
            lockedUntil: 'locked_until',
          },
        },
      },
    }),
  ] as const;
}
