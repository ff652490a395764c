// Signing in elsewhere, on the wire: which services there are, who may sign up, how to begin, what is connected, and what can go wrong.
import { type Static, Type } from 'typebox';
import { Time } from './common.ts';
import { PROVIDER_LENGTH, REDIRECT_LENGTH } from './limits.ts';
import { SIGN_UP_MODES, type SignUpMode } from './sign-up-modes.ts';

const id = Type.String({ description: 'Names the service in addresses.', examples: ['google'] });
const name = Type.String({ description: 'For people.', examples: ['Google'] });

export const Provider = Type.Object({ id, name }, { $id: 'Provider' });
export type Provider = Static<typeof Provider>;

export const ProviderList = Type.Object(
  {
    providers: Type.Array(Provider, {
      description: 'In the order in which they may be shown; empty where the operator has set none up.',
    }),
    sign_up: Type.Unsafe<SignUpMode>({
      type: 'string',
      enum: [...SIGN_UP_MODES],
      description:
        'Who may make an account, here or by another service: anybody, who has an invitation, or nobody.',
      examples: ['open'],
    }),
  },
  { $id: 'ProviderList' },
);
export type ProviderList = Static<typeof ProviderList>;

const target = (description: string) =>
  Type.String({
    maxLength: REDIRECT_LENGTH,
    description,
    examples: ['/'],
    'x-error': `must be a string of at most ${REDIRECT_LENGTH} characters`,
  });

export const ProviderSignIn = Type.Object(
  {
    redirect_to: Type.Optional(
      target(
        'Where to go afterwards; with `two_factor=required` in its query where a code is still to come. A path of the server’s own pages, or an address of an allowed origin. By default the page at PUBLIC_URL.',
      ),
    ),
    error_redirect_to: Type.Optional(
      target(
        'Where to go when it fails, with `error` in the query. A path or an address as above; by default a page that says what happened.',
      ),
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
  {
    provider: Type.String({
      ...id,
      maxLength: PROVIDER_LENGTH,
      'x-error': `must be a string of at most ${PROVIDER_LENGTH} characters`,
    }),
    ...ProviderSignIn.properties,
  },
  { $id: 'NewConnection' },
);
