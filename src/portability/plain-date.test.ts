// A day that somebody wrote, where it can mean but one.
import { expect, it } from 'vitest';
import { dayIn } from './plain-date.ts';

it.each([
  ['2026-01-31', '2026-01-31'],
  [' 2026-01-31 ', '2026-01-31'],
  ['2026-01-31 10:00', '2026-01-31'],
  ['2026-01-31T10:00:00.000000Z', '2026-01-31'],
  ['2026-01-31T10:00:00+02:00', '2026-01-31'],
  ['31 Jan 2026', '2026-01-31'],
  ['1st  of', undefined],
  ['1st January 2026', '2026-01-01'],
  ['3 Sept 2026', '2026-09-03'],
  ['Jan 31, 2026', '2026-01-31'],
  ['january 31st 2026', '2026-01-31'],
  ['MAY 5 2026', '2026-05-05'],
  ['Feb. 3, 2026', '2026-02-03'],
  ['2026-02-30', undefined],
  ['30 Feb 2026', undefined],
  ['01/02/2026', undefined],
  ['31.01.2026', undefined],
  ['31 Jan', undefined],
  ['31 Jan 26', undefined],
  ['31 Janvier 2026', undefined],
  ['31 Marching 2026', undefined],
  ['tomorrow', undefined],
  ['every 2026-01-31', undefined],
  ['', undefined],
])('%j is %j', (text, day) => {
  expect(dayIn(text)).toBe(day);
});
