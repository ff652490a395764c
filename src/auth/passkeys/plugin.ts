// Better Auth's passkeys under our rules: the device must verify its user, and only who has just signed in adds one.
import { passkey } from '@better-auth/passkey';
import type { BetterAuthPlugin } from 'better-auth';
import { APIError, createAuthMiddleware, getSessionFromCtx, isAPIError } from 'better-auth/api';
import { NAME_LENGTH, PASSKEYS_PER_USER } from '../../../contract/limits.ts';
import type { SecurityEventKind } from '../../../contract/security-events.ts';
import type { AuditTrail } from '../../audit/audit-trail.ts';
import type { Database } from '../../database/database.ts';
import { cleanText, codePointLength } from '../../text/clean-text.ts';
import { PASSKEY_REGISTRATION, PASSKEY_SIGN_IN } from '../better-auth-endpoints.ts';
import { clientIn } from '../client-headers.ts';
import { isFresh } from '../fresh.ts';
import type { SignInLimits } from '../sign-in-limits.ts';
import { countPasskeys, hasPasskey } from './repository.ts';

const BEGIN = '/passkey/generate-register-options';
const BEGIN_SIGN_IN = '/passkey/generate-authenticate-options';
const RENAME = '/passkey/update-passkey';
const REMOVE = '/passkey/delete-passkey';

const CREDENTIAL_ID = /^[\w-]{1,1400}$/;
const TRANSPORTS = new Set(['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']);

type Context = Parameters<Parameters<typeof createAuthMiddleware>[0]>[0];
type Body = Record<string, unknown>;

export interface PasskeyParts {
  database: Database;
  limits: SignInLimits;
  trail: AuditTrail;
  /** Origin of PUBLIC_URL: passkeys are bound to its host. */
  origin: string;
  allowedOrigins: readonly string[];
}

function refuse(status: 'BAD_REQUEST' | 'FORBIDDEN' | 'NOT_FOUND', code: string, message: string): APIError {
  return new APIError(status, { code, message });
}

function only(...paths: string[]) {
  const known = new Set<string | undefined>(paths);
  return ({ path }: { path?: string | undefined }) => known.has(path);
}

function bodyOf({ body }: Context): Body {
  return typeof body === 'object' && body !== null ? body : {};
}

/** Pages whose passkeys are ours: those of the host in PUBLIC_URL and below it. */
function originsOf({ origin, allowedOrigins }: PasskeyParts): string[] {
  const { hostname } = new URL(origin);
  const isOurs = (candidate: string) => `.${new URL(candidate).hostname}`.endsWith(`.${hostname}`);
  return [origin, ...allowedOrigins.filter(isOurs)];
}

/** Undefined when none is given. */
function nameIn({ name }: Body): string | undefined {
  if (name === undefined || name === null) return undefined;
  const clean = typeof name === 'string' ? cleanText(name) : '';
  if (clean !== '' && codePointLength(clean) <= NAME_LENGTH) return clean;
  throw refuse('BAD_REQUEST', 'INVALID_NAME', `The name must be 1 to ${NAME_LENGTH} characters long.`);
}

/** What a browser sends; the rest of it is for the plugin to verify. */
function credentialIn({ response }: Body): { id: string; response: Body } {
  const { id, response: inner } = (response ?? {}) as { id?: unknown; response?: unknown };
  const valid =
    typeof id === 'string' && CREDENTIAL_ID.test(id) && typeof inner === 'object' && inner !== null;
  if (valid) return { id, response: inner as Body };
  throw refuse('BAD_REQUEST', 'INVALID_PASSKEY', 'The response must be that of an authenticator.');
}

/** Who steals a session must not get a key that outlives it. */
function mayAdd(database: Database) {
  return createAuthMiddleware(async (context) => {
    const signedIn = await getSessionFromCtx(context, { disableRefresh: true });
    if (!signedIn) return;
    if (!isFresh(signedIn.session))
      throw refuse('FORBIDDEN', 'SESSION_NOT_FRESH', 'Sign in again to add a passkey.');
    const [row] = await database.read(countPasskeys, [signedIn.user.id]);
    if ((row?.count ?? 0) >= PASSKEYS_PER_USER)
      throw refuse(
        'BAD_REQUEST',
        'TOO_MANY_PASSKEYS',
        `An account has at most ${PASSKEYS_PER_USER} passkeys.`,
      );
  });
}

