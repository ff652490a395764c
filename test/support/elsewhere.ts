// A server whose people sign in elsewhere: at a real OpenID Connect provider on loopback, which knows whom a test tells it of.
import { randomUUID } from 'node:crypto';
import type { Environment } from '../../src/config.ts';
import { type OidcProvider, oidcSettings, type Person, startOidcProvider } from './oidc.ts';
import { startServer, type TestServer } from './server.ts';

export const PUBLIC_URL = 'http://localhost:8000';

export interface Elsewhere {
  provider: OidcProvider;
  server: TestServer;
  /** Somebody new whom the provider knows, by default with an e-mail that it has verified. */
  person: (claims?: Person) => { name: string; email: string };
  close: () => Promise<void>;
}

export async function startElsewhere(env: Environment = {}): Promise<Elsewhere> {
  const provider = await startOidcProvider(PUBLIC_URL);
  const server = await startServer({ env: { ...oidcSettings(PUBLIC_URL, provider.issuer), ...env } });
  const person = (claims: Person = {}) => {
    const name = `p-${randomUUID()}`;
    const email = `${name}@example.com`;
    provider.people.set(name, { email, email_verified: true, name: 'Ada Lovelace', ...claims });
    return { name, email };
  };
  const close = async () => {
    await server.close();
    await provider.close();
  };
  return { provider, server, person, close };
}
