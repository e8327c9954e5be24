/** The time of the cells by phase: one row per phase. */
import Table from 'cli-table3';
import { median, quantile, sum } from 'simple-statistics';
import { ownPhases } from '../plan/shard-durations.ts';
import type { Result } from '../store/result.ts';
import { groupBy } from './group-by.ts';

/** Machine time of a cell, ms. */
export const sumPhases = (result: Pick<Result, 'timings'>): number =>
  sum(ownPhases(result).map(([, ms]) => ms));

/** Phases in the order in which they first appear; milliseconds; `share` of all time spent in cells. */
function summarizeTimings(results: readonly Pick<Result, 'timings'>[]): readonly Readonly<{
  phase: string;
  cells: number;
  medianMs: number;
  p90Ms: number;
  totalMs: number;
  share: number;
}>[] {
  const all = sum(results.map(sumPhases));
  const times = results.flatMap(({ timings }) => Object.entries(timings));
  return [...groupBy(times, ([phase]) => phase)].map(([phase, entries]) => {
    const list = entries.map(([, ms]) => ms);
    return {
      phase,
      cells: list.length,
      medianMs: median(list),
      p90Ms: quantile(list, 0.9),
      totalMs: sum(list),
      share: all === 0 ? 0 : sum(list) / all,
    };
  });
}

/** A table for the terminal. */
export function renderTimings(results: readonly Pick<Result, 'timings'>[]): string {
  const table = new Table({
    head: ['phase', 'cells', 'median ms', 'p90 ms', 'total s', 'share'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
  });
  for (const { phase, cells, medianMs, p90Ms, totalMs, share } of summarizeTimings(results)) {
    table.push([
      phase,
      cells,
      medianMs.toFixed(0),
      p90Ms.toFixed(0),
      (totalMs / 1000).toFixed(1),
      `${(share * 100).toFixed(0)} %`,
    ]);
  }
  return `${table.toString()}\n`;
}
