// What one line means.
import { describe, expect, it } from 'vitest';
import { understand } from './quick-add.ts';

/** A Monday. */
const TODAY = '2026-11-23';
const read = (line: string, asText: string[] = []) => {
  const { title, priority, category, due_date } = understand(line, TODAY, new Set(asText));
  return [title, priority, category, due_date];
};

describe('a line', () => {
  it.each([
    ['Buy milk', ['Buy milk', 2, null, null]],
    ['Call mum !high #family tomorrow', ['Call mum', 3, 'family', '2026-11-24']],
    ['!low tidy up', ['tidy up', 1, null, null]],
    ['!HIGH Pay rent #Home', ['Pay rent', 3, 'Home', null]],
    ['pay !3', ['pay', 3, null, null]],
    ['pay !!', ['pay', 3, null, null]],
    ['read #"long books" fri', ['read', 2, 'long books', '2026-11-27']],
    ['  many   spaces  ', ['many spaces', 2, null, null]],
    ['', ['', 2, null, null]],
    ['#work', ['', 2, 'work', null]],
    ['pay #2027', ['pay #2027', 2, null, null]],
    ['file #"42"', ['file', 2, '42', null]],
    ['plan #3d', ['plan', 2, '3d', null]],
  ])('is understood: %s', (line, expected) => expect(read(line)).toEqual(expected));

  it.each([
    ['x today', TODAY],
    ['x tmr', '2026-11-24'],
    ['x fri', '2026-11-27'],
    ['x Friday', '2026-11-27'],
    ['x thurs', '2026-11-26'],
    ['x mon', '2026-11-30'],
    ['x next tue', '2026-11-24'],
    ['x on sunday', '2026-11-29'],
    ['x next week', '2026-11-30'],
    ['x 2026-12-24', '2026-12-24'],
    ['x 24.12.2026', '2026-12-24'],
    ['x 1.2.2027', '2027-02-01'],
    ['x 24.12.', '2026-12-24'],
    ['x 3.3.', '2027-03-03'],
    ['x 24 dec', '2026-12-24'],
    ['x dec 24', '2026-12-24'],
    ['x 3 march', '2027-03-03'],
    ['x 29 feb', '2028-02-29'],
    ['x in 3 days', '2026-11-26'],
    ['x in a week', '2026-11-30'],
    ['x in 2 weeks #work', '2026-12-07'],
    ['x tomorrow !high', '2026-11-24'],
    ['x 2026-12-24 in the evening', '2026-12-24'],
    ['x 24.12.2026 in the evening', '2026-12-24'],
  ])('has a date: %s', (line, date) => expect(understand(line, TODAY).due_date).toBe(date));

  it.each([
    'Buy sun cream',
    'Read 1984',
    'Ask what tomorrow brings',
    'x 2026-02-30',
    'x 31 feb',
    'march on',
    'Write the may report',
    'x 30.2.2026',
    'x 31.2.',
    'x 24.13.',
    'Move 24.12. to the evening',
    'Release 24.12',
    'Fix issue # 5',
    'Fix issue #42',
    'Fix issue #42, then rest',
    'Wow!',
    'a ! b',
  ])('is left as it was typed: %s', (line) => expect(read(line)).toEqual([line, 2, null, null]));

  it('has one priority and one category: the others stay text', () => {
    expect(read('a !low !high #x #y')).toEqual(['a !high #y', 1, 'x', null]);
  });

  it('keeps as text what the writer takes back', () => {
    expect(read('Watch Friday', ['Friday'])).toEqual(['Watch Friday', 2, null, null]);
    expect(read('Song #one !high', ['#one'])).toEqual(['Song #one', 3, null, null]);
    expect(read('Song \\#one')).toEqual(['Song #one', 2, null, null]);
    expect(read('Song \\#1')).toEqual(['Song #1', 2, null, null]);
  });
});
