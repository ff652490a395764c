// The other services as Better Auth knows them: what is asked of them, and what of their answers is taken.
import type { BetterAuthPlugin } from 'better-auth';
import { type GenericOAuthConfig, genericOAuth } from 'better-auth/plugins/generic-oauth';
import { decodeJwt } from 'jose';
import { NAME_LENGTH } from '../../../contract/limits.ts';
import { cleanName, imageFault } from '../user-rules.ts';
import type { ProviderSettings } from './settings.ts';

const SCOPES = ['openid', 'email', 'profile'];

function becomesAscii(text: string): boolean {
  const ascii = /^[\x20-\x7e]*$/;
  return !ascii.test(text) && ascii.test(text.toLowerCase());
}

/** What an identity is called, and its picture, by the rules for those that people give themselves. */
function tidyProfile(profile: {
  name?: unknown;
  login?: unknown;
  email?: unknown;
  picture?: unknown;
  avatar_url?: unknown;
}) {
  const { name, login, email, picture, avatar_url: avatar } = profile;
  const mailbox = typeof email === 'string' ? (email.split('@')[0] ?? '') : '';
  const candidates = [name, login, mailbox].map((text) => (typeof text === 'string' ? cleanName(text) : ''));
  const chosen = candidates.find((text) => text !== '') ?? 'Somebody';
  const image = [picture, avatar].find((address) => typeof address === 'string' && !imageFault(address));
  return {
    name: [...chosen].slice(0, NAME_LENGTH).join(''),
    image: typeof image === 'string' ? image : undefined,
    // Better Auth compares in lower case, where U+212A is a k: such an e-mail is nobody's here.
    ...(typeof email === 'string' && becomesAscii(email) ? { emailVerified: false } : {}),
  };
}

/**
 * Who somebody is at an OpenID Connect provider: the verified ID token says it, and there must be one. The issuer is part of
 * it, so that another provider, put in the place of the first, finds none of its accounts.
 */
function subjectOf({ id }: ProviderSettings, idToken: string | undefined): string {
  const { sub, iss } = decodeJwt(idToken ?? '');
  if (typeof sub !== 'string' || sub === '') throw new Error('The ID token has no subject');
  return id === 'oidc' ? `${iss}#${sub}` : sub;
}

function oidcConfig(provider: ProviderSettings, redirectURI: string): GenericOAuthConfig {
  return {
    providerId: provider.id,
    name: provider.name,
    clientId: provider.clientId,
    clientSecret: provider.clientSecret,
    // With a header of its own, whatever it is, no redirect to elsewhere is followed.
    discoveryHeaders: { accept: 'application/json' },
    discoveryUrl: `${provider.issuer?.replace(/\/+$/, '')}/.well-known/openid-configuration`,
    // Signature, issuer, audience, age and nonce.
    requireIdTokenVerification: true,
    scopes: SCOPES,
    pkce: true,
    redirectURI,
    accountSubject: ({ tokens }) => subjectOf(provider, tokens.idToken),
    mapProfileToUser: tidyProfile,
  };
}

/**
 * The plugin asks each provider for its configuration before it lets anybody in, by whatever way, and waits for as long as
 * that takes. Here each is asked when it is first needed, as the plugin does for those that were away.
 */
function askedWhenNeeded(config: GenericOAuthConfig[]) {
  const genericOAuthPendingDiscovery = new Map(config.map((each) => [each.providerId, each]));
  return {
    ...genericOAuth({ config }),
    init: async () => ({ context: { genericOAuthPendingDiscovery } }),
  } as BetterAuthPlugin;
}

export function callbackOf(publicUrl: string, id: string): string {
  return `${publicUrl}/api/auth/callback/${id}`;
}

/** Those with discovery, as a plugin. */
export function oidcPlugin(providers: readonly ProviderSettings[], publicUrl: string): BetterAuthPlugin {
  const withIssuer = providers.filter(({ issuer }) => issuer !== undefined);
  return askedWhenNeeded(
    withIssuer.map((provider) => oidcConfig(provider, callbackOf(publicUrl, provider.id))),
  );
}

/** Those that Better Auth itself knows. */
export function socialProvidersOf(providers: readonly ProviderSettings[], publicUrl: string) {
  const github = providers.find(({ id }) => id === 'github');
  if (!github) return {};
  const { clientId, clientSecret } = github;
  const redirectURI = callbackOf(publicUrl, 'github');
  return { github: { clientId, clientSecret, redirectURI, mapProfileToUser: tidyProfile } };
}
