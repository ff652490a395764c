// A real OpenID Connect provider on loopback, and people who sign in there through its own forms.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { type Configuration, Provider } from 'oidc-provider';
import type { Client } from './client.ts';

export const CLIENT = { id: 'donewell', secret: 'a secret between the two of us alone' };

/** What the provider says of a person, by the name that the person types there. */
export type Person = Record<string, unknown> & { email?: string; email_verified?: boolean };

export interface OidcProvider {
  issuer: string;
  people: Map<string, Person>;
  /** What was asked of it, as `METHOD /path`. */
  asked: string[];
  server: Server;
  close: () => Promise<void>;
}

async function configuration(redirectUri: string, people: Map<string, Person>): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ ...people.get(id), sub: id }),
    }),
    pkce: { required: () => true },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'first' }] },
    cookies: { keys: ['a key for the cookies of the provider'] },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 600,
      IdToken: 600,
      Interaction: 600,
      Session: 600,
    },
  };
}

export async function startOidcProvider(publicUrl: string): Promise<OidcProvider> {
  const people = new Map<string, Person>();
  const asked: string[] = [];
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const redirectUri = `${publicUrl}/api/auth/callback/oidc`;
  const provider = new Provider(issuer, await configuration(redirectUri, people));
  const answer = provider.callback();
  server.on('request', (request, response) => {
    asked.push(`${request.method} ${request.url?.split('?')[0]}`);
    void answer(request, response);
  });
  const close = async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  };
  return { issuer, people, asked, server, close };
}

/** The settings of a server whose people sign in at this provider. */
export function oidcSettings(publicUrl: string, issuer: string): Record<string, string> {
  return {
    PUBLIC_URL: publicUrl,
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: CLIENT.id,
    OIDC_CLIENT_SECRET: CLIENT.secret,
    OIDC_NAME: 'Acme',
  };
}

/** Comes back from a provider; the address that the server sends the browser on to. */
export async function arrive(client: Client, back: URL): Promise<URL> {
  const answer = await client.get(`${back.pathname}${back.search}`);
  if (answer.status !== 302) throw new Error(`Not sent on: ${answer.status} ${answer.text.slice(0, 500)}`);
  return new URL(answer.headers.get('location') ?? '', back);
}

const FORM = /<form[^>]* action="([^"]+)"/;

/** Somebody's browser at the provider: cookies, redirects and forms. */
export class Visitor {
  readonly #cookies = new Map<string, string>();
  readonly #issuer: string;

  constructor(issuer: string) {
    this.#issuer = issuer;
  }

  /**
   * Opens an address of the provider, signs in as `name` and consents.
   * @returns the address that the provider sends the browser back to.
   */
  async signIn(url: string, name: string): Promise<URL> {
    return this.#walk(url, [{ prompt: 'login', login: name, password: 'anything' }, { prompt: 'consent' }]);
  }

  /** Opens an address of the provider, and cancels where it asks. */
  async cancel(url: string): Promise<URL> {
    return this.#walk(url, 'cancel');
  }

  async #walk(url: string, answers: Record<string, string>[] | 'cancel'): Promise<URL> {
    let next = new URL(url);
    for (let step = 0; step < 20; step++) {
      if (next.origin !== this.#issuer) return next;
      const page = await this.#ask('GET', next);
      if (page.location) {
        next = new URL(page.location, next);
        continue;
      }
      if (answers === 'cancel') {
        const [, abort = ''] = /href="([^"]+\/abort)"/.exec(page.text) ?? [];
        next = new URL(abort, next);
        continue;
      }
      const [, action = ''] = FORM.exec(page.text) ?? [];
      const prompt = /name="prompt" value="(\w+)"/.exec(page.text)?.[1];
      const answer = answers.find((each) => each.prompt === prompt);
      if (action === '' || !answer) throw new Error(`Not a form: ${page.status} ${page.text.slice(0, 2000)}`);
      const sent = await this.#ask('POST', new URL(action, next), new URLSearchParams(answer));
      next = new URL(sent.location ?? '', next);
    }
    throw new Error(`The provider does not let go: ${next.href}`);
  }

  async #ask(method: string, url: URL, body?: URLSearchParams) {
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ');
    const response = await fetch(url, {
      method,
      headers: { cookie },
      redirect: 'manual',
      ...(body ? { body } : {}),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      this.#cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const location = response.headers.get('location');
    return { status: response.status, location, text: await response.text() };
  }
}
