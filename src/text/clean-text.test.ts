// The two sides of clean text: what is honest comes back byte for byte, and what is left does nothing.

import fc from 'fast-check';
import { Parser } from 'htmlparser2';
import { describe, expect, test } from 'vitest';
import { XSS_VECTORS } from '../../test/support/xss-vectors.ts';
import { cleanText, codePointLength } from './clean-text.ts';

const FAITHFUL = [
  ...[
    'a < b && c > d',
    'AT&T',
    "O'Brien",
    '"quoted"',
    '<3',
    '->',
    '<-',
    '<->',
    '=>',
    '<=>',
    '<:',
    ':-<',
    '</3',
    '<',
  ],
  ...["Robert'); DROP TABLE students;--", 'select * from x where a <> b', "update t set a = 'b' where c < 3"],
  ...['1 <2, 3> 2', 'x<y>z', '5<x<7', '2026-01-01<2026-02-01', 'a<=b', 'if a<b then c>d', 'while i<n: i+=1'],
  ...['Array<string>', 'Array<object>', 'Promise<Button>', 'List<Form>', 'vector<vector<int>> v;'],
  ...[
    'map<string, vector<int>>',
    '<T extends Foo = Bar>',
    'func<T>(a: T): T',
    'useState<string | null>(null)',
  ],
  ...['List<Image>', 'Option<Title>', 'Vec<Template>', 'Set<Video>', 'Promise<Textarea>', 'useRef<Link>'],
  ...['Array<object>, Promise<Button>, List<Form>', 'Map<Form, Button>', 'the <object> and <param> tags'],
  ...[
    'use <b> for bold',
    '<b>bold</b>',
    '<div class="x">hello</div>',
    '<ul><li>a<li>b</ul>',
    '<br/>',
    '<hr>',
  ],
  ...['<Link to="/home">Home</Link>', '<User id={5} name="x"/>', '<input type="text" placeholder="x">'],
  ...['<your name>', '<client-name>', '<TODO: call>', '<https://example.com/?a=1&src=2>', '<me@example.com>'],
  ...[
    'cat <in >out',
    'cat <<EOF\nx\nEOF',
    '#include <stdio.h>',
    '<<<<<<< HEAD\n=======\n>>>>>>> x',
    '<%= x %>',
  ],
  ...['<!important>', '<!DOCTYPE html>', 'a <!-- b', 'a --> b', '<?', 'is a <? b ?> c', '<![endif]', ']]>'],
  ...[
    '&lt;script&gt;alert(1)&lt;/script&gt;',
    '&amp;',
    '&#60;img src=x onerror=alert(1)&#62;',
    'javascript:alert(1)',
  ],
  ...['forgot the </script> tag', 'onclick=alert(1)', 'src=x onerror=alert(1)>', 'data:text/html,x'],
  ...[
    'if a<b only when c>d',
    'if a<b on Monday c>d',
    'a<b style c>d',
    'a<b src c>d',
    'a<b href c>d',
    'a<a data c>d',
  ],
  ...['x<y and data=5 and z>3', 'if x<max set action=5 or y>3', 'x <y, one=1, only=2, z> 3', '<b onclick>'],
  ...['if (i<n && s!="") { x>y }', "if (a<b && c=='x' || d>e)", 'while x<n and c!="\\n": x>3', 'say "a<b"'],
  ...['5 <img wide', 'if price<base then discount>0', 'a<b\nc>d', 'tab\there', 'two\n\nlines', 'a  b'],
  ...[
    '👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽',
    'naïve café',
    'Z̤͔ͧ̑̓ä͖̭̈̇lͮ',
    'שלום עולם',
    'مرحبا',
    '\u200fx\u200e',
    'a\u00a0b',
    'ﬁ ½ Å',
    '漢字',
    '𝒳',
  ],
];

