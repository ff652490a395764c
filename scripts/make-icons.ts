// `npx node scripts/make-icons.ts`: draws web/public/icon.svg as the PNG files that the manifest names, and as favicon.ico.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../test/support/browser.ts';
import { WEB_SOURCES } from './web-bundle.ts';

const directory = path.join(WEB_SOURCES, 'public');
const svg = readFileSync(path.join(directory, 'icon.svg'), 'utf8');
/** Launchers cut a maskable icon to their own shape: its ground goes to the edges, its drawing stays in the middle. */
const maskable = svg
  .replace('rx="112"', '')
  .replace(/(<rect[^>]+>)(.*)(<\/svg>)/s, '$1<g transform="translate(64 64) scale(.75)">$2</g>$3');

const ICONS: readonly (readonly [name: string, size: number, drawing: string])[] = [
  ['icon-192.png', 192, svg],
  ['icon-512.png', 512, svg],
  ['icon-maskable-512.png', 512, maskable],
];

/** Of the one file that browsers ask for unasked. */
const FAVICON_SIZES = [16, 32, 48] as const;
const ICO_HEAD_BYTES = 6;
const ICO_ENTRY_BYTES = 16;

async function draw(browser: Browser, size: number, drawing: string): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(
    `<style>*{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${drawing}`,
  );
  const png = await page.screenshot({ omitBackground: true });
  await page.close();
  return png;
}

/** PNG files in the frame of an ICO file: a head, an entry for each, and then they themselves. */
function icoOf(pictures: readonly (readonly [size: number, png: Buffer])[]): Buffer {
  const head = Buffer.alloc(ICO_HEAD_BYTES + pictures.length * ICO_ENTRY_BYTES);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(pictures.length, 4);
  let offset = head.length;
  for (const [index, [size, png]] of pictures.entries()) {
    const entry = ICO_HEAD_BYTES + index * ICO_ENTRY_BYTES;
    head.writeUInt8(size, entry);
    head.writeUInt8(size, entry + 1);
    head.writeUInt16LE(1, entry + 4);
    head.writeUInt16LE(32, entry + 6);
    head.writeUInt32LE(png.length, entry + 8);
    head.writeUInt32LE(offset, entry + 12);
    offset += png.length;
  }
  return Buffer.concat([head, ...pictures.map(([, png]) => png)]);
}

const browser = await launchBrowser();
try {
  for (const [name, size, drawing] of ICONS)
    writeFileSync(path.join(directory, name), await draw(browser, size, drawing));
  const pictures: [number, Buffer][] = [];
  for (const size of FAVICON_SIZES) pictures.push([size, await draw(browser, size, svg)]);
  writeFileSync(path.join(directory, 'favicon.ico'), icoOf(pictures));
} finally {
  await browser.close();
}
