// An authenticator app, by an implementation that is not ours, and accounts that use one.
import { TOTP, URI } from 'otpauth';
import { type Account, seedAccount, signIn } from './accounts.ts';
import type { Client } from './client.ts';
import type { TestServer } from './server.ts';

const STEP = 30_000;

export class Authenticator {
  readonly totp: TOTP;

  /** @param uri as the QR code has it */
  constructor(uri: string) {
    const parsed = URI.parse(uri);
    if (!(parsed instanceof TOTP)) throw new Error(`Not for an authenticator: ${uri}`);
    this.totp = parsed;
  }

  /** The code that is shown now, or so many steps of half a minute later. */
  code(steps = 0): string {
    return this.totp.generate({ timestamp: Date.now() + steps * STEP });
  }

  /** A code that is not shown now, before or after. */
  wrong(): string {
    const near = [-2, -1, 0, 1, 2].map((steps) => this.code(steps));
    for (let number = 0; ; number++) {
      const code = String(number).padStart(6, '0');
      if (!near.includes(code)) return code;
    }
  }
}

export type Protected = Account & { authenticator: Authenticator; recoveryCodes: string[] };

/** Half a minute passes for these accounts: the code that was taken last is history. */
export async function nextStep(
  server: Pick<TestServer, 'sql'>,
  ...accounts: { id: string }[]
): Promise<void> {
  await server.sql('update two_factor set last_step = null where user_id = any($1)', [
    accounts.map(({ id }) => id),
  ]);
}

/** Sets up the second factor through our own routes. */
export async function protect(client: Client, password: string) {
  const begun = await client.post('/api/account/two-factor', { password });
  if (begun.status !== 200) throw new Error(`Not begun: ${begun.text}`);
  const authenticator = new Authenticator(begun.body.otpauth_uri);
  const confirmed = await client.post('/api/account/two-factor/confirm', { code: authenticator.code() });
  if (confirmed.status !== 200) throw new Error(`Not confirmed: ${confirmed.text}`);
  return { authenticator, recoveryCodes: confirmed.body.recovery_codes as string[] };
}

/** An account with a second factor, and a client that is signed in to it. */
export async function seedProtected(server: TestServer, headers: Record<string, string> = {}) {
  const account = await seedAccount(server);
  const client = await signIn(server.url, account, headers);
  const factor = await protect(client, account.password);
  await nextStep(server, account);
  return { account: { ...account, ...factor } satisfies Protected, client };
}
