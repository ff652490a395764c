// What each error means and what to do about it: the page at /docs/errors that the `type` of a problem points to.
import { ERROR_CODES, type ErrorCode } from '../../contract/errors.ts';
import { BODY_BYTES, JSON_DEPTH } from '../../contract/limits.ts';
import { escapeHtml, readingPage } from './page.ts';

/** Completes "This error means that …" for people who build clients. */
export const ERROR_MEANINGS: Record<ErrorCode, string> = {
  malformed_request:
    'The request line, the URL or the headers cannot be parsed. Too long a URL (414), too large headers (431) and too slow a request (408) carry this code, too.',
  malformed_json: `The body is empty, not UTF-8 or not JSON, is nested deeper than ${JSON_DEPTH} levels, or has a NUL or half a surrogate pair in a string.`,
  unauthenticated: 'There is no session, or it has expired or been revoked. Sign in again.',
  invalid_credentials: 'E-mail or password is wrong. Whether the account exists is not told.',
  two_factor_required:
    'E-mail and password are right, and the account has a second factor. Send a code of it, or a recovery code, with `challenge` to `POST /api/auth/two-factor`.',
  invalid_code: 'The code is wrong, too old, or was used before. Each code signs in once.',
  unauthorized_access:
    'The caller is signed in but may not do this: a page of an origin that is not allowed wrote with a cookie, or an API token lacks the scope.',
  fresh_sign_in_required:
    'This changes how one signs in, or deletes an account without a password, and the sign-in is older than ten minutes. Sign in again, and repeat it.',
  account_disabled: 'The operator of this server has disabled the account.',
  email_not_verified:
    'The e-mail has to be confirmed first. At a sign-in with the right password a new link has been sent to it.',
  signup_closed: 'This server takes no new accounts.',
  invitation_required:
    'This server takes new accounts by invitation, and none was given, or it is not valid, has expired or was used.',
  task_not_found: 'There is no such task, or it is somebody else’s: the two cannot be told apart.',
  user_not_found: 'There is no such user.',
  not_found: 'There is nothing at this address.',
  method_not_allowed: 'The address exists, the method does not. `Allow` lists those that do.',
  email_taken: 'There is already an account with this e-mail. Sign in instead.',
  last_way_in: 'It is the only way left to sign in to the account. Add another first.',
  two_factor_conflict: 'The second factor is on already, is not on, or was not begun.',
  idempotency_in_progress:
    'The first request with this Idempotency-Key is still being answered. Try again shortly.',
  invalid_link:
    'The link from an e-mail was never valid, has expired, was used, or a newer one or a new password or e-mail took its place. Ask for a new one.',
  sync_reset: 'The sync cursor can no longer be served. Start again without one.',
  stale:
    'If-Match names an older version of the task. `current` is the task as it is now: merge and try again.',
  payload_too_large: `The body is larger than ${BODY_BYTES / 1024} KiB.`,
  unsupported_media_type:
    'The body is not `application/json` in UTF-8 (a file to import: not of a type that can be), or is compressed.',
  validation_error:
    'One or more fields cannot be used. `errors` names each with what it must be; of a file the first hundred with their lines, and `errors_total` counts them, up to a thousand or so: the rest of such a file is not checked.',
  idempotency_key_reused: 'This Idempotency-Key was used for another request. Take a new one.',
  rate_limited: 'Too many requests. `Retry-After` says how many seconds to wait.',
  internal_error: 'A defect on our side. It has been logged under the request id.',
  database_error:
    'The database cannot be reached. Nothing was half done: try again after `Retry-After` seconds.',
  provider_unavailable: 'The other service cannot be reached, or is not what it should be. Try again later.',
  overloaded: 'The server has too much to do. Nothing was half done: try again after `Retry-After` seconds.',
};

function asHtml(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

export function errorPage(root: string): string {
  const entries = (Object.keys(ERROR_CODES) as ErrorCode[]).map((code) => {
    const { status, title } = ERROR_CODES[code];
    return `        <dt id="${code}"><strong>${title}</strong> <span>${status} <code>${code}</code></span></dt>
        <dd>${asHtml(ERROR_MEANINGS[code])}</dd>`;
  });
  return readingPage(root, {
    title: 'Errors',
    lead: 'Every error is an RFC 9457 problem. These are all its codes.',
    content: `      <dl>
${entries.join('\n')}
      </dl>
      <p><a href="${root}docs">API documentation</a></p>`,
  });
}
