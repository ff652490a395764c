// One line becomes a task: `Call mum !high #family tomorrow`. Pure, so that the preview and the task are the same reading.
import type { Priority } from '../contract/task.ts';
import { addDays, isDate, weekdayOf } from './dates.ts';

export type PartKind = 'priority' | 'category' | 'due_date';

/** A piece of the line that was understood. */
export interface Part {
  kind: PartKind;
  /** As it was typed. */
  text: string;
}

export interface Understood {
  title: string;
  priority: Priority;
  category: string | null;
  due_date: string | null;
  parts: Part[];
}

const PRIORITY_WORDS: Record<string, Priority> = {
  '!1': 1,
  '!2': 2,
  '!3': 3,
  '!l': 1,
  '!m': 2,
  '!h': 3,
  '!low': 1,
  '!med': 2,
  '!medium': 2,
  '!high': 3,
  '!!': 3,
  '!!!': 3,
};

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH =
  /^(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?)$/;
/** The longest date has three words: `in 2 weeks`. */
const LONGEST_DATE = 3;

function weekdayNamed(word: string): number {
  if (word.length < 3) return -1;
  const short = { tues: 'tue', weds: 'wed', thur: 'thu', thurs: 'thu' }[word] ?? word;
  return WEEKDAYS.findIndex((day) => day === short || day.slice(0, 3) === short);
}

/** The next such day after today. */
function nextWeekday(today: string, day: number): string {
  return addDays(today, ((day - weekdayOf(today) + 6) % 7) + 1);
}

/** The next such day, today included. */
function nextOn(today: string, day: string, month: string): string | undefined {
  const rest = `${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const year = Number(today.slice(0, 4));
  // The next one there is: the 29th of February may be years away.
  for (let ahead = 0; ahead <= 8; ahead++) {
    const date = `${year + ahead}-${rest}`;
    if (isDate(date) && date >= today) return date;
  }
  return undefined;
}

function dayOfMonth(today: string, day: string, month: string): string | undefined {
  if (!/^\d{1,2}\.?$/.test(day) || !MONTH.test(month)) return undefined;
  return nextOn(today, day.replace('.', ''), String(MONTHS.indexOf(month.slice(0, 3)) + 1));
}

/** `2026-12-24` or `24.12.2026`. */
function writtenDate(word: string): string | undefined {
  const [, day = '', month = '', year = ''] = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(word) ?? [];
  const date = year === '' ? word : `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  return isDate(date) ? date : undefined;
}

/** The date that these words name, if they name one. */
function dateOf(words: readonly string[], today: string): string | undefined {
  const [first = '', second = '', third = ''] = words.map((word) => word.toLowerCase());
  if (words.length === 1) {
    if (first === 'today' || first === 'tod') return today;
    if (first === 'tomorrow' || first === 'tmr' || first === 'tmrw') return addDays(today, 1);
    const written = writtenDate(first);
    if (written !== undefined) return written;
    const [, date = '', month = ''] = /^(\d{1,2})\.(\d{1,2})\.$/.exec(first) ?? [];
    if (month !== '') return nextOn(today, date, month);
    const day = weekdayNamed(first);
    return day < 0 ? undefined : nextWeekday(today, day);
  }
  if (words.length === 2) {
    if (first === 'next' && second === 'week') return nextWeekday(today, 1);
    if (first === 'next' || first === 'on') {
      const day = weekdayNamed(second);
      return day < 0 ? undefined : nextWeekday(today, day);
    }
    return dayOfMonth(today, first, second) ?? dayOfMonth(today, second, first);
  }
  const count = /^\d{1,3}$/.test(second) ? Number(second) : second === 'a' ? 1 : Number.NaN;
  if (first !== 'in' || Number.isNaN(count)) return undefined;
  if (/^days?$/.test(third)) return addDays(today, count);
  return /^weeks?$/.test(third) ? addDays(today, count * 7) : undefined;
}

interface Word {
  text: string;
  taken: boolean;
}

/** `#"two words"` is one. */
function wordsOf(line: string): Word[] {
  return (line.match(/#"[^"]*"|\S+/g) ?? []).map((text) => ({ text, taken: false }));
}

type Found = Omit<Understood, 'title'>;

function readMark(word: Word, found: Found): void {
  const priority = PRIORITY_WORDS[word.text.toLowerCase()];
  // `#42` is the number of something; who has such a category quotes it.
  const category = /^#(?:"([^"]+)"|(?!\d+\p{P}*$)([^\s#"].*))$/u.exec(word.text);
  if (priority !== undefined && !has(found, 'priority')) {
    found.priority = priority;
    take([word], 'priority', found);
  } else if (category && !has(found, 'category')) {
    found.category = (category[1] ?? category[2] ?? '').trim();
    take([word], 'category', found);
  }
}

function has(found: Found, kind: PartKind): boolean {
  return found.parts.some((part) => part.kind === kind);
}

function take(words: readonly Word[], kind: PartKind, found: Found): void {
  for (const word of words) word.taken = true;
  found.parts.push({ kind, text: words.map(({ text }) => text).join(' ') });
}

/** Written-out dates count anywhere; words such as `sun` only at the end, for they have other meanings. */
function readDate(words: readonly Word[], today: string, found: Found): void {
  const left = words.filter(({ taken }) => !taken);
  for (let length = Math.min(LONGEST_DATE, left.length); length > 0; length--) {
    const last = left.slice(-length);
    const date = dateOf(
      last.map(({ text }) => text),
      today,
    );
    if (date === undefined) continue;
    found.due_date = date;
    take(last, 'due_date', found);
    return;
  }
  const written = left.find(({ text }) => writtenDate(text) !== undefined);
  if (!written) return;
  found.due_date = writtenDate(written.text) ?? null;
  take([written], 'due_date', found);
}

/** Reads a line. The texts in `asText` were understood against the writer's will, and stay text. */
export function understand(line: string, today: string, asText: ReadonlySet<string> = new Set()): Understood {
  const words = wordsOf(line);
  const found: Found = { priority: 2, category: null, due_date: null, parts: [] };
  for (const word of words) if (!asText.has(word.text)) readMark(word, found);
  const before = words.map(({ taken }) => taken);
  readDate(words, today, found);
  const date = found.parts.find(({ kind }) => kind === 'due_date');
  if (date && asText.has(date.text)) {
    found.parts = found.parts.filter((part) => part !== date);
    found.due_date = null;
    words.forEach((word, index) => {
      word.taken = before[index] ?? false;
    });
  }
  const title = words
    .filter(({ taken }) => !taken)
    .map(({ text }) => text.replace(/^\\(?=[!#])/, ''))
    .join(' ');
  return { title, ...found };
}
