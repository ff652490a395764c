// The last plugin of Better Auth: tells the trail what its endpoints have done, whichever door they were called through.
import type { BetterAuthPlugin } from 'better-auth';
import { APIError, createAuthMiddleware } from 'better-auth/api';
import type { SecurityEventKind } from '../../contract/account.ts';
import type { AuditTrail, SecurityEvent } from '../audit/audit-trail.ts';
import type { Database } from '../database/database.ts';
import { currentCall, noting, type SessionEntity } from './call.ts';
import { clientIn } from './client-headers.ts';
import { deleteSession, lockPassword } from './repository.ts';

/** Which endpoints end sessions on their caller's wish, and what that is called. */
const ENDINGS: Record<string, SecurityEventKind> = {
  '/sign-out': 'signed_out',
  '/revoke-session': 'session_revoked',
  '/revoke-sessions': 'sessions_revoked',
  '/revoke-other-sessions': 'sessions_revoked',
};

const PROFILE = ['name', 'image'] as const;
type Profile = Partial<Record<(typeof PROFILE)[number], unknown>>;

const METHODS: Record<string, string> = {
  '/sign-in/email': 'password',
  '/sign-up/email': 'password',
  '/two-factor/verify-totp': 'two_factor',
  '/two-factor/verify-backup-code': 'recovery_code',
};

/** How somebody got in: as above, or by the provider's name, or the endpoint's. */
function methodOf(path: string, params: { id?: string } | undefined): string {
  const known = METHODS[path];
  if (known !== undefined) return known;
  return path.startsWith('/callback/') ? (params?.id ?? path) : path.slice(1);
}

type Told = Omit<SecurityEvent, 'client'>;

interface Outcome {
  path: string;
  params: { id?: string } | undefined;
  /** The session that is left signed in, if any. */
  entered: { session: { id: string } } | null;
  /** Who was signed in before. */
  actor: { session: { id: string }; user: Profile } | null;
}

function entryIn({ path, params, entered }: Outcome): Told[] {
  const { madeUser, madeSession, endedSessions = [] } = currentCall() ?? {};
  const details = { method: methodOf(path, params) };
  if (madeUser !== undefined)
    return [{ userId: madeUser, kind: 'signed_up', sessionId: madeSession?.id, details }];
  // One that is taken away again (a second factor is asked for), or takes the place of another, is no sign-in.
  const isIn = madeSession !== undefined && entered?.session.id === madeSession.id;
  if (!isIn || endedSessions.length > 0) return [];
  return [{ userId: madeSession.userId, kind: 'signed_in', sessionId: madeSession.id, details }];
}

function endingIn({ path, actor }: Outcome): Told[] {
  const kind = ENDINGS[path];
  const now = Date.now();
  const ended = (currentCall()?.endedSessions ?? []).filter(({ expiresAt }) => expiresAt.getTime() > now);
  const [first] = ended;
  if (kind === undefined || first === undefined) return [];
  const sessionId = actor?.session.id ?? first.id;
  if (kind === 'signed_out') return [{ userId: first.userId, kind, sessionId: first.id }];
  const details = kind === 'session_revoked' ? { ended_session: first.id } : { ended_sessions: ended.length };
  return [{ userId: first.userId, kind, sessionId, details }];
}

function changeIn({ path, actor }: Outcome): Told[] {
  const user = currentCall()?.changedUser;
  if (path !== '/update-user' || !user || !actor) return [];
  const fields = PROFILE.filter((field) => (user as Profile)[field] !== actor.user[field]);
  if (fields.length === 0) return [];
  return [{ userId: user.id, kind: 'profile_changed', sessionId: actor.session.id, details: { fields } }];
}

/**
 * A password that was changed while it was being compared opens nothing: the change has ended all sessions but could not
 * see this one. Whoever changes it writes the password before it ends sessions.
 */
async function assertStillFits(database: Database, session: SessionEntity): Promise<void> {
  const hash = currentCall()?.fitted;
  if (hash === undefined) return;
  const fits = await noting(
    database.transaction(async (transaction) => {
      const [row] = await transaction.query(lockPassword, [session.userId, hash]);
      if (!row) transaction.queue(deleteSession, [session.id]);
      return row !== undefined;
    }),
  );
  if (fits) return;
  const body = { code: 'INVALID_EMAIL_OR_PASSWORD', message: 'Invalid email or password' };
  throw new APIError('UNAUTHORIZED', body);
}

function databaseHooks(database: Database) {
  return {
    user: {
      create: {
        after: async (user: { id: string }) => {
          const call = currentCall();
          if (call) call.madeUser = user.id;
        },
      },
      update: {
        after: async (user: { id: string } | null) => {
          const call = currentCall();
          if (call && user) call.changedUser = user;
        },
      },
    },
    session: {
      create: {
        after: async (session: SessionEntity) => {
          const call = currentCall();
          if (call) call.madeSession = session;
          await assertStillFits(database, session);
        },
      },
      delete: { after: async (session: SessionEntity) => void currentCall()?.endedSessions.push(session) },
    },
  };
}

export function trailPlugin({ database, trail }: { database: Database; trail: AuditTrail }) {
  return {
    id: 'donewell-trail',
    init: () => ({ options: { databaseHooks: databaseHooks(database) } }),
    hooks: {
      after: [
        {
          matcher: () => true,
          handler: createAuthMiddleware(async ({ path, params, headers, context }) => {
            const outcome: Outcome = {
              path: path ?? '',
              params,
              entered: context.newSession,
              actor: context.session,
            };
            const client = clientIn(headers);
            for (const event of [...entryIn(outcome), ...endingIn(outcome), ...changeIn(outcome)])
              await trail.record({ ...event, client });
          }),
        },
      ],
    },
  } satisfies BetterAuthPlugin;
}
