/** Draws faults: a seed and the number of a fault give the same fault again, whatever else is run. */
import { pick, randomFrom, type Random } from '../../harness/field/draw-settings.ts';

export { pick, type Random };

/** The place of a fault: a run of real guests, of fake machines, or on a fleet. */
export type Place = keyof typeof placeMix;

const placeMix = { real: 0, fake: 0x2545f491, fleet: 0x7f4a7c15 } as const;

/** 2^32 divided by the golden ratio: its multiples fill a circle evenly, however many there are. */
const golden = 0x9e3779b1;

const mix = (seed: number, place: Place, number: number): number =>
  (Math.imul(seed + 1, golden) ^ Math.imul(number + 1, 0x85ebca6b) ^ placeMix[place]) >>> 0;

/** The generator of one fault. */
export const randomOf = (seed: number, place: Place, number: number): Random =>
  randomFrom(mix(seed, place, number));

/**
 * The row of a fault: each as often as its weight says, spread evenly, so that few faults already meet most rows.
 * @throws RangeError without a row
 */
export function chooseRow<T extends Readonly<{ weight: number }>>(
  rows: readonly T[],
  seed: number,
  number: number,
): T {
  const total = rows.reduce((sum, { weight }) => sum + weight, 0);
  let left = (((Math.imul(number, golden) + Math.imul(seed, 0x85ebca6b)) >>> 0) / 2 ** 32) * total;
  for (const row of rows) {
    if (left < row.weight) return row;
    left -= row.weight;
  }
  const last = rows.at(-1);
  if (last === undefined) throw new RangeError('no row to draw from');
  return last;
}

/** A whole number from `low` to `high`, both included. */
export const between = (random: Random, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1));
