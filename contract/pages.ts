// The pages of the web app, by their addresses below its root: each is answered with the same document.

export const WEB_PAGES = [
  '',
  'dashboard',
  'trash',
  'account',
  'account/security',
  'account/tokens',
  'account/data',
  'forgot-password',
  'reset-password',
  'verify-email',
] as const;
export type WebPage = (typeof WEB_PAGES)[number];
