// What is made of the rows of a statement: objects, or the JSON of these, from the bytes that came.
import type { RowMessage } from './connection.ts';
import { type JsonForm, jsonFormOf, parserOf, wireTime } from './values.ts';

export interface Column {
  name: string;
  parse: (text: string) => unknown;
  /** `{"name":` of the first, `,"name":` of the others. */
  jsonKey: Buffer;
  jsonForm: JsonForm;
}

export function columnsOf(fields: readonly { name: string; dataTypeID: number }[]): Column[] {
  return fields.map(({ name, dataTypeID }, index) => ({
    name,
    parse: parserOf(dataTypeID),
    jsonKey: Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`),
    jsonForm: jsonFormOf(dataTypeID),
  }));
}

/** Takes rows one by one. */
export interface Rows<Result> {
  take(columns: readonly Column[], row: RowMessage): void;
  readonly result: Result;
}

export class ObjectRows<Row> implements Rows<Row[]> {
  readonly result: Row[] = [];

  take(columns: readonly Column[], { fields }: RowMessage): void {
    const row: Record<string, unknown> = {};
    for (let index = 0; index < columns.length; index++) {
      const { name, parse } = columns[index] as Column;
      const text = fields[index] ?? null;
      row[name] = text === null ? null : parse(text);
    }
    this.result.push(row as Row);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACE = 0x7d;
const DOT = 0x2e;
const PLUS = 0x2b;
const ZERO = 0x30;
const SPACE = 0x20;
const T = 0x54;
const Z = 0x5a;
const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const SMALL_T = 0x74;
/** What JSON has in place of control characters, quotes and backslashes. */
const ESCAPED = Array.from({ length: BACKSLASH + 1 }, (_, byte) =>
  Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1)),
);
/** Bytes of the longest of these, `\u0000`. */
const ESCAPED_LENGTH = 6;
/** Of `2026-01-03`, and of `2026-01-03 10:30:00`. */
const DATE_LENGTH = 10;
const SECONDS_LENGTH = 19;
const FIRST_SIZE = 16_384;
/** Left free before the first row, for what an answer begins with. */
const BEFORE = 64;

/** Whether it is `2026-01-03 10:30:00+00`, with a fraction or without: a foreign server may speak in another zone. */
function isUtc(from: Buffer, start: number, end: number): boolean {
  const isZone = from[end - 3] === PLUS && from[end - 2] === ZERO && from[end - 1] === ZERO;
  return isZone && from[start + DATE_LENGTH] === SPACE;
}

/** Rows as the JSON of the objects that they stand for: what is only passed on is neither taken apart nor put together. */
export class JsonRows implements Rows<JsonRows> {
  readonly result = this;
  #bytes = Buffer.allocUnsafe(FIRST_SIZE);
  #length = BEFORE;
  /** Where each row ends. */
  readonly #ends: number[] = [];

  get count(): number {
    return this.#ends.length;
  }

  /**
   * The first of them, with commas between, and what is to stand around them, in one piece. Once, and last of all: `after` is written
   * over the rows that are left out.
   * @param before ASCII, no longer than `BEFORE`.
   */
  finish(before: string, count: number, after: string): Buffer {
    this.#ends.length = Math.min(count, this.count);
    this.#length = this.#ends.at(-1) ?? BEFORE;
    this.#reserve(Buffer.byteLength(after));
    const start = BEFORE - before.length;
    this.#bytes.write(before, start, 'latin1');
    return this.#bytes.subarray(start, this.#length + this.#bytes.write(after, this.#length));
  }

  /** The object that one stands for. */
  object<Row>(index: number): Row {
    const start = index === 0 ? BEFORE : (this.#ends[index - 1] ?? 0) + 1;
    return JSON.parse(this.#bytes.toString('utf8', start, this.#ends[index])) as Row;
  }

  take(columns: readonly Column[], { bytes, start }: RowMessage): void {
    let at = start;
    for (let index = 0; index < columns.length; index++) {
      const { jsonKey, jsonForm } = columns[index] as Column;
      const length = bytes.readInt32BE(at);
      at += 4;
      // With what surrounds a value: quotes, or a comma and a brace.
      this.#reserve(jsonKey.length + ESCAPED_LENGTH * Math.max(1, length) + 4);
      if (index === 0 && this.count > 0) this.#bytes[this.#length++] = COMMA;
      this.#copy(jsonKey, 0, jsonKey.length);
      if (length < 0) {
        this.#copy(NULL, 0, NULL.length);
        continue;
      }
      this.#value(jsonForm, bytes, at, at + length);
      at += length;
    }
    this.#bytes[this.#length++] = BRACE;
    this.#ends.push(this.#length);
  }

  #value(form: JsonForm, from: Buffer, start: number, end: number): void {
    if (form === 'as it is') this.#copy(from, start, end);
    else if (form === 'text') this.#text(from, start, end);
    else if (form === 'boolean') this.#whole(from[start] === SMALL_T ? TRUE : FALSE);
    else if (form === 'time' && isUtc(from, start, end)) this.#time(from, start, end);
    else if (form === 'time') this.#whole(Buffer.from(`"${wireTime(from.toString('latin1', start, end))}"`));
    else this.#whole(Buffer.from(form(from.toString('utf8', start, end))));
  }

  #text(from: Buffer, start: number, end: number): void {
    const to = this.#bytes;
    let length = this.#length;
    to[length++] = QUOTE;
    for (let at = start; at < end; at++) {
      const byte = from[at] as number;
      if (byte >= SPACE && byte !== QUOTE && byte !== BACKSLASH) to[length++] = byte;
      else length += (ESCAPED[byte] as Buffer).copy(to, length);
    }
    to[length++] = QUOTE;
    this.#length = length;
  }

  /** `2026-01-03 10:30:00.1+00` → `"2026-01-03T10:30:00.100Z"`, as `wireTime` does it. */
  #time(from: Buffer, start: number, end: number): void {
    const to = this.#bytes;
    const first = this.#length;
    to[first] = QUOTE;
    this.#length++;
    this.#copy(from, start, start + SECONDS_LENGTH);
    to[first + 1 + DATE_LENGTH] = T;
    to[this.#length++] = DOT;
    for (let at = start + SECONDS_LENGTH + 1; at < start + SECONDS_LENGTH + 4; at++)
      to[this.#length++] = at < end - 3 ? (from[at] as number) : ZERO;
    to[this.#length++] = Z;
    to[this.#length++] = QUOTE;
  }

  #whole(json: Buffer): void {
    this.#reserve(json.length + 2);
    this.#copy(json, 0, json.length);
  }

  #copy(from: Buffer, start: number, end: number): void {
    const to = this.#bytes;
    let length = this.#length;
    // Of so few bytes the loop is quicker than a call that copies them.
    for (let at = start; at < end; at++) to[length++] = from[at] as number;
    this.#length = length;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
