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

/**
 * Probability that a variable of Student's distribution is below `t`, for t from 0. With t = √degrees · tan θ the
 * density is a power of cos θ, which Simpson's rule integrates to the last digits.
 */
function studentCumulative(t: number, degrees: number): number {
  const steps = 1000;
  const step = Math.atan(t / Math.sqrt(degrees)) / steps;
  let sum = 0;
  for (let at = 0; at <= steps; at += 1) {
    const weight = at === 0 || at === steps ? 1 : at % 2 === 1 ? 4 : 2;
    sum += weight * Math.cos(at * step) ** (degrees - 1);
  }
  const scale = Math.exp(gammaln((degrees + 1) / 2) - gammaln(degrees / 2)) / Math.sqrt(Math.PI);
  return 0.5 + (scale * sum * step) / 3;
}

/** Of 97.5 %, by degrees of freedom: a report has hundreds of intervals, and few numbers of processes. */
const quantiles = new Map<number, number>();

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
  const degrees = values.length - 1;
  const quantile = quantiles.get(degrees) ?? studentQuantile(0.975, degrees);
  quantiles.set(degrees, quantile);
  const width = quantile * error;
  return { ratio: Math.exp(centre), low: Math.exp(centre - width), high: Math.exp(centre + width) };
}

export const coversOne = ({ low, high }: Interval): boolean => low <= 1 && high >= 1;

/** The least of several timings: what disturbs a run can only lengthen it. */
export const least = (values: readonly number[]): number => Math.min(...values);
