/**
 * What earlier runs on this computer teach the next one: how long a cell takes, how much memory its guest becomes.
 * Pure.
 */
import type { Cell } from '../matrix/cell.ts';
import type { BootGroup } from './order.ts';
import { estimateCell, type Durations } from './shard-durations.ts';

export type RunEstimates = Readonly<{
  durations: Durations;
  /** Most memory a guest held, MiB, by the key of its boot. */
  peaksMib: ReadonlyMap<string, number>;
}>;

export const noEstimates: RunEstimates = { durations: new Map(), peaksMib: new Map() };

/** As many are kept: a year of nights of other matrices must not make a run's start slow. */
const keptEntries = 20_000;

/** The newest figure of each cell and boot counts; what was not seen for longest is forgotten first. */
export function mergeEstimates(before: RunEstimates, seen: RunEstimates): RunEstimates {
  return {
    durations: merge(before.durations, seen.durations),
    peaksMib: merge(before.peaksMib, seen.peaksMib),
  };
}

function merge(
  before: ReadonlyMap<string, number>,
  seen: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const old = [...before].filter(([key]) => !seen.has(key));
  return new Map([...old, ...seen].slice(-keptEntries));
}

/** Longest first, so that no long one is left for the end, when the other cores have nothing to do. Stable. */
export function orderCells<C extends Pick<Cell, 'id'>>(
  cells: readonly C[],
  durations: Durations,
): readonly C[] {
  const timed = cells.map((cell) => ({ cell, ms: estimateCell(cell, durations) }));
  return timed.sort((a, b) => b.ms - a.ms).map(({ cell }) => cell);
}

/** The same for groups whose template must be booted first: the boot that most work waits for goes first. */
export function orderGroups<G extends Pick<BootGroup, 'cells'>>(
  groups: readonly G[],
  durations: Durations,
): readonly G[] {
  const timed = groups.map((group) => ({
    group,
    ms: group.cells.reduce((sum, cell) => sum + estimateCell(cell, durations), 0),
  }));
  return timed.sort((a, b) => b.ms - a.ms).map(({ group }) => group);
}
