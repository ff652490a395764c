// What a page of a front end loads: the official Better Auth client with its passkeys. Bundled for a real browser.
import { passkeyClient } from '@better-auth/passkey/client';
import { createAuthClient } from 'better-auth/client';

Object.assign(globalThis, {
  official: (baseURL: string) =>
    createAuthClient({ baseURL, plugins: [passkeyClient()], fetchOptions: { credentials: 'include' } }),
});
