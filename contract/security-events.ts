// The kinds of security events: plain data, so that pages may use it without the schemas around it.

/** Each kind of security event with what it means: the closed list. */
export const SECURITY_EVENTS = {
  signed_up: 'The account was made.',
  signed_in: 'Signed in.',
  sign_in_failed: 'A sign-in with a wrong password.',
  signed_out: 'A session was ended by its own holder.',
  session_revoked: 'A session was ended from another one, or by its id.',
  sessions_revoked: 'Several sessions were ended at once.',
  password_changed: 'The password was changed by somebody who knew it.',
  password_check_failed: 'Somebody who was signed in gave a wrong current password.',
  password_reset_requested: 'Somebody asked for a link to choose a new password; it was sent to the e-mail.',
  password_reset: 'A new password was chosen by the link from an e-mail; all sessions were ended.',
  email_verified: 'The e-mail was confirmed.',
  email_change_requested: 'A change of the e-mail was asked for.',
  email_changed: 'The e-mail was changed, after the new address was confirmed.',
  account_disabled: 'The operator of the server disabled the account and ended its sessions.',
  account_enabled: 'The operator of the server enabled the account again.',
  two_factor_removed_by_operator:
    'The operator of the server turned the second factor off and ended the sessions.',
  password_reset_by_operator:
    'The operator of the server gave the account a new password and ended its sessions.',
  api_token_created: 'An API token was made.',
  api_token_revoked: 'An API token was revoked.',
  api_tokens_revoked: 'All API tokens were revoked.',
  two_factor_enabled: 'A second factor was switched on; all other sessions ended.',
  two_factor_disabled: 'The second factor was switched off; all other sessions ended.',
  two_factor_failed: 'Somebody who knew the password gave a wrong code of the second factor.',
  two_factor_code_mistyped: 'A wrong code was typed while a second factor was being set up.',
  recovery_code_used: 'Signed in with a recovery code.',
  recovery_codes_renewed: 'New recovery codes took the place of the old ones.',
  provider_connected: 'Another service was connected, by which one can sign in.',
  provider_disconnected: 'Another service was disconnected.',
  passkey_added: 'A passkey was added.',
  passkey_removed: 'A passkey was removed.',
  data_exported: 'All data of the account were exported.',
  data_imported: 'Tasks were imported.',
  profile_changed: 'Name, image or time zone were changed.',
} as const;

export type SecurityEventKind = keyof typeof SECURITY_EVENTS;
export const SECURITY_EVENT_KINDS = Object.keys(SECURITY_EVENTS) as SecurityEventKind[];

/** Small facts about an event (which fields, how many sessions): never a secret, never an e-mail, since the log has them too. */
export type SecurityEventDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;
