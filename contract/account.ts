// The account on the wire: the profile and the trail of security events.
import { type Static, Type } from 'typebox';
import { User } from './auth.ts';
import { IMAGE_LENGTH, NAME_LENGTH, TIME_ZONE_LENGTH } from './limits.ts';

export const TIME_ZONE_FAULT = 'must be an IANA time zone such as Europe/Paris, or null';

const timeZone = (description: string) =>
  Type.Unsafe<string | null>({
    type: ['string', 'null'],
    maxLength: TIME_ZONE_LENGTH,
    description,
    examples: ['Europe/Paris'],
    'x-error': TIME_ZONE_FAULT,
  });

/** The user with what only the owner sees. */
export const Account = Type.Object(
  {
    ...User.properties,
    time_zone: timeZone('The IANA time zone that the owner lives in, if told.'),
    two_factor_enabled: Type.Boolean({ description: 'Whether signing in asks for a second factor.' }),
  },
  { $id: 'Account' },
);
export type Account = Static<typeof Account>;

export const AccountChange = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        description: `1–${NAME_LENGTH} characters, as at sign-up.`,
        examples: ['Ada Lovelace'],
        'x-error': 'must be a string',
      }),
    ),
    image: Type.Optional(
      Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description: `An https address of at most ${IMAGE_LENGTH} characters; null clears it.`,
        examples: ['https://example.com/ada.png'],
        'x-error': `must be an https address of at most ${IMAGE_LENGTH} characters, or null`,
      }),
    ),
    time_zone: Type.Optional(timeZone('An IANA time zone; null clears it.')),
  },
  { $id: 'AccountChange' },
);
export type AccountChange = Static<typeof AccountChange>;

/** Each kind of security event with what it means: the closed list. */
export const SECURITY_EVENTS = {
  signed_up: 'The account was made.',
  signed_in: 'Somebody signed in.',
  sign_in_failed: 'Somebody tried to sign in with a wrong password.',
  signed_out: 'A session was ended by its own holder.',
  session_revoked: 'A session was ended from another one, or by its id.',
  sessions_revoked: 'Several sessions were ended at once.',
  password_changed: 'The password was changed by somebody who knew it.',
  password_check_failed: 'Somebody who was signed in gave a wrong current password.',
  account_disabled: 'The operator of the server disabled the account and ended its sessions.',
  account_enabled: 'The operator of the server enabled the account again.',
  password_reset_by_operator:
    'The operator of the server gave the account a new password and ended its sessions.',
  api_token_created: 'An API token was made.',
  api_token_revoked: 'An API token was revoked.',
  api_tokens_revoked: 'All API tokens were revoked.',
  two_factor_enabled: 'A second factor was switched on; all other sessions ended.',
  two_factor_disabled: 'The second factor was switched off; all other sessions ended.',
  two_factor_failed: 'Somebody who knew the password gave a wrong code of the second factor.',
  recovery_code_used: 'Somebody signed in with a recovery code.',
  recovery_codes_renewed: 'New recovery codes took the place of the old ones.',
  profile_changed: 'Name, image or time zone were changed.',
} as const;

export type SecurityEventKind = keyof typeof SECURITY_EVENTS;
export const SECURITY_EVENT_KINDS = Object.keys(SECURITY_EVENTS) as SecurityEventKind[];

/** Small facts about an event (which fields, how many sessions): never a secret, never an e-mail, since the log has them too. */
export type SecurityEventDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;
