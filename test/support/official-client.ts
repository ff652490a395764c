// The official Better Auth client as its documentation shows it outside a browser: with a cookie jar of its own.
import type { BetterAuthClientPlugin } from 'better-auth/client';
import { createAuthClient } from 'better-auth/client';
import { Client } from './client.ts';

export interface OfficialOptions<Plugins extends BetterAuthClientPlugin[]> {
  plugins: Plugins;
  headers?: Record<string, string>;
  jar?: Client;
}

export function officialClient<const Plugins extends BetterAuthClientPlugin[]>(
  url: string,
  { plugins, headers = {}, jar = new Client(url) }: OfficialOptions<Plugins>,
) {
  const customFetchImpl: typeof fetch = async (input, init) => {
    const given = Object.fromEntries(new Headers(init?.headers));
    const { pathname, search } = new URL(String(input));
    const body = init?.body === undefined || init.body === null ? {} : { body: String(init.body) };
    const answer = await jar.request(init?.method ?? 'GET', `${pathname}${search}`, {
      headers: { ...given, ...headers },
      ...body,
    });
    return new Response(answer.text, { status: answer.status, headers: answer.headers });
  };
  const auth = createAuthClient({ baseURL: url, plugins, fetchOptions: { customFetchImpl } });
  return { auth, jar };
}
