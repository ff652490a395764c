// How JavaScript's values become PostgreSQL's, and PostgreSQL's JavaScript's: times as the wire's text, dates as text, whole numbers as numbers.
import pg from 'pg';

/** What a statement takes. */
export type Value = string | number | boolean | null | Buffer | readonly string[] | readonly number[];

const { builtins } = pg.types;
/** Of `2026-01-03`, and of `2026-01-03 10:30:00`. */
const DATE_LENGTH = 10;
const SECONDS_LENGTH = 19;

/** `2026-01-03 10:30:00.1+00` → `2026-01-03T10:30:00.100Z`: RFC 3339 in UTC with milliseconds. */
export function wireTime(text: string): string {
  // A foreign server may speak in a time zone of its own: `2026-01-03 12:30:00+02`.
  if (text[DATE_LENGTH] !== ' ' || !text.endsWith('+00'))
    return new Date(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')).toISOString();
  const milliseconds = text
    .slice(SECONDS_LENGTH + 1, -3)
    .padEnd(3, '0')
    .slice(0, 3);
  return `${text.slice(0, DATE_LENGTH)}T${text.slice(DATE_LENGTH + 1, SECONDS_LENGTH)}.${milliseconds}Z`;
}

const PARSERS: Record<number, (text: string) => unknown> = {
  [builtins.TIMESTAMPTZ]: wireTime,
  [builtins.DATE]: (text) => text,
  // Revisions, ids and counts stay far below 2^53.
  [builtins.INT8]: Number,
};

/** What makes a value of a column from its text. Better Auth's connections keep the driver's, which makes `Date` objects. */
export function parserOf(oid: number): (text: string) => unknown {
  return PARSERS[oid] ?? pg.types.getTypeParser(oid, 'text');
}

/** How the JSON of a column's value is made of its text: in one of the ways that rows.ts knows, or by a function. */
export type JsonForm = 'as it is' | 'text' | 'boolean' | 'time' | ((text: string) => string);
const JSON_FORMS: Record<number, JsonForm> = {
  [builtins.INT2]: 'as it is',
  [builtins.INT4]: 'as it is',
  [builtins.INT8]: 'as it is',
  [builtins.JSON]: 'as it is',
  [builtins.JSONB]: 'as it is',
  [builtins.BOOL]: 'boolean',
  [builtins.TEXT]: 'text',
  [builtins.DATE]: 'text',
  [builtins.TIMESTAMPTZ]: 'time',
};

/** What makes of a column's text the JSON of the value that `parserOf` would make. */
export function jsonFormOf(oid: number): JsonForm {
  const parse = parserOf(oid);
  return JSON_FORMS[oid] ?? ((text) => JSON.stringify(parse(text)));
}

function arrayElement(value: string | number): string {
  return `"${String(value).replace(/["\\]/g, '\\$&')}"`;
}

/** A value as it is sent: text, bytes, or null. */
export function wireValue(value: Value): string | Buffer | null {
  if (typeof value === 'string' || value === null || Buffer.isBuffer(value)) return value;
  if (typeof value === 'object') return `{${value.map(arrayElement).join(',')}}`;
  return String(value);
}
