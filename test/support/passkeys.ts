// A browser with an authenticator of its own, on the page of an allowed front end that uses the official client.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { build } from 'vite';
import type { AnyBody } from './client.ts';

async function bundleClient(): Promise<string> {
  const entry = fileURLToPath(new URL('./passkey-page.ts', import.meta.url));
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'page' } },
  });
  const [{ output } = { output: [] }] = [result].flat() as { output: { code?: string }[] }[];
  return output[0]?.code ?? '';
}

export interface FrontEnd {
  origin: string;
  close: () => Promise<void>;
}

/** A page with the official client, on a port of its own and the host of the default PUBLIC_URL. */
export async function startFrontEnd(): Promise<FrontEnd> {
  const script = await bundleClient();
  const page =
    '<!doctype html><meta charset="utf-8"><title>Front end</title><script src="/client.js"></script>';
  const server = createServer(({ url }, response) => {
    const isScript = url === '/client.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : page);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

export interface DeviceOptions {
  /** Where the front end lives, and the server. */
  origin: string;
  url: string;
  /** Whether it can verify its user, and whether the user succeeds. */
  verifies?: boolean;
}

/** A person's browser with a device that holds passkeys. */
export class Device {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly #cdp: CDPSession;
  readonly #authenticator: string;
  readonly #url: string;

  private constructor(parts: { page: Page; cdp: CDPSession; authenticator: string; url: string }) {
    this.page = parts.page;
    this.context = parts.page.context();
    this.#cdp = parts.cdp;
    this.#authenticator = parts.authenticator;
    this.#url = parts.url;
  }

  static async open(browser: Browser, { verifies = true, origin, url }: DeviceOptions): Promise<Device> {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${origin}/`);
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: verifies,
        isUserVerified: verifies,
        automaticPresenceSimulation: true,
      },
    });
    // The pages of tests are on `localhost`, and so must be the server: its cookies are bound to the site.
    const at = url.replace('127.0.0.1', 'localhost');
    return new Device({ page, cdp, authenticator: authenticatorId, url: at });
  }

  /** Runs an expression in the page; `auth` is the official client. */
  run(expression: string): Promise<AnyBody> {
    return this.page.evaluate(`(async () => {
      const auth = official(${JSON.stringify(this.#url)});
      const url = ${JSON.stringify(this.#url)};
      return (${expression});
    })()`);
  }

  async credentials(): Promise<number> {
    const { credentials } = await this.#cdp.send('WebAuthn.getCredentials', {
      authenticatorId: this.#authenticator,
    });
    return credentials.length;
  }

  /** From now on its user is not recognised. */
  async forgetUser(): Promise<void> {
    await this.#cdp.send('WebAuthn.setUserVerified', {
      authenticatorId: this.#authenticator,
      isUserVerified: false,
    });
  }
}
