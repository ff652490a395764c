// What Better Auth tells of new accounts and sessions: whichever endpoint makes an account, its owner is asked to confirm the
// e-mail; and where that is demanded, no endpoint makes a session before.
import type { BetterAuthPlugin } from 'better-auth';
import { APIError } from 'better-auth/api';
import type { Database } from '../../database/database.ts';
import { noting } from '../call.ts';
import { emailOf } from './repository.ts';
import type { LinkRequests } from './requests.ts';

type NewUser = { email: string; emailVerified: boolean };

export interface LinkPluginOptions {
  database: Database;
  links: LinkRequests;
  requireVerifiedEmail: boolean;
  /**
   * The account is made: a mail that could not be asked for is no reason to say it was not. It can be asked for again.
   */
  warn: (error: unknown) => void;
}

/** Sign-in by password asks before it gets here; other ways to sign in do not. */
async function assertVerified({ database, links, warn }: LinkPluginOptions, userId: string): Promise<void> {
  const [user] = await noting(database.read(emailOf, [userId]));
  if (!user || user.email_verified) return;
  await links.verificationAtSignIn(user.email).catch(warn);
  throw new APIError('FORBIDDEN', { code: 'EMAIL_NOT_VERIFIED', message: 'Email not verified' });
}

export function linkPlugin(options: LinkPluginOptions) {
  const { links, requireVerifiedEmail, warn } = options;
  return {
    id: 'donewell-links',
    init: () => ({
      options: {
        databaseHooks: {
          user: {
            create: {
              after: async ({ email, emailVerified }: NewUser) => {
                if (!emailVerified) await links.verificationAtSignIn(email).catch(warn);
              },
            },
          },
          session: {
            create: {
              before: async ({ userId }: { userId: string }) => {
                if (requireVerifiedEmail) await assertVerified(options, userId);
              },
            },
          },
        },
      },
    }),
  } satisfies BetterAuthPlugin;
}
