// The QR code of the second factor, as a page shows it and an independent reader reads it.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';
import { seedClient } from './support/accounts.ts';
import { launchBrowser } from './support/browser.ts';
import { PASSWORD } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  // Otherwise the reader would be fetched from elsewhere.
  const file = createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm');
  const wasmBinary = new Uint8Array(await readFile(file)).buffer;
  prepareZXingModule({ overrides: { wasmBinary } });
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

describe('the QR code', () => {
  it.each(['white', 'black'])('is read from a %s page of ours', async (background) => {
    const client = await seedClient(server, {
      email: `${background}-${'a'.repeat(60)}@${'example.'.repeat(14)}com`,
    });
    const { body } = await client.post('/api/account/two-factor', { password: PASSWORD });
    const page = await browser.newPage();
    await page.goto(`${server.url}/docs/errors`); // any page with our content security policy
    const source = `data:image/svg+xml,${encodeURIComponent(String(body.qr_svg))}`;
    await page.evaluate(`(async () => {
      document.body.style.background = '${background}';
      const image = new Image(360, 360);
      image.src = ${JSON.stringify(source)};
      await image.decode();
      document.body.replaceChildren(image);
    })()`);
    const found = await readBarcodes(new Uint8Array(await page.screenshot()), { formats: ['QRCode'] });
    expect(found.map(({ text }) => text)).toEqual([body.otpauth_uri]);
    await page.close();
  });
});
