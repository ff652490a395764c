// Plain dates, as a person says them: today, tomorrow, Friday, 24 December.
import { signal } from '@preact/signals';

const DAY = 24 * 60 * 60 * 1000;

/** A date of the calendar as `YYYY-MM-DD`. */
export function isoOf(date: Date): string {
  const month = String(date.getMonth() + 1).padStart(2, '0');
  return `${String(date.getFullYear()).padStart(4, '0')}-${month}-${String(date.getDate()).padStart(2, '0')}`;
}

const day = signal(isoOf(new Date()));

/** Here, where the reader is. Whatever shows it is drawn again when the day changes. */
export function today(): string {
  return day.value;
}

/** Turns the page at midnight, and whenever somebody comes back to it: a laptop that slept has missed the hour. */
export function keepDay(): void {
  const look = () => {
    day.value = isoOf(new Date());
  };
  const wait = () => {
    const now = new Date();
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
    setTimeout(
      () => {
        look();
        wait();
      },
      midnight.getTime() - now.getTime() + 100,
    );
  };
  wait();
  document.addEventListener('visibilitychange', look);
  addEventListener('focus', look);
}

/** Noon in UTC, so that no change of clocks moves the day. */
function noon(iso: string): number {
  return Date.parse(`${iso}T12:00:00Z`);
}

export function addDays(iso: string, days: number): string {
  return new Date(noon(iso) + days * DAY).toISOString().slice(0, 10);
}

export function daysBetween(from: string, to: string): number {
  return Math.round((noon(to) - noon(from)) / DAY);
}

/** 0 is Sunday. */
export function weekdayOf(iso: string): number {
  return new Date(noon(iso)).getUTCDay();
}

export function isDate(iso: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(iso) && !Number.isNaN(noon(iso)) && addDays(iso, 0) === iso;
}

const sameYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const otherYear = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
});
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'long', timeZone: 'UTC' });
const long = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  timeZone: 'UTC',
});

export function longDate(iso: string): string {
  return long.format(noon(iso));
}

export function shortDate(iso: string, now = today()): string {
  return (iso.slice(0, 4) === now.slice(0, 4) ? sameYear : otherYear).format(noon(iso));
}

/** `today`, `tomorrow`, `Friday`, `24 Dec`, `3 days ago`. */
export function spokenDate(iso: string, now = today()): string {
  const days = daysBetween(now, iso);
  if (days === 0) return 'today';
  if (days === 1) return 'tomorrow';
  if (days === -1) return 'yesterday';
  if (days > 1 && days < 7) return weekday.format(noon(iso));
  if (days < 0 && days > -7) return `${-days} days ago`;
  return shortDate(iso, now);
}

/** `tomorrow, Tuesday 24 November`: both ways, where they differ. */
export function fullDate(iso: string, now = today()): string {
  const year = iso.slice(0, 4) === now.slice(0, 4) ? '' : ` ${iso.slice(0, 4)}`;
  const near = Math.abs(daysBetween(now, iso)) <= 1 ? `${spokenDate(iso, now)}, ` : '';
  return `${near}${longDate(iso).replace(',', '')}${year}`;
}

const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** A time of the wire, in the reader's own zone. */
export function spokenTime(time: string): string {
  return moment.format(new Date(time));
}