const HARMLESS: readonly (readonly [string, string])[] = [
  ['<script>alert(1)</script>hello', 'hello'],
  ['a<script>alert(1)</script>b', 'ab'],
  ['<SCRIPT\nSRC=x></SCRIPT >b', 'b'],
  ['<style>body{}</style>x', 'x'],
  ['how to use the <script> tag', 'how to use the  tag'],
  ['<img src=x onerror=alert(1)>', ''],
  ['<img/src=x/onerror=alert(1)>', ''],
  ['hi <img src=x onerror=alert(1)', 'hi'],
  ['<b onclick=alert(1)>bold</b> <b>b</b>', 'bold <b>b</b>'],
  ['<b onclick=1>x <b>y</b> z</b>', 'x <b>y</b> z'],
  ['<div style="background:url(x)">a</div>', 'a'],
  ['<a href="javascript:alert(1)">link</a>', 'link'],
  ['<a href>link</a>', 'link'],
  ['<svg onload=alert(1)>', ''],
  ['<svg><desc>x</desc></svg>', '<desc>x</desc>'],
  ['<iframe src=x>y</iframe>z', 'yz'],
  ['<form action=x><button>go</button></form>', '<button>go</button>'],
  ['<form><button>go</button></form>', '<button>go</button>'],
  ['<form>x</form><input>', 'x<input>'],
  ['<button formaction=x>go</button>', 'go'],
  ['<object data=x></object>', ''],
  ['<table background=x><td>y</table>', '<td>y'],
  ['<input type=image src=x>', ''],
  ['<template shadowrootmode=open>x</template>', 'x'],
  ['<title>x</title>', 'x'],
  ['a<!-- note -->b', 'ab'],
  ['a<![CDATA[x]]>b', 'ab'],
  ['a<?php echo 1 ?>b', 'ab'],
  ['<im<!-- -->g src=x onerror=alert(1)>', ''],
  ['<scr<script>ipt>alert(1)</scr</script>ipt>', ''],
  ['<im</svg>g src=x><svg>', '<im</svg>g src=x>'],
  ['if a<b then <img src=x> c>d', 'if a<b then  c>d'],
  ['<b title="<img src=x onerror=alert(1)>">x</b>', '<b title="">x</b>'],
  ['</b a="><i title="><img src=x onerror=alert(1)>', '</b a=">i title=">'],
  ['x<y && onclick=alert(1) > z', 'x z'],
  ['x<y && onclick=1\nand so\non', 'x\nand so\non'],
  ['a<b and c="d', 'ab and c="d'],
  ['x <a href=', 'x'],
  ['<img name=getElementById>', ''],
];

describe('faithful', () => {
  test.each(FAITHFUL)('%j comes back byte for byte', (text) => {
    expect(cleanText(text)).toBe(text);
  });

  test('text without tags, comments or their like is only normalised', () => {
    const char = fc.oneof(
      fc.constantFrom('<', '<', '>', '"', "'", '=', '&', ' ', '\n', 'a'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(char), (chars) => {
        const text = chars.join('').replace(/<(?=[a-z/!?])/gi, '');
        fc.pre(!/[\p{Cc}\p{M}\u202A-\u202E\u2066-\u2069]/u.test(text.replaceAll('\n', '')));
        expect(cleanText(text)).toBe(text.normalize('NFC').trim());
      }),
    );
  });
});

describe('normalised', () => {
  test('line ends, controls, reordering marks, composition and the white space around', () => {
    expect(cleanText('a\r\nb\rc\nd')).toBe('a\nb\nc\nd');
    expect(cleanText('a\u0001\u0008\u000b\u000c\u001b\u007f\u0085\u009fb\tc')).toBe('ab\tc');
    expect(cleanText('\u202aa\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069b')).toBe('ab');
    expect(cleanText('e\u0301 A\u030a')).toBe('é Å');
    expect(cleanText('  \n\t a \u00a0\n')).toBe('a');
    expect(cleanText(' \u0007 ')).toBe('');
  });

  test('a letter with ever more marks is cut into runs, because sorting them takes the square of their number', () => {
    const marks = '\u0316\u0301'.repeat(100);
    expect(cleanText(`x${marks}`)).toBe(`x${marks.slice(0, 128)}\u034f${marks.slice(128)}`.normalize('NFC'));
    expect(cleanText(`x${marks.slice(0, 128)}`)).toBe(`x${marks.slice(0, 128)}`.normalize('NFC'));
  });

  test('code points are what is counted', () => {
    expect(codePointLength('')).toBe(0);
    expect(codePointLength('aé👍🏽')).toBe(4);
    expect(codePointLength('\ud83d')).toBe(1);
  });
});

