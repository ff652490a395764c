// Takes the active markup out of a text, from its end to its beginning.

import {
  attributeEffect,
  canSubmit,
  endMatters,
  isActive,
  isElementName,
  type Surroundings,
  WITH_CONTENTS,
} from './active-markup.ts';
import { type Tag, TagReader } from './html-tags.ts';

const LESS = 0x3c;
const DASH = 0x2d;
const BRACKET = 0x5d;
const QUESTION = 0x3f;

/** What can end something that a "<" further left begins, and how it is written. */
const CLOSERS = ['-->', '--!>', ']]>', '?>'] as const;
const SUBMITTER = '<button>';

/**
 * The text without its active markup. In the result no "<" opens an active tag, whatever stands before it: each
 * was looked at when everything to its right was already as it stays.
 *
 * With `orphans` the end tags of what was taken out go, too. Taking one out of the middle can put a new tag
 * together: that result must be gone through again.
 */
export function removeActive(text: string, options: { orphans: boolean }): string {
  const cutter = new Cutter(text.length);
  for (let at = text.length - 1; at >= 0; at--) cutter.prepend(text.charCodeAt(at));
  return options.orphans ? cutter.textWithoutOrphans() : cutter.wholeText();
}

class Cutter {
  private readonly text: TagReader;
  /** By kind, where the text so far has closers, submitters and the end tags that matter: the leftmost last. */
  private readonly marks = new Map<string, number[]>();
  /** The start tags that were cut: their names, and what followed them. The leftmost last. */
  private readonly cuts: { name: string; at: number }[] = [];
  private readonly around: Surroundings = {
    submits: () => this.nearest(SUBMITTER) !== undefined,
    hasEnd: (name) => this.nearest(name) !== undefined,
  };

  constructor(length: number) {
    this.text = new TagReader(length, attributeEffect);
  }

  prepend(code: number): void {
    const { text } = this;
    text.prepend(code);
    const at = text.start;
    if (code !== LESS) {
      if (code === DASH || code === BRACKET || code === QUESTION) this.closer(at);
    } else if (isLetter(text.codeAt(at + 1))) {
      this.startTag(at);
    } else if (text.startsWith('</', at)) {
      if (isLetter(text.codeAt(at + 2))) this.endTag(at);
    } else if (text.startsWith('<!--', at)) {
      this.cutThrough('-->', '--!>');
    } else if (text.startsWith('<![CDATA[', at)) {
      this.cutThrough(']]>');
    } else if (text.startsWith('<?', at) && isLetter(text.codeAt(at + 2))) {
      this.cutThrough('?>');
    }
  }

  wholeText(): string {
    return this.text.slice(this.text.start, this.text.length);
  }

  /** The text without the end tags whose start tags were cut. */
  textWithoutOrphans(): string {
    const { text, cuts } = this;
    if (cuts.length === 0) return this.wholeText();
    // By name, for each start tag still open: was it cut?
    const open = new Map<string, boolean[]>();
    const push = (name: string, wasCut: boolean) => {
      const tags = open.get(name);
      if (tags) tags.push(wasCut);
      else open.set(name, [wasCut]);
    };
    let result = '';
    let kept = text.start;
    for (let at = text.start; at < text.length; at++) {
      for (let cut = cuts.at(-1); cut && cut.at <= at; cut = cuts.at(-1)) {
        push(cut.name, true);
        cuts.pop();
      }
      if (text.codeAt(at) !== LESS) continue;
      if (isLetter(text.codeAt(at + 1))) {
        push(text.read(at + 1).name, false);
      } else if (text.startsWith('</', at) && isLetter(text.codeAt(at + 2))) {
        const tag = text.read(at + 2);
        if (!tag.closed || !open.get(tag.name)?.pop()) continue;
        result += text.slice(kept, at);
        kept = tag.end;
        at = kept - 1;
      }
    }
    return result + text.slice(kept, text.length);
  }

  /**
   * An inactive tag stays, unless the text ends inside its quotes: then only the "<" goes, because in
   * `<li>${title}</li><li>${other}</li>` the tag would go on to the next quote, in a text that may say ` onclick=`.
   */
  private startTag(at: number): void {
    const tag = this.text.read(at + 1);
    if (!isActive(tag, this.around)) {
      if (tag.inQuotes) this.cutTo(at + 1);
      else if (canSubmit(tag.name)) this.mark(SUBMITTER, at);
      return;
    }
    const end = WITH_CONTENTS.has(tag.name) && tag.closed ? this.nearest(tag.name) : undefined;
    if (end !== undefined && end >= tag.end) {
      this.cutTo(this.text.read(end + 2).end);
      return;
    }
    // A script without an end never runs: what follows its tag is only text.
    this.cutTo(this.endOfTag(tag, at));
    this.cuts.push({ name: tag.name, at: this.text.start });
  }

  private closer(at: number): void {
    for (const closer of CLOSERS) {
      if (this.text.startsWith(closer, at)) this.mark(closer, at);
    }
  }

  private endTag(at: number): void {
    const { name, inQuotes } = this.text.read(at + 2);
    if (inQuotes) this.cutTo(at + 1);
    else if (endMatters(name)) this.mark(name, at);
  }

  /** A comment or its like is cut only when it is complete: an unclosed one is an arrow in a sentence. */
  private cutThrough(...closers: string[]): void {
    let end = this.text.length + 1;
    for (const closer of closers) {
      const at = this.nearest(closer);
      if (at !== undefined) end = Math.min(end, at + closer.length);
    }
    if (end <= this.text.length) this.cutTo(end);
  }

  /**
   * Where there is no ">" a browser would drop the text to its very end, and where the name is none of HTML's
   * (`if x<y …`) the next ">" may be pages away: then no more than the line is lost.
   */
  private endOfTag(tag: Tag, at: number): number {
    if (tag.closed && isElementName(tag.name)) return tag.end;
    return Math.min(tag.end, this.text.nextLineBreak(at));
  }

  private cutTo(position: number): void {
    this.text.cutTo(position);
    for (const marks of this.marks.values()) {
      while (marks.length > 0 && (marks.at(-1) as number) < position) marks.pop();
    }
    while (this.cuts.length > 0 && (this.cuts.at(-1)?.at as number) < position) this.cuts.pop();
  }

  private mark(kind: string, at: number): void {
    const marks = this.marks.get(kind);
    if (marks) marks.push(at);
    else this.marks.set(kind, [at]);
  }

  private nearest(kind: string): number | undefined {
    return this.marks.get(kind)?.at(-1);
  }
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
