// A server, a browser and the people in front of it, for a whole test file; a complaint of any page fails the test it came in.
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Environment } from '../../src/config.ts';
import { type seedClient, signIn } from './accounts.ts';
import { launchBrowser } from './browser.ts';
import { startServer, type TestServer } from './server.ts';
import { DESKTOP, live, PHONE, type Visitor, type VisitorOptions, visit, visitAsNew } from './web.ts';

export type SignedIn = Awaited<ReturnType<typeof seedClient>>;

/** The browser itself reports each request that was refused, or that found no network. */
export const REFUSED = /Failed to load resource: the server responded with a status of 4\d\d/;
export const NO_NETWORK = /ERR_INTERNET_DISCONNECTED|ERR_FAILED|Failed to load resource/;

export const LOOKS = [
  ['a phone by day', { size: PHONE, light: 'light' }],
  ['a phone in the dark', { size: PHONE, light: 'dark' }],
  ['a desktop by day', { size: DESKTOP, light: 'light' }],
  ['a desktop in the dark', { size: DESKTOP, light: 'dark' }],
] as const;

/** Registers the hooks of the file. What it returns can be used from `beforeAll` on. */
export function openStage(env: Environment | (() => Promise<Environment>) = {}) {
  let server: TestServer;
  let browser: Browser;
  const visitors: Visitor[] = [];
  beforeAll(async () => {
    const settings = typeof env === 'function' ? await env() : env;
    [server, browser] = await Promise.all([startServer({ env: settings }), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  afterEach(async () => {
    const problems = visitors.flatMap((visitor) => visitor.problems);
    await Promise.all(visitors.splice(0).map(({ context }) => context.close()));
    expect(problems).toEqual([]);
  });
  const noted = <Who extends Visitor>(visitor: Who): Who => {
    visitors.push(visitor);
    return visitor;
  };
  return {
    server: () => server,
    /** Nobody is signed in. */
    stranger: async (options?: VisitorOptions) => noted(await visit(browser, server, undefined, options)),
    /** A new account, signed in, with the socket open. */
    person: async (options?: VisitorOptions) => noted(await visitAsNew(browser, server, options)),
    /** Somebody whose account there is, with the cookies of this client, in a browser of their own. */
    guest: async (client: Pick<SignedIn, 'cookies'>, options?: VisitorOptions) => {
      const visitor = noted(await visit(browser, server, client, options));
      await live(visitor.page);
      return visitor;
    },
    /** The same account from another device. */
    elsewhere: (client: SignedIn) => signIn(server.url, client.account),
  };
}

/** What stands against WCAG 2.2 AA, and against good practice, on the page as it is now. */
export async function violations(page: Page): Promise<string[]> {
  const { violations: found } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}
