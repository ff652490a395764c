// Clean text in a real browser: whatever was written, putting it into a page does nothing.

import fc from 'fast-check';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanText } from '../src/text/clean-text.ts';
import { TagReader } from '../src/text/html-tags.ts';
import { launchBrowser } from './support/browser.ts';
import { harms, type Load } from './support/xss-page.ts';
import { XSS_VECTORS } from './support/xss-vectors.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
});

/** The loads that did something, and what. */
async function harmful(loads: readonly Load[]): Promise<[Load, readonly string[]][]> {
  const found = await harms(browser, loads, 'all');
  return loads.flatMap((load, i): [Load, readonly string[]][] =>
    found[i]?.length ? [[load, found[i]]] : [],
  );
}

test('the raw vectors do fire, so that their silence means something', async () => {
  const found = await harms(browser, XSS_VECTORS, 'one');
  const silent = XSS_VECTORS.filter((_, i) => found[i]?.length === 0);
  expect(XSS_VECTORS.length).toBeGreaterThan(250);
  expect(XSS_VECTORS.length - silent.length, `silent: ${silent.join('\n')}`).toBeGreaterThan(220);
});

test('no vector does anything once it is clean', async () => {
  expect(await harmful(XSS_VECTORS.map(cleanText))).toEqual([]);
});

test('no two vectors do anything together', async () => {
  const pairs = XSS_VECTORS.map((vector, i) => {
    const other = XSS_VECTORS[(i * 7 + 13) % XSS_VECTORS.length] ?? '';
    const half = Math.ceil(other.length / 2);
    return [vector + other, other.slice(0, half) + vector + other.slice(half)].map(cleanText);
  });
  expect(await harmful(pairs)).toEqual([]);
});

const PIECES = [
  ...[
    '<',
    '>',
    '/',
    '"',
    "'",
    '=',
    ' ',
    '\n',
    '`',
    '&lt;',
    '&quot;',
    '\u0338',
    '\u0301',
    '--',
    '!',
    '?',
    ']]',
  ],
  ...[
    '<b ',
    '<i title="',
    "<p class='",
    '</b',
    '</i x="',
    '<x/',
    '<a ',
    '<a href=',
    '<img ',
    'img',
    'im',
    'g',
    'on',
  ],
  ...[
    'src=x',
    'onerror=alert(1)',
    'onclick=alert(1)',
    ' style=background:url(x)',
    'href=x',
    'error=alert(1)',
  ],
  ...['<!--', '-->', '--!>', '<![CDATA[', ']]>', '<?x', '?>', '<!x', '<!DOCTYPE', '</3'],
  ...[
    '<svg>',
    '</svg>',
    '<math>',
    '</math>',
    '<mtext>',
    '<style>',
    '</style>',
    '<script>',
    '</script>',
    'alert(1)',
  ],
  ...[
    '<title>',
    '</title>',
    '<textarea>',
    '</textarea>',
    '<noscript>',
    '</noscript>',
    '<xmp>',
    '</xmp>',
    '<iframe>',
  ],
  ...[
    '<template>',
    '</template>',
    '<plaintext>',
    '<select>',
    '</select>',
    '<option>',
    '<table>',
    '<td>',
    '</table>',
  ],
  ...[
    '<form>',
    '</form>',
    '<button>',
    '</button>',
    '<input>',
    '<form',
    '<button',
    '<input type=image',
    '<label',
  ],
  ...[
    ' for=page-button>',
    ' form=page-form',
    ' is=page-p',
    ' name=querySelector',
    ' id=x',
    '<p',
    '<object',
    '<embed',
  ],
  ...['<img src=x onerror=alert(1)>', '<a href=x>', '<svg onload=alert(1)>', '<meta ', '<base ', '<link '],
  ...['http-equiv=refresh content=0;url=x', 'rel=stylesheet', 'data=x', '<details open ontoggle=alert(1)>'],
];

const soup = fc
  .array(fc.constantFrom(...PIECES), { minLength: 2, maxLength: 14 })
  .map((list) => list.join(''));

test('no soup of markup does anything once it is clean', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const texts = fc.sample(soup, { seed, numRuns: 2000 });
  const loads = Array.from({ length: 40 }, (_, i) => texts.slice(i * 50, i * 50 + 50).map(cleanText));
  const suspects = await harmful(loads);
  // Name the one among the fifty.
  const culprits = await harmful(suspects.flatMap(([load]) => load).slice(0, 400));
  expect({ culprits, suspects: suspects.length }, `seed ${seed}`).toEqual({ culprits: [], suspects: 0 });

  const raw = await harms(browser, texts.slice(0, 120), 'one');
  expect(raw.filter((found) => found.length > 0).length).toBeGreaterThan(20);
});

const TAG_SOUP = [
  ' ',
  '\n',
  '\t',
  '/',
  '=',
  '"',
  "'",
  '<',
  'a',
  'B',
  'on',
  'c',
  '&amp;',
  '-',
  ':',
  '`',
  '!',
  'é',
  '?',
];

test('the tag reader reads attributes as the browser does', async () => {
  const tail = fc.array(fc.constantFrom(...TAG_SOUP), { maxLength: 25 }).map((list) => list.join(''));
  const texts = fc.sample(tail, 4000).map((rest) => `<x-y ${rest}>`);
  const page = await browser.newPage();
  const read = await page.evaluate(`(${JSON.stringify(texts)}).map((text) => {
    const parent = document.createElement('div');
    parent.innerHTML = text;
    const list = Array.from(parent.firstChild?.attributes ?? []).map(({ name, value }) => [name, value !== '']);
    return [list, parent.firstChild ? parent.innerHTML.endsWith('</x-y>') : false];
  })`);
  await page.close();
  const own = texts.map((text) => {
    const attributes = new Map<string, boolean>();
    const reader = new TagReader(text.length, (name, hasValue) => {
      // Of two attributes of one name the first counts.
      if (!attributes.has(name)) attributes.set(name, hasValue);
      return 0;
    });
    for (let at = text.length - 1; at >= 0; at--) reader.prepend(text.charCodeAt(at));
    const tag = reader.read(1);
    return tag.closed ? [[...attributes], true] : [[], false];
  });
  expect(own).toEqual(read);
});
