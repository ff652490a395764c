// Clean text: what a person wrote, byte for byte, without the markup that could do anything in a page.

import { removeActive } from './remove-active.ts';

/** Honest text needs two rounds; what needs more than these was made to. */
const MAX_ROUNDS = 3;

/**
 * Sorting the marks on one letter takes the square of their number (64 KiB of them: seconds). After so many, an
 * invisible combining grapheme joiner begins a new run, as in the Stream-Safe Text Format of UAX #15.
 */
const MAX_MARKS = 128;
const JOINER = '\u034f';
const MANY_MARKS = new RegExp(`[\\p{M}--${JOINER}]{16,}`, 'gv');

/**
 * Normalises a text and takes the active markup out of it. The promise has two sides:
 *
 * - Harmless: a page that assigns the result to `innerHTML` runs no script, loads nothing and navigates nowhere,
 *   neither at once nor when what appears is clicked, focused or submitted.
 * - Faithful: text that is not active markup comes back byte for byte (`if a<b then c>d`, `List<Form>`, `<3`).
 *
 * Normalised means NFC, `\n` for line ends, no control characters but tab and newline, no characters that
 * reorder the text around them (U+202A–202E, U+2066–2069), trimmed. Entities are text and stay as they are.
 *
 * Whether a browser takes a "<" for a tag depends on what stands before it (quotes, comments, `<title>`, whether
 * scripting is on …), and disagreeing with a browser about that is how sanitisers are broken. So nothing here
 * depends on it: in the result *no* "<" opens an active tag, whatever the parser may think it is inside of.
 *
 * The promise is for one text in one HTML element. Two texts joined to one string of HTML can make a tag that
 * neither holds (`if a <b` and ` onclick=…`), and no cleaning of one can prevent that and stay faithful.
 *
 * `cleanText(cleanText(x)) === cleanText(x)`. Time is linear in the length.
 */
export function cleanText(input: string): string {
  let text = normalise(input);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (!text.includes('<')) return text;
    const next = normalise(removeActive(text, { orphans: true }));
    if (next === text) return text;
    text = next;
  }
  // Without orphans one round is final by construction, unless the normalisation changes what it left.
  const next = removeActive(text, { orphans: false });
  return next === normalise(next) ? next : normalise(next.replaceAll('<', ''));
}

/** Number of Unicode code points: the unit of every text limit in the contract. */
export function codePointLength(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

function normalise(text: string): string {
  const plain = text.replace(/\r\n?/g, '\n').replace(/(?![\t\n])[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, '');
  if (!/\P{ASCII}/u.test(plain)) return plain.trim();
  return (
    plain
      .replace(MANY_MARKS, inShortRuns)
      .normalize('NFC')
      // Some marks have come apart into two.
      .replace(MANY_MARKS, inShortRuns)
      .trim()
  );
}

function inShortRuns(marks: string): string {
  if (marks.length <= MAX_MARKS) return marks;
  const all = Array.from(marks);
  const runs: string[] = [];
  for (let at = 0; at < all.length; at += MAX_MARKS) runs.push(all.slice(at, at + MAX_MARKS).join(''));
  return runs.join(JOINER);
}
