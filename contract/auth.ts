// Accounts and sessions on the wire. No shape here has a field for a token of a session or for a hash.
import { type Static, Type } from 'typebox';
import { Time } from './common.ts';
import {
  EMAIL_LENGTH,
  IMAGE_LENGTH,
  NAME_LENGTH,
  PASSWORD_MAXIMUM_BYTES,
  PASSWORD_MINIMUM_LENGTH,
} from './limits.ts';

export const User = Type.Object(
  {
    id: Type.String({ format: 'uuid', examples: ['8c7f2f64-58a5-4d0c-9d3c-0c6d0d7a5b11'] }),
    name: Type.String({ minLength: 1, maxLength: NAME_LENGTH, examples: ['Ada Lovelace'] }),
    email: Type.String({ format: 'email', maxLength: EMAIL_LENGTH, examples: ['ada@example.com'] }),
    email_verified: Type.Boolean(),
    image: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      maxLength: IMAGE_LENGTH,
      examples: [null],
    }),
    created_at: Time,
    updated_at: Time,
  },
  { $id: 'User' },
);
export type User = Static<typeof User>;

export const Session = Type.Object(
  { id: Type.String({ examples: ['9f86d081884c7d659a2feaa0c55ad015'] }), created_at: Time, expires_at: Time },
  { $id: 'Session' },
);
export type Session = Static<typeof Session>;

const tokenProperties = {
  access_token: Type.String({
    description: 'A JWT for clients without cookies, sent as `Authorization: Bearer …`.',
  }),
  token_type: Type.Literal('bearer'),
  expires_in: Type.Integer({ description: 'Seconds.', examples: [1800] }),
};

export const SignedIn = Type.Object(
  { user: User, session: Session, ...tokenProperties },
  { $id: 'SignedIn' },
);
export type SignedIn = Static<typeof SignedIn>;

const nullableUser = Type.Union([User, Type.Null()]);
const nullableSession = Type.Union([Session, Type.Null()]);

/** Both null when nobody is signed in. */
export const CurrentSession = Type.Object(
  { user: nullableUser, session: nullableSession },
  { $id: 'CurrentSession' },
);
export type CurrentSession = Static<typeof CurrentSession>;

/** The token comes only to a request that itself came with a bearer token. */
export const Refreshed = Type.Object(
  {
    user: User,
    session: Session,
    access_token: Type.Optional(tokenProperties.access_token),
    token_type: Type.Optional(tokenProperties.token_type),
    expires_in: Type.Optional(tokenProperties.expires_in),
  },
  { $id: 'Refreshed' },
);
export type Refreshed = Static<typeof Refreshed>;

export const LoggedOut = Type.Object(
  { message: Type.String({ examples: ['Logged out successfully'] }), status: Type.Literal('success') },
  { $id: 'LoggedOut' },
);

const email = Type.String({
  format: 'email',
  description: `At most ${EMAIL_LENGTH} characters; compared and stored in lower case.`,
  examples: ['ada@example.com'],
  'x-error': 'must be an e-mail address',
});
const password = (description: string) =>
  Type.String({
    format: 'password',
    description,
    examples: ['correct horse battery'],
    'x-error': 'must be a string',
  });

export const SignUp = Type.Object(
  {
    name: Type.String({
      description: `1–${NAME_LENGTH} characters.`,
      examples: ['Ada Lovelace'],
      'x-error': 'must be a string',
    }),
    email,
    password: password(
      `At least ${PASSWORD_MINIMUM_LENGTH} characters, at most ${PASSWORD_MAXIMUM_BYTES} bytes of UTF-8, not a common password.`,
    ),
    invitation: Type.Optional(
      Type.String({
        description: 'The code of an invitation, where the server takes new accounts by invitation only.',
        examples: ['q9JX1v2m0c3yP1n4k7w8Zt5s6r0u2b1d'],
        'x-error': 'must be a string',
      }),
    ),
  },
  { $id: 'SignUp' },
);
export type SignUp = Static<typeof SignUp>;

export const Login = Type.Object({ email, password: password('The password.') }, { $id: 'Login' });
export type Login = Static<typeof Login>;

/** For sign-up and sign-in alike: the form that Better Auth accepts too, so that no door is wider than another. */
export const EMAIL_PATTERN =
  /^(?!\.)(?!.*\.\.)([a-z0-9_'+\-.]*)[a-z0-9_+-]@([a-z0-9][a-z0-9-]*\.)+[a-z]{2,}$/i;
