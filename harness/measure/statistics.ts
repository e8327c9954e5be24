/** Intervals of ratios. The library has no quantile of Student's distribution; ours is tested against scipy's. */
import { gammaln, mean, sampleStandardDeviation } from 'simple-statistics';
import type { Interval } from './figures.ts';

/**
 * Value that a variable of Student's distribution stays below with probability `p`.
 *
 * @param p between 0 and 1, both excluded
 * @param degrees of freedom, from 1
 */
export function studentQuantile(p: number, degrees: number): number {
  if (p < 0.5) return -studentQuantile(1 - p, degrees);
  let low = 0;
  let high = 1;
  while (studentCumulative(high, degrees) < p) high *= 2;
  // Bisection: 60 halvings are more than a double has digits.
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (studentCumulative(middle, degrees) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Probability that a variable of Student's distribution is below `t`, for t from 0. */
function studentCumulative(t: number, degrees: number): number {
  return 1 - incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
}

/** Regularised incomplete beta function, by its continued fraction (DLMF 8.17.22, Lentz's method). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges quickly below this point; above it the symmetric one does.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    gammaln(a + b) - gammaln(a) - gammaln(b) + a * Math.log(x) + b * Math.log1p(-x) - Math.log(a),
  );
  let c = 1;
  let d = 1 / guard(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 300; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guard(1 + even * d);
    c = guard(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guard(1 + odd * d);
    c = guard(1 + odd / c);
    const change = d * c;
    fraction *= change;
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return front * fraction;
}

/** Keeps Lentz's method from dividing by zero. */
const guard = (value: number): number => (Math.abs(value) < 1e-300 ? 1e-300 : value);

/**
 * Geometric mean of ratios, given as logarithms, with its 95 % interval by Student's t. Each value must come
 * from a process (or a quartet of processes) of its own: samples within one are not independent.
 *
 * @param logs at least two
 */
export function estimateRatio(logs: readonly number[]): Interval {
  const values = [...logs];
  const centre = mean(values);
  const error = sampleStandardDeviation(values) / Math.sqrt(values.length);
  const width = studentQuantile(0.975, values.length - 1) * error;
  return { ratio: Math.exp(centre), low: Math.exp(centre - width), high: Math.exp(centre + width) };
}

export const coversOne = ({ low, high }: Interval): boolean => low <= 1 && high >= 1;

/** The least of several timings: what disturbs a run can only lengthen it. */
export const least = (values: readonly number[]): number => Math.min(...values);
