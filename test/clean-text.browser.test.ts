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

/** The texts that did something, and what: first by the dozen, then, where something happened, one by one. */
async function harmful(texts: readonly string[]): Promise<[Load, readonly string[]][]> {
  const size = 12;
  const dozens = Array.from({ length: Math.ceil(texts.length / size) }, (_, i) =>
    texts.slice(i * size, (i + 1) * size),
  );
  const found = await harms(browser, dozens, 'all');
  const suspects = dozens.filter((_, i) => found[i]?.length).flat();
  const again = await harms(browser, suspects, 'all');
  const culprits = suspects.flatMap((text, i): [Load, readonly string[]][] =>
    again[i]?.length ? [[text, again[i]]] : [],
  );
  return suspects.length > 0 && culprits.length === 0 ? [[suspects, ['only together']]] : culprits;
}

test('the raw vectors do fire, so that their silence means something', async () => {
  const found = await harms(browser, XSS_VECTORS, 'one');
  const silent = XSS_VECTORS.filter((_, i) => found[i]?.length === 0);
  expect(XSS_VECTORS.length - silent.length, `silent: ${silent.join('\n')}`).toBeGreaterThan(290);
});

test('no vector does anything once it is clean', async () => {
  expect(await harmful(XSS_VECTORS.map(cleanText))).toEqual([]);
});

test('no vector inside another does anything', async () => {
  const pairs = XSS_VECTORS.map((vector, i) => {
    const other = XSS_VECTORS[(i * 7 + 13) % XSS_VECTORS.length] ?? '';
    const half = Math.ceil(other.length / 2);
    return cleanText(other.slice(0, half) + vector + other.slice(half));
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
  const texts = fc.sample(soup, { seed, numRuns: 1500 });
  expect(await harmful(texts.map(cleanText)), `seed ${seed}`).toEqual([]);
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
