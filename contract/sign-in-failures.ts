// What can go wrong on the way back from another service: plain data, so that pages may use it without the schemas around it.

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
