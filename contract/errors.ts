// Every error a client can receive: the closed list of codes, and the one shape that carries them (RFC 9457).
import { type Static, Type } from 'typebox';

/** Each code with its HTTP status and its title, a short phrase that never changes. */
export const ERROR_CODES = {
  malformed_request: { status: 400, title: 'Malformed request' },
  malformed_json: { status: 400, title: 'Malformed JSON' },
  unauthenticated: { status: 401, title: 'Not signed in' },
  invalid_credentials: { status: 401, title: 'Wrong e-mail or password' },
  two_factor_required: { status: 401, title: 'Second factor required' },
  invalid_code: { status: 401, title: 'Wrong code' },
  unauthorized_access: { status: 403, title: 'Not allowed' },
  fresh_sign_in_required: { status: 403, title: 'Sign in again' },
  account_disabled: { status: 403, title: 'Account disabled' },
  email_not_verified: { status: 403, title: 'E-mail not confirmed' },
  signup_closed: { status: 403, title: 'Sign-up closed' },
  invitation_required: { status: 403, title: 'Invitation required' },
  task_not_found: { status: 404, title: 'Task not found' },
  user_not_found: { status: 404, title: 'User not found' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  email_taken: { status: 409, title: 'E-mail already registered' },
  last_way_in: { status: 409, title: 'Last way in' },
  two_factor_conflict: { status: 409, title: 'Second factor is on or off already' },
  idempotency_in_progress: { status: 409, title: 'Request in progress' },
  invalid_link: { status: 410, title: 'Link no longer valid' },
  sync_reset: { status: 410, title: 'Start the sync again' },
  stale: { status: 412, title: 'The task has changed' },
  payload_too_large: { status: 413, title: 'Body too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  validation_error: { status: 422, title: 'Invalid input' },
  idempotency_key_reused: { status: 422, title: 'Idempotency key reused' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Internal error' },
  database_error: { status: 503, title: 'Database unavailable' },
  provider_unavailable: { status: 503, title: 'Other service unavailable' },
  overloaded: { status: 503, title: 'Overloaded' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export const ERROR_CODE_NAMES = Object.keys(ERROR_CODES) as ErrorCode[];

/** One field that was refused: `path` is a JSON pointer-like name (`title`, `limit`), `message` a sentence. */
export const FieldError = Type.Object(
  {
    path: Type.String({ examples: ['title'] }),
    message: Type.String({ examples: ['must not be empty'] }),
    line: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Where in an imported file.', examples: [17] }),
    ),
  },
  { $id: 'FieldError' },
);
export type FieldError = Static<typeof FieldError>;

/** The body of every error answer, `application/problem+json`. */
export const Problem = Type.Object(
  {
    type: Type.String({
      description: 'A URI reference that names the kind of problem.',
      examples: ['/docs/errors#task_not_found'],
    }),
    title: Type.String({ examples: ['Task not found'] }),
    status: Type.Integer({ examples: [404] }),
    detail: Type.String({
      description: 'One sentence a person can act on.',
      examples: ['There is no task with this id.'],
    }),
    code: Type.String({ enum: ERROR_CODE_NAMES, examples: ['task_not_found'] }),
    request_id: Type.String({ examples: ['5b1a2c1e-7a43-4a55-9c8a-0d4a3b7c6d21'] }),
    errors: Type.Optional(Type.Array(FieldError)),
    errors_total: Type.Optional(
      Type.Integer({ minimum: 1, description: 'How many were found, where only the first are listed.' }),
    ),
  },
  { $id: 'Problem', description: 'RFC 9457 problem details.' },
);
export type Problem = Static<typeof Problem>;
