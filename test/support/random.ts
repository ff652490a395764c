// Random choices that can be repeated: the seed is in the name of the test that uses them.

export type Random = () => number;

/** Mulberry32: small, and good enough to choose with. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

/** DONEWELL_SEED, or a new one for each run. */
export function newSeed(): number {
  return Number(process.env.DONEWELL_SEED ?? Math.floor(Math.random() * 2 ** 32));
}
