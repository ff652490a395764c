// E-mails with links on the wire: forgotten passwords, confirmed and changed addresses. The links lead to the web app, to
// /reset-password#token=… and /verify-email#token=…; the page sends the token here, so that opening a link changes nothing.
import { type Static, Type } from 'typebox';
import { EMAIL_LENGTH, PASSWORD_MAXIMUM_BYTES, PASSWORD_MINIMUM_LENGTH } from './limits.ts';

const email = (description: string, example: string) =>
  Type.String({
    format: 'email',
    description: `At most ${EMAIL_LENGTH} characters. ${description}`,
    examples: [example],
    'x-error': 'must be an e-mail address',
  });

const token = Type.String({
  description: 'From the fragment of the link.',
  examples: ['pD9kYw2mQ7sLx4vTzR8nBc5hJf1gKe3u'],
  'x-error': 'must be a string',
});

const password = (description: string) =>
  Type.String({
    format: 'password',
    description,
    examples: ['correct horse battery'],
    'x-error': 'must be a string',
  });

export const ForgotPassword = Type.Object(
  { email: email('Compared in lower case.', 'ada@example.com') },
  { $id: 'ForgotPassword' },
);
export type ForgotPassword = Static<typeof ForgotPassword>;

export const PasswordReset = Type.Object(
  {
    token,
    password: password(
      `At least ${PASSWORD_MINIMUM_LENGTH} characters, at most ${PASSWORD_MAXIMUM_BYTES} bytes of UTF-8, not a common password.`,
    ),
  },
  { $id: 'PasswordReset' },
);
export type PasswordReset = Static<typeof PasswordReset>;

const PURPOSES = ['reset-password', 'verify-email', 'invitation'] as const;
export type LinkPurpose = (typeof PURPOSES)[number];

export const LinkCheck = Type.Object(
  {
    purpose: Type.Unsafe<LinkPurpose>({
      type: 'string',
      enum: [...PURPOSES],
      description: 'The page that the link leads to; `invitation` for one that an operator gave.',
      examples: ['reset-password'],
      'x-error': `must be one of ${PURPOSES.join(', ')}`,
    }),
    token,
  },
  { $id: 'LinkCheck' },
);
export type LinkCheck = Static<typeof LinkCheck>;

export const LinkChecked = Type.Object(
  { valid: Type.Boolean({ description: 'False for one that never was, has expired or was used.' }) },
  { $id: 'LinkChecked' },
);
export type LinkChecked = Static<typeof LinkChecked>;

export const EmailConfirmation = Type.Object({ token }, { $id: 'EmailConfirmation' });
export type EmailConfirmation = Static<typeof EmailConfirmation>;

/** What the link has done: confirmed the e-mail, changed it, or approved a change that the new address has yet to confirm. */
export const EmailConfirmed = Type.Object(
  {
    message: Type.String({ examples: ['Your e-mail is confirmed.'] }),
    email: Type.String({ format: 'email', examples: ['ada@example.com'] }),
    email_verified: Type.Boolean(),
  },
  { $id: 'EmailConfirmed' },
);
export type EmailConfirmed = Static<typeof EmailConfirmed>;

export const EmailChange = Type.Object(
  {
    new_email: email('It is asked before anything changes.', 'ada@example.org'),
    current_password: password('The password of the account.'),
  },
  { $id: 'EmailChange' },
);
export type EmailChange = Static<typeof EmailChange>;
