// The account on the wire: the profile, the sessions, the password and the trail of security events.
import { type Static, Type } from 'typebox';
import { User } from './auth.ts';
import { Time } from './common.ts';
import {
  FRESH_SIGN_IN_MINUTES,
  IMAGE_LENGTH,
  NAME_LENGTH,
  PAGE_LIMIT,
  PASSWORD_MAXIMUM_BYTES,
  PASSWORD_MINIMUM_LENGTH,
  SESSIONS_LISTED,
  TIME_ZONE_LENGTH,
} from './limits.ts';
import { Code, CurrentPassword, RecoveryCode } from './proof.ts';
import { SECURITY_EVENT_KINDS, SECURITY_EVENTS, type SecurityEventDetails } from './security-events.ts';

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

const device = Type.String({
  description: 'A name to recognise the device by, from what it says of itself.',
  examples: ['Firefox on Linux'],
});
const userAgent = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  examples: ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
});
const ipAddress = Type.Unsafe<string | null>({ type: ['string', 'null'], examples: ['203.0.113.7'] });
const sessionId = { examples: ['9f86d081884c7d659a2feaa0c55ad015'] };

export const DeviceSession = Type.Object(
  {
    id: Type.String(sessionId),
    current: Type.Boolean({ description: 'Whether this is the session that asks.' }),
    device,
    user_agent: userAgent,
    ip_address: ipAddress,
    created_at: Time,
    last_used_at: Type.String({
      format: 'date-time',
      description: 'To the minute; a crash of the server may lose the last minute.',
      examples: ['2026-01-03T10:30:00.000Z'],
    }),
    expires_at: Time,
  },
  { $id: 'DeviceSession' },
);
export type DeviceSession = Static<typeof DeviceSession>;

export const SessionList = Type.Object(
  { sessions: Type.Array(DeviceSession, { maxItems: SESSIONS_LISTED, description: 'Last used first.' }) },
  { $id: 'SessionList' },
);
export type SessionList = Static<typeof SessionList>;

export const SessionsEnded = Type.Object(
  { ended: Type.Integer({ minimum: 0, description: 'How many sessions were ended.', examples: [2] }) },
  { $id: 'SessionsEnded' },
);
export type SessionsEnded = Static<typeof SessionsEnded>;

export const PasswordChange = Type.Object(
  {
    current_password: CurrentPassword,
    new_password: Type.String({
      format: 'password',
      description: `At least ${PASSWORD_MINIMUM_LENGTH} characters, at most ${PASSWORD_MAXIMUM_BYTES} bytes of UTF-8, not a common password.`,
      examples: ['a quiet river at dawn'],
      'x-error': 'must be a string',
    }),
  },
  { $id: 'PasswordChange' },
);
export type PasswordChange = Static<typeof PasswordChange>;

export const AccountDeletion = Type.Object(
  {
    password: Type.Optional(
      Type.String({
        ...CurrentPassword,
        description: `Needed where the account has one. Where it has none, the sign-in must be no older than ${FRESH_SIGN_IN_MINUTES} minutes.`,
      }),
    ),
    code: Type.Optional(
      Type.String({
        ...Code,
        description: 'Needed where the second factor is on, unless a recovery code is given.',
      }),
    ),
    recovery_code: Type.Optional(RecoveryCode),
  },
  { $id: 'AccountDeletion' },
);
export type AccountDeletion = Static<typeof AccountDeletion>;

export const SecurityEvent = Type.Object(
  {
    id: Type.Integer({ minimum: 1, examples: [1204] }),
    kind: Type.String({
      enum: SECURITY_EVENT_KINDS,
      description: Object.entries(SECURITY_EVENTS)
        .map(([kind, meaning]) => `- \`${kind}\`: ${meaning}`)
        .join('\n'),
      examples: ['signed_in'],
    }),
    created_at: Time,
    device: Type.Unsafe<string | null>({
      ...device,
      type: ['string', 'null'],
      description: 'As of a session; null for what the server or its operator did.',
    }),
    user_agent: userAgent,
    ip_address: ipAddress,
    session_id: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'The session that it was done with.',
      ...sessionId,
    }),
    details: Type.Unsafe<SecurityEventDetails>({
      type: 'object',
      additionalProperties: true,
      description: 'Small facts, by kind: which fields were changed, how many sessions were ended.',
      examples: [{ method: 'password' }],
    }),
  },
  { $id: 'SecurityEvent' },
);
export type SecurityEvent = Static<typeof SecurityEvent>;

export const SecurityEventPage = Type.Object(
  {
    events: Type.Array(SecurityEvent),
    next_cursor: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'For the next page; null on the last.',
      examples: [null],
    }),
  },
  { $id: 'SecurityEventPage' },
);
export type SecurityEventPage = Static<typeof SecurityEventPage>;

export const SecurityEventQuery = Type.Object({
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: PAGE_LIMIT,
      default: PAGE_LIMIT,
      'x-error': `must be a whole number from 1 to ${PAGE_LIMIT}`,
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      description: 'From `next_cursor` of the page before.',
      'x-error': 'must be a next_cursor of this very listing',
    }),
  ),
});
export type SecurityEventQuery = Static<typeof SecurityEventQuery>;
