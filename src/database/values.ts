// How PostgreSQL's values become JavaScript's: times as the wire's text, dates as text, whole numbers as numbers.
import pg from 'pg';

const { builtins } = pg.types;
const UTC_TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/;

/** `2026-01-03 10:30:00.1+00` → `2026-01-03T10:30:00.100Z`: RFC 3339 in UTC with milliseconds. */
export function wireTime(text: string): string {
  const match = UTC_TIME.exec(text);
  // A foreign server may speak in a time zone of its own: `2026-01-03 12:30:00+02`.
  if (!match) return new Date(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')).toISOString();
  return `${match[1]}T${match[2]}.${(match[3] ?? '').padEnd(3, '0').slice(0, 3)}Z`;
}

const PARSERS: Record<number, (text: string) => unknown> = {
  [builtins.TIMESTAMPTZ]: wireTime,
  [builtins.DATE]: (text) => text,
  // Revisions, ids and counts stay far below 2^53.
  [builtins.INT8]: Number,
};

/** The type parsers of our own connections. Better Auth's keep the driver's, since it wants `Date` objects. */
export const wireTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    PARSERS[oid] ?? pg.types.getTypeParser(oid, format as 'text'),
};
