// A letter: plain paragraphs and at most one link, rendered as text and as simple HTML without anything that loads.

/** What somebody is to be told. */
export interface Letter {
  /** What it is about, for queue and log: `password_reset`. */
  kind: string;
  /** Whose account it belongs to, and goes with; absent for somebody who has none. */
  userId?: string;
  /** The one recipient, an address that the rules for e-mail addresses have passed. */
  to: string;
  /** Words of ours alone: nothing that a user typed. */
  subject: string;
  /** May hold what a user typed: both renderings are safe for any text. */
  paragraphs: string[];
  /** Comes after the first paragraph. */
  link?: { label: string; url: string };
  /** Seconds after which it is of no use: as long as its link lives. */
  usefulFor?: number;
}

/**
 * A letter that is written when its turn comes, by the writer of its kind. Who asks for it waits for no more than the asking,
 * whoever it is for: so nobody learns from the time of an answer whether there is such an account.
 */
export interface Draft {
  kind: string;
  userId?: string;
  /** What its writer needs. */
  facts: Readonly<Record<string, string>>;
  /** Seconds after which it is of no use. */
  usefulFor?: number;
}

const TEXT_WIDTH = 72;
const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** Short lines go through every mail server as they are, and can be read in the file of an outbox. */
function wrapped(paragraph: string): string {
  return oneLine(paragraph).replace(new RegExp(`(?=.{${TEXT_WIDTH + 1}})(.{1,${TEXT_WIDTH}}) `, 'g'), '$1\n');
}

export function textOf({ paragraphs, link }: Letter): string {
  const [first = '', ...rest] = paragraphs.map(wrapped);
  return `${[first, ...(link ? [link.url] : []), ...rest].join('\n\n')}\n`;
}

export function htmlOf({ paragraphs, link }: Letter): string {
  const [first = '', ...rest] = paragraphs.map((paragraph) => `<p>${escapeHtml(oneLine(paragraph))}</p>`);
  const anchor = link && `<p><a href="${escapeHtml(link.url)}">${escapeHtml(link.label)}</a></p>`;
  return [
    '<!doctype html>',
    '<meta charset="utf-8">',
    '<body style="font-family: sans-serif; line-height: 1.5; max-width: 36em">',
    first,
    ...(anchor ? [anchor] : []),
    ...rest,
    '</body>',
    '',
  ].join('\n');
}
