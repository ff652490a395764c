// A provider of an attacker's own, or one that is broken: it answers whatever a test wants it to.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { CLIENT } from './oidc.ts';

export interface Forgery {
  /** Members of the discovery document in the place of the right ones. */
  discovery?: Record<string, unknown>;
  /** Claims of the ID token in the place of the right ones; null leaves one out. */
  claims?: Record<string, unknown>;
  /** Signs with a key that the provider does not publish. */
  foreignKey?: boolean;
  /** The ID token as it is, or none. */
  idToken?: (claims: JWTPayload) => string | undefined;
  /** What the provider says of somebody who shows an access token. */
  userInfo?: Record<string, unknown>;
  /** Where it answers with a failure, not at all, never, or by naming another place. */
  broken?: Record<string, 'fails' | 'drops' | 'hangs' | 'lies' | `http://${string}`>;
}

export interface ForgedProvider {
  issuer: string;
  forge: (forgery: Forgery) => void;
  /** The nonce to put into the next ID token. */
  expect: (nonce: string) => void;
  asked: string[];
  close: () => Promise<void>;
}

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A token without a signature. */
export function unsigned(claims: JWTPayload): string {
  return `${base64({ alg: 'none' })}.${base64(claims)}.`;
}

class Forger {
  readonly issuer: string;
  readonly asked: string[] = [];
  forgery: Forgery = {};
  nonce = '';
  readonly #published: JWK;
  readonly #keys: { own: CryptoKey; foreign: CryptoKey };

  constructor(issuer: string, published: JWK, keys: { own: CryptoKey; foreign: CryptoKey }) {
    this.issuer = issuer;
    this.#published = published;
    this.#keys = keys;
  }

  #claims(): JWTPayload {
    const now = Math.floor(Date.now() / 1000);
    const right = {
      iss: this.issuer,
      sub: 'mallory',
      aud: CLIENT.id,
      iat: now,
      exp: now + 600,
      nonce: this.nonce,
      email: 'mallory@example.com',
      email_verified: true,
    };
    const claims = { ...right, ...this.forgery.claims };
    return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
  }

  async #idToken(): Promise<string | undefined> {
    const claims = this.#claims();
    if (this.forgery.idToken) return this.forgery.idToken(claims);
    const key = this.forgery.foreignKey ? this.#keys.foreign : this.#keys.own;
    return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'first' }).sign(key);
  }

  async #body(path: string): Promise<unknown> {
    switch (path) {
      case '/.well-known/openid-configuration':
        return {
          issuer: this.issuer,
          authorization_endpoint: `${this.issuer}/auth`,
          token_endpoint: `${this.issuer}/token`,
          userinfo_endpoint: `${this.issuer}/me`,
          jwks_uri: `${this.issuer}/jwks`,
          id_token_signing_alg_values_supported: ['RS256'],
          ...this.forgery.discovery,
        };
      case '/jwks':
        return { keys: [this.#published] };
      case '/token': {
        const id_token = await this.#idToken();
        return { access_token: 'an access token', token_type: 'Bearer', expires_in: 600, id_token };
      }
      default:
        return { ...this.#claims(), ...this.forgery.userInfo };
    }
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?')[0] ?? '';
    this.asked.push(path);
    const how = this.forgery.broken?.[path];
    if (how === 'hangs') return;
    if (how === 'drops') return void request.socket.destroy();
    if (how?.startsWith('http')) return void response.writeHead(307, { location: how }).end();
    response.statusCode = how === 'fails' ? 500 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(how === 'lies' ? '<html>' : JSON.stringify(await this.#body(path)));
  }
}

export async function startForgedProvider(): Promise<ForgedProvider> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const own = await generateKeyPair('RS256');
  const foreign = await generateKeyPair('RS256');
  const published = { ...(await exportJWK(own.publicKey)), alg: 'RS256', use: 'sig', kid: 'first' };
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const forger = new Forger(issuer, published, { own: own.privateKey, foreign: foreign.privateKey });
  server.on('request', (request, response) => void forger.answer(request, response));
  return {
    issuer,
    asked: forger.asked,
    forge: (forgery) => {
      forger.forgery = forgery;
    },
    expect: (nonce) => {
      forger.nonce = nonce;
    },
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
