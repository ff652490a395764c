// API tokens on the wire: how a program signs in, with less than everything.
import { type Static, Type } from 'typebox';
import { NullableTime, Time } from './common.ts';
import { TOKEN_DAYS, TOKEN_DEFAULT_DAYS, TOKEN_NAME_LENGTH } from './limits.ts';

/** What a token may do, and what that means. */
export const SCOPES = {
  'tasks:read': 'Read tasks, dashboards and changes, and open a socket.',
  'tasks:write': 'Create, change, delete, restore and import tasks.',
  'account:read': 'Read the profile.',
} as const;
export type Scope = keyof typeof SCOPES;

const SCOPE_NAMES = Object.keys(SCOPES) as Scope[];

const scopes = (description: string) =>
  Type.Array(Type.Unsafe<Scope>({ type: 'string', enum: SCOPE_NAMES }), {
    minItems: 1,
    description,
    examples: [['tasks:read']],
    'x-error': `must be a list of one or more of ${SCOPE_NAMES.join(', ')}`,
  });

export const NewApiToken = Type.Object(
  {
    name: Type.String({
      description: `What it is for: 1–${TOKEN_NAME_LENGTH} characters.`,
      examples: ['Backup script'],
      'x-error': 'must be a string',
    }),
    scopes: scopes('All that it may do.'),
    expires_in_days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: TOKEN_DAYS,
        default: TOKEN_DEFAULT_DAYS,
        'x-error': `must be a whole number from 1 to ${TOKEN_DAYS}`,
      }),
    ),
  },
  { $id: 'NewApiToken' },
);
export type NewApiToken = Static<typeof NewApiToken>;

const tokenProperties = {
  id: Type.String({ format: 'uuid', examples: ['0d3b0f2e-6f0e-4a8b-9f53-5f1f6d1f7c11'] }),
  name: Type.String({ maxLength: TOKEN_NAME_LENGTH, examples: ['Backup script'] }),
  hint: Type.String({ description: 'How the token begins.', examples: ['dw_4fGh'] }),
  scopes: scopes('All that it may do.'),
  created_at: Time,
  expires_at: Time,
  last_used_at: NullableTime,
};

export const ApiToken = Type.Object(tokenProperties, {
  $id: 'ApiToken',
  description: '`last_used_at` is exact to a minute.',
});
export type ApiToken = Static<typeof ApiToken>;

export const CreatedApiToken = Type.Object(
  {
    ...tokenProperties,
    token: Type.String({
      description: 'Shown this once. Sent as `Authorization: Bearer …`, and as `auth.token` of a socket.',
      examples: ['dw_4fGhJ2kLmN8pQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQr'],
    }),
  },
  { $id: 'CreatedApiToken' },
);
export type CreatedApiToken = Static<typeof CreatedApiToken>;

export const ApiTokenList = Type.Object(
  { tokens: Type.Array(ApiToken, { description: 'Newest first; those that have expired stay 30 days.' }) },
  { $id: 'ApiTokenList' },
);
export type ApiTokenList = Static<typeof ApiTokenList>;
