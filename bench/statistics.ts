// Medians and spreads: a single figure from a shared machine says nothing.

export interface Summary {
  median: number;
  lowest: number;
  highest: number;
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function summary(values: readonly number[]): Summary {
  return { median: quantile(values, 0.5), lowest: quantile(values, 0), highest: quantile(values, 1) };
}

export const fixed = (digits: number) => (value: number) => value.toFixed(digits);

/** The median with the lowest and the highest; of a single figure only that. */
export function spread(
  values: readonly number[],
  write: (value: number) => string = fixed(0),
  unit = '',
): string {
  const { median, lowest, highest } = summary(values);
  const around = values.length > 1 ? ` (${write(lowest)}–${write(highest)})` : '';
  return `${write(median)}${unit}${around}`;
}

/** Round by round, since what disturbs one disturbs its neighbour. */
export function ratios(over: readonly number[], under: readonly number[]): number[] {
  return over.slice(0, under.length).map((value, index) => value / (under[index] ?? Number.NaN));
}
