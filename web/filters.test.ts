// The address of a list: what it says is what is shown.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Filters, filtersOf, NO_CATEGORY, START, searchOf } from './filters.ts';

const filters: fc.Arbitrary<Filters> = fc.record({
  status: fc.constantFrom('open', 'done', 'all'),
  priority: fc.constantFrom(0, 1, 2, 3),
  category: fc.oneof(
    fc.constant(''),
    fc.constant(NO_CATEGORY),
    fc.string({ unit: 'grapheme', minLength: 1 }),
  ),
  due: fc.constantFrom('any', 'overdue', 'today', 'week', 'none'),
  query: fc.string({ unit: 'grapheme' }),
  order: fc.constantFrom('newest', 'due', 'priority', 'title', 'changed'),
});

describe('an address', () => {
  it('says nothing about the start', () => {
    expect(searchOf(START)).toBe('');
    expect(filtersOf('')).toEqual(START);
  });

  it('says what is shown in plain words', () => {
    const shown: Filters = { ...START, status: 'all', category: 'work & home', priority: 3, query: 'a b' };
    expect(searchOf(shown)).toBe('?q=a+b&show=all&category=work+%26+home&priority=high');
  });

  it('leads back to the very same list', () => {
    fc.assert(
      fc.property(filters, (shown) => {
        expect(filtersOf(searchOf(shown))).toEqual(shown);
      }),
    );
  });

  it.each(['?show=most', '?priority=0', '?priority=highest', '?due=', '?order=id', '?nothing', '?show=ALL'])(
    'that says something else shows the start: %s',
    (search) => {
      expect(filtersOf(search)).toEqual(START);
    },
  );
});
