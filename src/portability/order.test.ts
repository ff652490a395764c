// Sorting in steps gives what sorting at once gives, equal ones in their order.
import { expect, it } from 'vitest';
import { sortedIndexes } from './order.ts';

it.each([0, 1, 2, 4_999, 5_000, 5_001, 23_456])('%i of them', async (count) => {
  let seed = count + 1;
  const values = Array.from({ length: count }, () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % 1_000;
  });
  const compare = (one: number, other: number) => (values[one] ?? 0) - (values[other] ?? 0);
  const expected = Array.from({ length: count }, (_, index) => index).sort(compare);
  expect([...(await sortedIndexes(count, compare))]).toEqual(expected);
});
