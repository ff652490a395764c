// What Better Auth tells of new accounts: whichever endpoint makes one, its owner is asked to confirm the e-mail.
import type { BetterAuthPlugin } from 'better-auth';
import type { LinkRequests } from './requests.ts';

type Warn = (error: unknown) => void;
type NewUser = { email: string; emailVerified: boolean };

/** @param warn the account is made: a mail that could not be asked for is no reason to say it was not. It can be asked for again. */
export function linkPlugin(requests: LinkRequests, warn: Warn) {
  return {
    id: 'donewell-links',
    init: () => ({
      options: {
        databaseHooks: {
          user: {
            create: {
              after: async ({ email, emailVerified }: NewUser) => {
                if (!emailVerified) await requests.verificationAtSignIn(email).catch(warn);
              },
            },
          },
        },
      },
    }),
  } satisfies BetterAuthPlugin;
}
