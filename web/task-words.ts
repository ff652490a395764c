// Words that several pages use for the same thing.

export const PRIORITY_NAMES = { 1: 'Low', 2: 'Medium', 3: 'High' } as const;

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en-GB')} ${number === 1 ? one : many}`;
}
