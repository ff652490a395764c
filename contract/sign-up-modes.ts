// Who may make an account on a server: plain data, so that pages may use it without the schemas around it.

/** Anybody, who has an invitation, or nobody. */
export const SIGN_UP_MODES = ['open', 'invite', 'closed'] as const;
export type SignUpMode = (typeof SIGN_UP_MODES)[number];
