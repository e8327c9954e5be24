/** Durations of cells, measured or estimated. */
import { median } from 'simple-statistics';
import type { Cell } from '../matrix/cell.ts';

/** Milliseconds by cell id, without the boot of its template. */
export type Durations = ReadonlyMap<string, number>;

/** Duration of a cell without any measurement like it, milliseconds; measured 3–9 s under emulation, less with KVM. */
const unknownMs = 8_000;

type Timed = Readonly<{ id: string; timings: Readonly<Record<string, number>> }>;

/** The phases of a cell that add up to its time: one with a point in its name (`host.…`) is a part of another. */
export const ownPhases = ({ timings }: Pick<Timed, 'timings'>): readonly (readonly [string, number])[] =>
  Object.entries(timings).filter(([phase]) => !phase.includes('.'));

/** A boot is counted once for its group and not in each cell, so a `ready` longer than this is capped. */
const readyLimitMs = 1_000;

/**
 * Durations out of stored results: the phases of a cell summed up, of several results of a cell the median.
 * Numbers that are none (a damaged clock) are left out.
 */
export function collectDurations(results: Iterable<Timed>): Durations {
  const byId = new Map<string, number[]>();
  for (const result of results) {
    const { id } = result;
    const ms = ownPhases(result).reduce(
      (sum, [phase, value]) => sum + (phase === 'ready' ? Math.min(value, readyLimitMs) : value),
      0,
    );
    if (!Number.isFinite(ms) || ms <= 0) continue;
    const known = byId.get(id);
    if (known === undefined) byId.set(id, [ms]);
    else known.push(ms);
  }
  return new Map([...byId].map(([id, all]) => [id, median(all)]));
}

const medians = new WeakMap<Durations, number>();

/** The duration of this very cell, otherwise the median of all known ones, otherwise a constant. */
export function estimateCell({ id }: Pick<Cell, 'id'>, durations: Durations): number {
  const known = durations.get(id);
  if (known !== undefined) return known;
  if (durations.size === 0) return unknownMs;
  let middle = medians.get(durations);
  if (middle === undefined) {
    middle = median([...durations.values()]);
    medians.set(durations, middle);
  }
  return middle;
}
