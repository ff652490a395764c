// Every limit of the wire, named with its unit. Lengths are Unicode code points unless the name says otherwise.

export const TITLE_LENGTH = 200;
export const DESCRIPTION_LENGTH = 1_000;
export const CATEGORY_LENGTH = 100;
export const NAME_LENGTH = 100;
export const EMAIL_LENGTH = 200;
export const IMAGE_LENGTH = 500;
export const TIME_ZONE_LENGTH = 64;
export const PASSWORD_MINIMUM_LENGTH = 8;
/** bcrypt reads no further. */
export const PASSWORD_MAXIMUM_BYTES = 72;
/** Of a password that is only compared: one that no account could have is a wrong one, not a mistake. */
export const PASSWORD_GIVEN_LENGTH = 1_000;

export const BODY_BYTES = 64 * 1_024;
export const JSON_DEPTH = 32;
export const REQUEST_ID_LENGTH = 128;
export const IDEMPOTENCY_KEY_LENGTH = 255;
export const IDEMPOTENCY_HOURS = 24;

export const PAGE_LIMIT = 100;
export const SKIP_LIMIT = 10_000;
/** Code points of `q`: a whole title may be looked for. */
export const SEARCH_LENGTH = 200;

export const TREND_DAYS = 366;
export const TREND_DEFAULT_DAYS = 30;
export const RECENT_TASKS = 10;

/** Days a deleted task can be restored, and days its tombstone is kept for clients that sync rarely. */
export const TRASH_DAYS = 30;
export const TOMBSTONE_DAYS = 90;

export const WRONG_SIGN_INS_PER_ADDRESS = 20;
export const WRONG_SIGN_INS_PER_EMAIL = 50;
export const WRONG_SIGN_IN_MINUTES = 15;
/** Wrong codes of a second factor: from each address that the account knows, and from all others together. */
export const WRONG_CODES_PER_ACCOUNT = 20;
export const WRONG_CODE_HOURS = 24;
/** A right password opens the second step for this long, and for this many wrong codes. */
export const TWO_FACTOR_CHALLENGE_SECONDS = 600;
/** Wrong current passwords given by whoever is signed in to one account, in as many minutes. */
export const WRONG_PASSWORDS_PER_ACCOUNT = 20;
/** Sign-ins by passkey or another service that an address may begin in as many minutes as wrong ones are counted. */
export const BEGINNINGS_PER_ADDRESS = 60;
/** A code of a second factor or a recovery code as it is typed, blanks and dashes included. */
export const CODE_LENGTH = 64;
/** Where to go after a sign-in elsewhere, and the name of a service in addresses. */
export const REDIRECT_LENGTH = 2_000;
export const PROVIDER_LENGTH = 64;
/** Who has signed in no longer ago may do what a stolen session must not. */
export const FRESH_SIGN_IN_MINUTES = 10;
export const PASSKEYS_PER_USER = 20;
export const SIGN_UPS_PER_ADDRESS = 20;
export const SIGN_UP_MINUTES = 60;

/** Of more sessions than these the ones used last are listed. */
export const SESSIONS_LISTED = 200;

/** Security events live this long, and of one kind an account keeps only the newest. */
export const SECURITY_EVENT_DAYS = 180;
export const SECURITY_EVENTS_PER_KIND = 200;
/** Usable API tokens of one user, days that one lives, and days that an expired one stays in the list. */
export const TOKENS_PER_USER = 50;
export const TOKEN_NAME_LENGTH = 100;
export const TOKEN_DAYS = 366;
export const TOKEN_DEFAULT_DAYS = 90;
export const EXPIRED_TOKEN_DAYS = 30;

/** A file to import: its bytes, tasks and lines, the bytes of one line or record, and how many faults are told one by one. */
export const IMPORT_BYTES = 128 * 1_024 * 1_024;
/** Also what an account may have after an import, trash and tombstones included. Other ways to make tasks are bounded by their rate. */
export const IMPORT_TASKS = 200_000;
export const IMPORT_LINES = 500_000;
export const IMPORT_LINE_BYTES = 64 * 1_024;
export const IMPORT_FAULTS = 100;
/** From so many on a file is a wrong one: the rest of it is not checked. */
export const IMPORT_FAULTS_COUNTED = 1_000;

export const SYNC_LIMIT = 1_000;
export const SYNC_DEFAULT_LIMIT = 500;

/**
 * Open sockets of one user on one node: far beyond all tabs and devices of a person, those too whose connection was lost without
 * a word a moment ago; a bound for who means ill, at some twenty kilobytes each.
 */
export const SOCKETS_PER_USER = 500;
/** Bytes of one packet from a client, and packets in one second, before its socket is closed. */
export const SOCKET_PACKET_BYTES = 16 * 1_024;
export const SOCKET_PACKETS_PER_SECOND = 20;
/** Milliseconds between two `dashboard:stats`: at most four a second, also where the network delays one of them a little. */
export const STATS_INTERVAL = 300;
/** Changes that are pushed one by one; after more at once clients are told to sync. */
export const PUSHED_CHANGES = 100;

/** How long the links in e-mails can be used. */
export const RESET_LINK_MINUTES = 60;
export const VERIFICATION_LINK_HOURS = 24;
export const EMAIL_CHANGE_LINK_HOURS = 24;
/** Requests for such e-mails. Beyond the last of these nothing is sent; beyond the others the request is refused. */
export const LINK_REQUESTS_PER_ADDRESS = 20;
export const EMAIL_CHANGES_PER_ACCOUNT = 10;
export const LINKS_PER_EMAIL = 5;
export const LINK_REQUEST_MINUTES = 60;
