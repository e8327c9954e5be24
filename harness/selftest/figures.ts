/** Figures of many machines as one text. */
import { quantileSorted } from 'simple-statistics';

const seconds = (ms: number): string => (ms / 1000).toFixed(2);

export type Spread = Readonly<{ median: number; low: number; high: number }>;

/** Median and quartiles. @param values at least one */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): number => quantileSorted(sorted, part);
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** `median 2.31 s, half of them within 2.20–2.52 s`. */
export function describeTimes(values: readonly number[]): string {
  if (values.length === 0) return 'no times';
  const { median, low, high } = spreadOf(values);
  return `median ${seconds(median)} s, half of them within ${seconds(low)}–${seconds(high)} s`;
}
