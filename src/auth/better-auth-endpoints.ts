// The endpoints of Better Auth, as they are with our plugins and whatever the settings. Written down, since routes are made at
// the start and Better Auth is loaded later (late-better-auth.ts); a test compares them with what is really there.

export interface BetterAuthEndpoint {
  path: string;
  methods: readonly ('GET' | 'POST')[];
  /** Better Auth's own, if it has one. */
  summary?: string;
}

export const SIGN_IN = '/sign-in/email';
export const SIGN_UP = '/sign-up/email';
export const SIGN_OUT = '/sign-out';
/** Where other services send people back to. */
export const CALLBACK = '/callback/:id';
/** Asks for the password, and counts wrong ones, by itself. */
export const DELETE_USER = '/delete-user';
export const ENABLE_TWO_FACTOR = '/two-factor/enable';
/** Its door answers 400 to what cannot be verified. */
export const PASSKEY_REGISTRATION = '/passkey/verify-registration';
/** Of this one the gate of the second factor knows, too. */
export const PASSKEY_SIGN_IN = '/passkey/verify-authentication';

function get(path: string, summary?: string): BetterAuthEndpoint {
  return { path, methods: ['GET'], ...(summary === undefined ? {} : { summary }) };
}

function post(path: string, summary?: string): BetterAuthEndpoint {
  return { ...get(path, summary), methods: ['POST'] };
}

function getAndPost(path: string, summary?: string): BetterAuthEndpoint {
  return { ...get(path, summary), methods: ['GET', 'POST'] };
}

/** In Better Auth's order, without those that only the server can call and those that are switched off. */
export const BETTER_AUTH_ENDPOINTS: readonly BetterAuthEndpoint[] = [
  post('/sign-in/social', 'Sign in with a social provider'),
  getAndPost(CALLBACK),
  getAndPost('/get-session', 'Get the current session'),
  post(SIGN_OUT, 'Sign out the current user'),
  post(SIGN_UP, 'Sign up a user using email and password'),
  post(SIGN_IN, 'Sign in with email and password'),
  post('/reset-password', 'Reset the password for a user'),
  post('/verify-password', "Verify the current user's password"),
  get('/verify-email', 'Verify the email of the user'),
  post('/send-verification-email', 'Send a verification email to the user'),
  post('/change-email'),
  post('/change-password', 'Change the password of the user'),
  post('/update-session', 'Update the current session'),
  post('/update-user', 'Update the current user'),
  post(DELETE_USER, 'Delete the user'),
  post('/request-password-reset', 'Send a password reset email to the user'),
  get('/reset-password/:token', 'Redirects the user to the callback URL with the token'),
  get('/list-sessions', 'List all active sessions for the user'),
  post('/revoke-session', 'Revoke a single session'),
  post('/revoke-sessions', 'Revoke all sessions for the user'),
  post('/revoke-other-sessions', 'Revoke all other sessions for the user except the current one'),
  post('/link-social', 'Link a social account to the user'),
  get('/list-accounts', 'List all accounts linked to the user'),
  post('/unlink-account', 'Unlink an account'),
  post('/two-factor/get-totp-uri', 'Use this endpoint to get the TOTP URI'),
  post('/two-factor/verify-totp', 'Verify two factor TOTP'),
  post('/two-factor/verify-backup-code', 'Verify a backup code for two-factor authentication'),
  post('/two-factor/generate-backup-codes', 'Generate new backup codes for two-factor authentication'),
  post(
    ENABLE_TWO_FACTOR,
    "Enable two factor authentication. Pass method 'totp' (default) to set up an authenticator app (returns TOTP URI and backup codes), or 'otp' to enable email/SMS-based codes immediately.",
  ),
  post('/two-factor/disable', 'Use this endpoint to disable two factor authentication.'),
  get('/passkey/generate-register-options', 'Generate registration options for a new passkey'),
  get('/passkey/generate-authenticate-options', 'Generate authentication options for a passkey'),
  post(PASSKEY_REGISTRATION, 'Verify registration of a new passkey'),
  post(PASSKEY_SIGN_IN, 'Verify authentication of a passkey'),
  get('/passkey/list-user-passkeys', 'List all passkeys for the authenticated user'),
  post('/passkey/delete-passkey', 'Delete a specific passkey'),
  post('/passkey/update-passkey', "Update a specific passkey's name"),
  get('/ok', 'Check if the API is working'),
];
