// Which other services people can sign in with, from the settings; each is there when its two or three variables are.
import type { Settings } from '../../config.ts';

export interface ProviderSettings {
  /** Also the last part of the address that the service sends people back to. */
  id: 'google' | 'github' | 'oidc';
  name: string;
  clientId: string;
  clientSecret: string;
  /** Of an OpenID Connect provider; GitHub is none. */
  issuer: string | undefined;
}

const GOOGLE_ISSUER = 'https://accounts.google.com';

export function providersOf(settings: Settings): ProviderSettings[] {
  const { GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET } = settings;
  const { OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_NAME } = settings;
  const candidates = [
    {
      id: 'google',
      name: 'Google',
      clientId: GOOGLE_CLIENT_ID,
      clientSecret: GOOGLE_CLIENT_SECRET,
      issuer: GOOGLE_ISSUER,
    },
    {
      id: 'github',
      name: 'GitHub',
      clientId: GITHUB_CLIENT_ID,
      clientSecret: GITHUB_CLIENT_SECRET,
      issuer: undefined,
    },
    {
      id: 'oidc',
      name: OIDC_NAME,
      clientId: OIDC_CLIENT_ID,
      clientSecret: OIDC_CLIENT_SECRET,
      issuer: OIDC_ISSUER,
    },
  ] as const;
  return candidates.flatMap(({ clientId, clientSecret, ...rest }) =>
    clientId === undefined || clientSecret === undefined ? [] : [{ ...rest, clientId, clientSecret }],
  );
}
