// `npx node scripts/make-icons.ts`: draws web/public/icon.svg as the PNG files that the manifest names.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
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

const browser = await launchBrowser();
try {
  for (const [name, size, drawing] of ICONS) {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    await page.setContent(
      `<style>*{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${drawing}`,
    );
    writeFileSync(path.join(directory, name), await page.screenshot({ omitBackground: true }));
    await page.close();
  }
} finally {
  await browser.close();
}
