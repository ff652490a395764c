// A day out of what people write for one, where it can mean but one: a year of four digits, and no month by number alone.
import { isDate } from '../tasks/input.ts';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const ISO = /^(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const DAY_FIRST = /^(\d{1,2})(?:st|nd|rd|th)? ([a-z]{3,9})\.?,? (\d{4})$/i;
const MONTH_FIRST = /^([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})$/i;
const NAMES = /^(january|february|march|april|may|june|july|august|september|october|november|december)$/i;

function day(year: string, month: string, date: string): string | undefined {
  const known = NAMES.test(month) || MONTHS.includes(month.toLowerCase()) || month.toLowerCase() === 'sept';
  if (!known) return undefined;
  const number = MONTHS.indexOf(month.slice(0, 3).toLowerCase()) + 1;
  const text = `${year}-${String(number).padStart(2, '0')}-${date.padStart(2, '0')}`;
  return isDate(text) ? text : undefined;
}

/** `2026-01-31`, `2026-01-31 10:00`, `31 Jan 2026`, `January 31, 2026`; undefined for `01/02/2026` and `every day`. */
export function dayIn(text: string): string | undefined {
  const plain = text.trim().replace(/\s+/g, ' ');
  const [, iso] = ISO.exec(plain) ?? [];
  if (iso !== undefined) return isDate(iso) ? iso : undefined;
  const [, date, month = '', year = ''] = DAY_FIRST.exec(plain) ?? [];
  if (date !== undefined) return day(year, month, date);
  const [, name, number = '', of = ''] = MONTH_FIRST.exec(plain) ?? [];
  return name === undefined ? undefined : day(of, name, number);
}
