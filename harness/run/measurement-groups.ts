/** Which cells are measured, and which of them need one measurement together. Pure. */
import type { Cell } from '../matrix/cell.ts';
import type { Measure } from '../matrix/measure.ts';
import type { Result } from '../store/result.ts';
import { cellKey } from '../store/read-run.ts';
import { baselineOverhead, isBaseline, subjectOf, type CellOverhead } from '../outcome/overhead.ts';
import { formatSubject, type Subject } from '../measure/configurations.ts';
import { shapeOf } from '../measure/pool-overrides.ts';

/** Cells that get the figures of one measurement. */
export type MeasureGroup = Readonly<{
  measure: Measure;
  /** The cell in whose guest is measured. */
  measured: Result;
  /** What the figures are about. */
  reached: Subject;
  /** Cells whose lines still lack their overhead; `measured` is among them unless it has its own already. */
  waiting: readonly Result[];
  /** Figures of an earlier part of the run that only did not reach all lines; null: to be measured. */
  known: CellOverhead | null;
}>;

/** A result as it is first stored: the baseline has its overhead at once, by definition. */
export function startOverhead(cell: Pick<Cell, 'measure'>, result: Result): Result {
  const subject = subjectOf(result);
  const isDone = cell.measure !== undefined && subject !== null && isBaseline(subject);
  return isDone ? { ...result, ...baselineOverhead } : result;
}

/** Whether a measurement of the cell, or of a repetition of it, is still to come. */
export function awaitsOverhead(cell: Pick<Cell, 'measure'>, results: readonly Result[]): boolean {
  return cell.measure !== undefined && results.some(lacksOverhead);
}

const lacksOverhead = (result: Result): boolean =>
  result.overheadSource === undefined && subjectOf(result) !== null;

/**
 * The measurements a run still needs, in the order of the matrix.
 *
 * @param results of the run, the last of each cell
 */
export function planMeasurements(cells: Iterable<Cell>, results: readonly Result[]): readonly MeasureGroup[] {
  const byCell = new Map(results.map((result) => [cellKey(result), result]));
  const groups = new Map<
    string,
    { measure: Measure; reached: Subject; members: Result[]; waiting: Result[] }
  >();
  for (const cell of cells) {
    const result = byCell.get(cellKey(cell));
    if (result === undefined || cell.measure === undefined) continue;
    const reached = subjectOf(result);
    if (reached === null || isBaseline(reached)) continue;
    const key = cell.measure.share ? shareKey(result, reached) : cellKey(result);
    const group = groups.get(key) ?? { measure: cell.measure, reached, members: [], waiting: [] };
    groups.set(key, group);
    group.members.push(result);
    if (lacksOverhead(result)) group.waiting.push(result);
  }
  return [...groups.values()].flatMap(({ measure, reached, members, waiting }): MeasureGroup[] => {
    const [first] = waiting;
    if (first === undefined) return [];
    const known = members.flatMap(({ overhead, overheadSource }) =>
      overhead === undefined || overheadSource === undefined ? [] : [{ overhead, overheadSource }],
    )[0];
    // The roomiest guest has the fewest other reasons to fail.
    const measured = waiting.reduce((best, one) => (one.settings.memory > best.settings.memory ? one : best));
    return [{ measure, measured, reached, waiting, known: known ?? null }];
  });
}

/** What must be equal for a figure of one cell to hold for another: what decides the code that runs. */
function shareKey({ settings, host, facts }: Result, reached: Subject): string {
  const { engine, node, profile, env, cpu, addressBits } = settings;
  const version = host === null ? engine : `${host.engine.kind} ${host.engine.version}`;
  const form = [formatSubject(reached), facts && shapeOf(settings, reached, facts)];
  // The CPU's flags decide the code, the width of addresses which baseline there can be.
  return JSON.stringify([version, node, form, profile, Object.entries(env).sort(), cpu, addressBits]);
}
