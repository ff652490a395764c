// Signing in elsewhere, on the wire: which services there are, how to begin, what is connected, and what can go wrong.
import { type Static, Type } from 'typebox';
import { Time } from './common.ts';

const id = Type.String({ description: 'Names the service in addresses.', examples: ['google'] });
const name = Type.String({ description: 'For people.', examples: ['Google'] });

export const Provider = Type.Object({ id, name }, { $id: 'Provider' });
export type Provider = Static<typeof Provider>;

/** In the order in which they may be shown; empty where the operator has set none up. */
export const ProviderList = Type.Object({ providers: Type.Array(Provider) }, { $id: 'ProviderList' });
export type ProviderList = Static<typeof ProviderList>;

const REDIRECT =
  'A path of the server’s own pages, or an address of an allowed origin. By default the page at PUBLIC_URL.';

export const ProviderSignIn = Type.Object(
  {
    redirect_to: Type.Optional(
      Type.String({
        description: `Where to go afterwards; with \`two_factor=required\` in its query where a code is still to come. ${REDIRECT}`,
        examples: ['/'],
        'x-error': 'must be a string',
      }),
    ),
    error_redirect_to: Type.Optional(
      Type.String({
        description: `Where to go when it fails, with \`error\` in the query. A path or an address as above; by default a page that says what happened.`,
        examples: ['/'],
        'x-error': 'must be a string',
      }),
    ),
  },
  { $id: 'ProviderSignIn' },
);
export type ProviderSignIn = Static<typeof ProviderSignIn>;

export const ProviderRedirect = Type.Object(
  {
    url: Type.String({
      description:
        'Where to send the browser now. The cookie of this answer must be with it when it comes back.',
      examples: ['https://accounts.google.com/o/oauth2/v2/auth?client_id=…&state=…'],
    }),
  },
  { $id: 'ProviderRedirect' },
);
export type ProviderRedirect = Static<typeof ProviderRedirect>;

export const Connection = Type.Object(
  {
    id: Type.String({ examples: ['8c7f2f64-58a5-4d0c-9d3c-0c6d0d7a5b11'] }),
    provider: id,
    name,
    connected_at: Time,
  },
  { $id: 'Connection' },
);
export type Connection = Static<typeof Connection>;

export const ConnectionList = Type.Object(
  {
    connections: Type.Array(Connection, { description: 'Oldest first.' }),
    has_password: Type.Boolean({ description: 'Whether a password opens the account, too.' }),
  },
  { $id: 'ConnectionList' },
);
export type ConnectionList = Static<typeof ConnectionList>;

export const NewConnection = Type.Object(
  { provider: Type.String({ ...id, 'x-error': 'must be a string' }), ...ProviderSignIn.properties },
  { $id: 'NewConnection' },
);

/** What `error` in the address of the page after a failed sign-in says, as a sentence for a person. */
export const SIGN_IN_FAILURES = {
  access_denied: 'The sign-in was cancelled.',
  state_mismatch: 'The sign-in took too long, or was begun in another window. Begin again.',
  provider_unavailable:
    'The other service cannot be reached or did not answer as it should. Try again later.',
  email_missing: 'The other service did not tell us your e-mail. Allow it to, and try again.',
  email_not_verified_there: 'The other service has not verified your e-mail. Verify it there, and try again.',
  account_exists:
    'There is an account with this e-mail already. Sign in with its password, confirm its e-mail, and connect the service in your account.',
  connected_elsewhere: 'This identity is connected to another account.',
  email_not_verified: 'Confirm the e-mail of your account first, by the link that was sent to it.',
  signup_closed: 'This server takes no new accounts.',
  invitation_required: 'This server takes new accounts by invitation only.',
  account_disabled: 'This account has been disabled.',
  rate_limited: 'Too many attempts from your address. Try again later.',
  unavailable: 'The server cannot reach its database right now. Try again in a moment.',
  failed: 'The sign-in did not work. Try again.',
} as const;

export type SignInFailure = keyof typeof SIGN_IN_FAILURES;
