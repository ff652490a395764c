// The last plugin of Better Auth: tells the trail what its endpoints have done, whichever door they were called through.
import type { BetterAuthPlugin } from 'better-auth';
import { createAuthMiddleware } from 'better-auth/api';
import type { AuditTrail, SecurityEvent } from '../audit/audit-trail.ts';
import type { Database } from '../database/database.ts';
import { currentCall, type SessionEntity } from './call.ts';
import { clientIn } from './client-headers.ts';
import { assertUnchangedPassword } from './unchanged-password.ts';

const PROFILE = ['name', 'image'] as const;
type Profile = Partial<Record<(typeof PROFILE)[number], unknown>>;

const METHODS: Record<string, string> = {
  '/sign-in/email': 'password',
  '/sign-up/email': 'password',
  '/passkey/verify-authentication': 'passkey',
  '/two-factor/verify-totp': 'two_factor',
  '/two-factor/verify-backup-code': 'recovery_code',
};

/** Of a callback: the provider. */
type Params = { id?: string; providerId?: string } | undefined;

/** How somebody got in: as above, or by the provider's name, or the endpoint's. */
function methodOf(path: string, params: Params): string {
  return METHODS[path] ?? params?.id ?? params?.providerId ?? path.slice(1);
}

type Told = Omit<SecurityEvent, 'client'>;

interface Outcome {
  path: string;
  params: Params;
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

function endingIn({ path }: Outcome): Told[] {
  const [ended] = currentCall()?.endedSessions ?? [];
  if (path !== '/sign-out' || !ended || ended.expiresAt.getTime() <= Date.now()) return [];
  return [{ userId: ended.userId, kind: 'signed_out', sessionId: ended.id }];
}

function changeIn({ path, actor }: Outcome): Told[] {
  const user = currentCall()?.changedUser;
  if (path !== '/update-user' || !user || !actor) return [];
  const fields = PROFILE.filter((field) => (user as Profile)[field] !== actor.user[field]);
  if (fields.length === 0) return [];
  return [{ userId: user.id, kind: 'profile_changed', sessionId: actor.session.id, details: { fields } }];
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
          await assertUnchangedPassword(database, session);
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