describe('harmless', () => {
  test.each(HARMLESS)('%j becomes %j', (text, clean) => {
    expect(cleanText(text)).toBe(clean);
  });

  test('no "<" of any result opens an active tag, wherever a parser may begin', () => {
    for (const vector of XSS_VECTORS) expectHarmless(cleanText(vector));
    fc.assert(
      fc.property(soup, (text) => expectHarmless(cleanText(text))),
      { numRuns: 2000 },
    );
  });
});

test('clean text stays as it is', () => {
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (text) => {
      const clean = cleanText(text);
      expect(cleanText(clean)).toBe(clean);
      expect(clean.normalize('NFC')).toBe(clean);
      expect(clean).toBe(clean.trim());
      expect(clean).not.toMatch(/(?![\t\n])[\p{Cc}\u202A-\u202E\u2066-\u2069]/u);
    }),
    { numRuns: 3000 },
  );
});

test('64 KiB made to be slow are cleaned, and stay clean', () => {
  const fill = (piece: string) => piece.repeat(65_536 / piece.length);
  const nest = (open: string, close: string) => {
    const depth = 65_536 / (open.length + close.length);
    return open.repeat(depth) + close.repeat(depth);
  };
  const inputs = [
    ...[
      '<',
      '<a',
      '<a ',
      '<a b="',
      '<a b=\'<a b="',
      '<a/b=',
      '<a////',
      '</b x="',
      '<!--',
      '<![CDATA[',
      '<?a',
    ].map(fill),
    ...['<script>', '<script></script>', '<scr<script>ipt>', '<b onclick=1>', '<b onclick=1 ', '<b on='].map(
      fill,
    ),
    ...[
      '<form><button>',
      '<title>',
      '<svg></sv</svg>g>',
      '\u0301\u0316',
      '<b>\u0f71\u0f72\u0334',
      '>\u0338',
    ].map(fill),
    ...[
      nest('<scr<script>', 'ipt>'),
      nest('<!--', '-->'),
      nest('<im<!-- ', ' -->g src=1>'),
      nest('<<b on=1>', 'x'),
    ],
    ...[nest('<svg', '></svg>'), nest('<im<svg>', '</svg>g src=1>'), nest('<svg>', '</s</svg>vg>')],
    ...[`<${fill('a')}`, `<b ${fill('a ')}`, `<b${fill(' ')}=`, `<b title="${fill("'")}`],
  ];
  for (const input of inputs) {
    const clean = cleanText(input);
    expect(clean === cleanText(clean), input.slice(0, 40)).toBe(true);
  }
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
    '\r',
    '\f',
    '\u0000',
    '\u0338',
    '\u0301',
    '\u202e',
    '--',
    '!',
    '?',
    'é',
  ],
  ...[
    '<b ',
    '<i title="',
    '</b',
    '<a href=',
    '<img ',
    'im',
    'g',
    'on',
    'src=x',
    'onerror=alert(1)',
    ' style=x',
    'x',
  ],
  ...[
    '<!--',
    '-->',
    '--!>',
    '<![CDATA[',
    ']]>',
    '<?x',
    '?>',
    '<!x',
    '</3',
    '</svg>',
    '<svg',
    '</',
    'script',
    '<scr',
  ],
  ...[
    '<script>',
    '</script>',
    '<style>',
    '</style>',
    '<title>',
    '</title>',
    '<form>',
    '<button>',
    '<input>',
    '</b>',
  ],
];
const soup = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.constantFrom(...XSS_VECTORS)), { maxLength: 12 })
  .map((list) => list.join(''));

/** Asks another parser, from every "<", and with rules of its own: the rough side of what a browser acts on. */
function expectHarmless(text: string): void {
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at + 1)) {
    const parser = new Parser({
      onopentag(name, attributes) {
        expect(name, text).not.toMatch(
          /^(?:script|style|iframe|svg|math|xmp|plaintext|no(?:script|embed|frames))$/,
        );
        for (const [attribute, value] of Object.entries(attributes)) {
          if (value === '') expect(`${name} ${attribute}`, text).not.toBe('a href');
          else expect(attribute, text).not.toMatch(/^(?:on(?!ce$|ly$|e$)[a-z]+|style)$/);
          if (
            /^(?:a|area|img|image|video|audio|source|track|input|link|base|body|table|td|object)$/.test(name)
          ) {
            expect(value && attribute, text).not.toMatch(
              /^(?:src|srcset|href|data|poster|background|formaction)$/,
            );
          }
        }
        parser.pause();
      },
    });
    parser.end(text.slice(at));
  }
}
