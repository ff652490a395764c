// Reads HTML tags, by the tag states of the WHATWG tokenizer, from a text that is put together from its end.

const TAB = 0x09;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const SLASH = 0x2f;
const EQUALS = 0x3d;
const GREATER = 0x3e;

/** Longer names are cut to four letters and "…": no element or attribute that does anything has so long a name. */
const NAME_LIMIT = 40;

export interface Tag {
  /** Lower case; a name over 40 characters is cut. */
  readonly name: string;
  /** The effects of all its attributes, or-ed together. */
  readonly effects: number;
  /** Where the text after the tag begins. */
  readonly end: number;
  /** False when the text ends before the tag's ">". */
  readonly closed: boolean;
  /** The text ends inside a quoted value: whatever a page puts after it belongs to the tag. */
  readonly inQuotes: boolean;
}

// Form feed and carriage return are white space in HTML, too; the normalisation has taken them out before.
function isSpace(code: number): boolean {
  return code === SPACE || code === NEWLINE || code === TAB;
}

/**
 * A text that grows to the left, one character at a time, and can lose what it begins with. Positions count
 * from the left end that it has when nothing is lost, so they stay what they are: `start` is the first, `length`
 * the one after the last.
 *
 * A tag runs from its "<" to the first ">" outside quoted values, so the tags of `<a <a <a <a` all reach the end
 * of the text, and reading each by itself would be quadratic. But what a tag is depends only on what follows it,
 * so every position is read once and remembered until it is cut.
 */
export class TagReader {
  readonly length: number;
  /** What the text begins with; `length` while it is empty. */
  start: number;
  private readonly codes: Uint16Array;
  private readonly effectOf: (name: string, hasValue: boolean) => number;
  // By position, the first from there on with a certain kind of character; `length` if there is none.
  private readonly nonSpace: Int32Array;
  private readonly nameEnd: Int32Array;
  private readonly attributeEnd: Int32Array;
  private readonly valueEnd: Int32Array;
  private readonly double: Int32Array;
  private readonly single: Int32Array;
  private readonly newline: Int32Array;
  /**
   * By position between attributes: where the tag's ">" is, plus one; 0 is "not read yet". `length` stands for the
   * end of the text, `length + 1` for its end inside quotes.
   */
  private readonly ends: Int32Array;
  /** By position between attributes: the effects of the attributes from there on. */
  private readonly effects: Uint8Array;

  /** `effectOf` gives the bits by which an attribute is remembered (lower case; "" counts as no value). */
  constructor(length: number, effectOf: (name: string, hasValue: boolean) => number) {
    this.length = length;
    this.start = length;
    this.effectOf = effectOf;
    this.codes = new Uint16Array(length);
    const positions = () => new Int32Array(length + 1).fill(length, length);
    this.nonSpace = positions();
    this.nameEnd = positions();
    this.attributeEnd = positions();
    this.valueEnd = positions();
    this.double = positions();
    this.single = positions();
    this.newline = positions();
    this.ends = new Int32Array(length + 2);
    this.effects = new Uint8Array(length + 2);
  }

  prepend(code: number): void {
    const at = --this.start;
    this.codes[at] = code;
    this.ends[at] = 0;
    this.effects[at] = 0;
    const space = isSpace(code);
    const endsValue = space || code === GREATER;
    const endsName = endsValue || code === SLASH;
    // Written out, not looped: this is done for every character of every text with a "<".
    const next = at + 1;
    this.nonSpace[at] = space ? (this.nonSpace[next] as number) : at;
    this.nameEnd[at] = endsName ? at : (this.nameEnd[next] as number);
    this.attributeEnd[at] = endsName || code === EQUALS ? at : (this.attributeEnd[next] as number);
    this.valueEnd[at] = endsValue ? at : (this.valueEnd[next] as number);
    this.double[at] = code === DOUBLE_QUOTE ? at : (this.double[next] as number);
    this.single[at] = code === SINGLE_QUOTE ? at : (this.single[next] as number);
    this.newline[at] = code === NEWLINE ? at : (this.newline[next] as number);
  }

  /** Loses everything before the position. */
  cutTo(position: number): void {
    this.start = position;
  }

  /** NaN at the end of the text. */
  codeAt(at: number): number {
    return this.codes[at] ?? Number.NaN;
  }

  startsWith(ascii: string, at: number): boolean {
    for (let i = 0; i < ascii.length; i++) {
      if (this.codes[at + i] !== ascii.charCodeAt(i)) return false;
    }
    return true;
  }

  nextLineBreak(at: number): number {
    return this.newline[at] as number;
  }

  slice(from: number, to: number): string {
    const bytes = this.codes.subarray(from, to);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf16le');
  }

  /** The tag whose name begins at `nameStart`, which must hold an ASCII letter. */
  read(nameStart: number): Tag {
    const nameEnd = this.nameEnd[nameStart] as number;
    this.readAttributes(nameEnd);
    const end = (this.ends[nameEnd] as number) - 1;
    return {
      name: this.lowerCase(nameStart, nameEnd),
      effects: this.effects[nameEnd] as number,
      end: Math.min(end + 1, this.length),
      closed: end < this.length,
      inQuotes: end > this.length,
    };
  }

  private readAttributes(from: number): void {
    const path: number[] = [];
    let at = from;
    while (this.ends[at] === 0) {
      if (at >= this.length || this.codes[at] === GREATER) {
        this.ends[at] = at + 1;
        break;
      }
      path.push(at);
      at = this.readAttribute(at);
    }
    const end = this.ends[at] as number;
    let effects = this.effects[at] as number;
    for (const position of path.reverse()) {
      effects |= this.effects[position] as number;
      this.effects[position] = effects;
      this.ends[position] = end;
    }
  }

  /** The state "before attribute name": notes the effect of the attribute at `at` and returns what follows. */
  private readAttribute(at: number): number {
    const code = this.codeAt(at);
    if (code === SLASH) return at + 1;
    if (isSpace(code)) return this.nonSpace[at] as number;
    // The first character belongs to the name even if it is "=".
    const nameEnd = this.attributeEnd[at + 1] as number;
    const equals = this.nonSpace[nameEnd] as number;
    if (this.codeAt(equals) !== EQUALS) {
      this.effects[at] = this.effectOf(this.lowerCase(at, nameEnd), false);
      return equals;
    }
    const value = this.nonSpace[equals + 1] as number;
    const quote = this.codeAt(value);
    const isQuoted = quote === DOUBLE_QUOTE || quote === SINGLE_QUOTE;
    const from = isQuoted ? value + 1 : value;
    const ends = isQuoted ? (quote === DOUBLE_QUOTE ? this.double : this.single) : this.valueEnd;
    const to = ends[from] as number;
    // A value that the end of the text cuts off may get one from what the page puts there.
    this.effects[at] = this.effectOf(this.lowerCase(at, nameEnd), to > from || to === this.length);
    return isQuoted ? to + 1 : to;
  }

  private lowerCase(start: number, end: number): string {
    const isLong = end - start > NAME_LIMIT;
    const stop = isLong ? start + 4 : end;
    let name = '';
    for (let at = start; at < stop; at++) name += String.fromCharCode(this.codeAt(at));
    return name.toLowerCase() + (isLong ? '…' : '');
  }
}