const additionRules = createAuthMiddleware(async (context) => {
  const { response } = credentialIn(bodyOf(context));
  const given = Array.isArray(response.transports) ? response.transports : [];
  const transports = given.filter((transport) => TRANSPORTS.has(transport));
  const name = nameIn(bodyOf(context)) ?? 'Passkey';
  return { context: { body: { name, createSession: false, response: { response: { transports } } } } };
});

const signInRules = createAuthMiddleware(async (context) => void credentialIn(bodyOf(context)));

/** Somebody else's and none are the same. */
function ownership(database: Database) {
  return createAuthMiddleware(async (context) => {
    const signedIn = await getSessionFromCtx(context, { disableRefresh: true });
    const { id } = bodyOf(context);
    if (!signedIn || typeof id !== 'string') return undefined;
    const [row] = await database.read(hasPasskey, [id.slice(0, 64), signedIn.user.id]);
    if (!row?.there) throw refuse('NOT_FOUND', 'PASSKEY_NOT_FOUND', 'Passkey not found');
    return context.path === RENAME ? { context: { body: { name: nameIn(bodyOf(context)) } } } : undefined;
  });
}

function beginning(limits: SignInLimits) {
  return createAuthMiddleware(async ({ headers }) => limits.countBeginning(clientIn(headers).address));
}

/** The plugin asks for it at registration alone. */
const askForVerification = createAuthMiddleware(async ({ context, json }) => {
  const { returned } = context;
  if (isAPIError(returned) || typeof returned !== 'object' || returned === null) return undefined;
  return json({ ...returned, userVerification: 'required' });
});

function tell(trail: AuditTrail, kind: SecurityEventKind) {
  return createAuthMiddleware(async ({ context, headers }) => {
    const { returned, session } = context;
    if (session && !isAPIError(returned))
      await trail.record({
        userId: session.user.id,
        kind,
        client: clientIn(headers),
        sessionId: session.session.id,
      });
  });
}

function remember(limits: SignInLimits) {
  return createAuthMiddleware(async ({ context, headers }) => {
    const { newSession } = context;
    if (newSession) await limits.remember(newSession.user.id, clientIn(headers).address);
  });
}

function rules({ database, limits, trail }: PasskeyParts): BetterAuthPlugin {
  return {
    id: 'passkey-rules',
    hooks: {
      before: [
        { matcher: only(BEGIN_SIGN_IN), handler: beginning(limits) },
        { matcher: only(BEGIN, PASSKEY_REGISTRATION), handler: mayAdd(database) },
        { matcher: only(PASSKEY_REGISTRATION), handler: additionRules },
        { matcher: only(PASSKEY_SIGN_IN), handler: signInRules },
        { matcher: only(RENAME, REMOVE), handler: ownership(database) },
      ],
      after: [
        { matcher: only(BEGIN_SIGN_IN), handler: askForVerification },
        { matcher: only(PASSKEY_SIGN_IN), handler: remember(limits) },
        { matcher: only(PASSKEY_REGISTRATION), handler: tell(trail, 'passkey_added') },
        { matcher: only(REMOVE), handler: tell(trail, 'passkey_removed') },
      ],
    },
  };
}

/** A passkey stands for two factors: the device, and the finger, face or PIN by which it knows its owner. */
function assertVerifiedUser(verified: boolean | undefined): void {
  if (verified !== true)
    throw refuse(
      'BAD_REQUEST',
      'USER_NOT_VERIFIED',
      'The device must verify you: by a finger, a face or a PIN.',
    );
}

export function passkeyPlugins(parts: PasskeyParts) {
  return [
    rules(parts),
    passkey({
      rpID: new URL(parts.origin).hostname,
      rpName: 'Donewell',
      origin: originsOf(parts),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      registration: {
        afterVerification: async ({ verification }) =>
          assertVerifiedUser(verification.registrationInfo?.userVerified),
      },
      authentication: {
        afterVerification: async ({ verification }) =>
          assertVerifiedUser(verification.authenticationInfo.userVerified),
      },
      schema: {
        passkey: {
          fields: {
            publicKey: 'public_key',
            userId: 'user_id',
            credentialID: 'credential_id',
            deviceType: 'device_type',
            backedUp: 'backed_up',
            createdAt: 'created_at',
          },
        },
      },
    }),
  ] as const;
}
