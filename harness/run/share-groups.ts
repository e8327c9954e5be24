/** Which results need one measurement together: by a key where their matrix shares figures, else each alone. Pure. */
import type { Cell } from '../matrix/cell.ts';
import type { Measure } from '../matrix/measure.ts';
import { groupBy } from '../report/group-by.ts';
import { cellKey } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';

/** A kind of measurement. */
export type MeasureChoice<Of> = Readonly<{
  isWanted: (measure: Measure) => boolean;
  /** What is measured in a cell with this result; null where there is nothing. */
  choose: (cell: Cell, result: Result) => Of | null;
  /** What must be equal for a figure of one cell to hold for another. */
  shareKey: (result: Result, of: Of) => string;
  /** Whether a result still lacks its figures. */
  lacks: (result: Result) => boolean;
}>;

/** Results that get the figures of one measurement. */
export type SharedGroup<Of> = Readonly<{
  measure: Measure;
  of: Of;
  /** All of them, also those that have their figures. */
  members: readonly Result[];
  /** Results whose lines still lack them. */
  waiting: readonly Result[];
  /** Of those the one in whose guest is measured. */
  measured: Result;
}>;

/**
 * The groups in which a result still lacks its figures, in the order of the matrix.
 *
 * @param results of the run, the last of each repetition, retries among them
 */
export function planGroups<Of>(
  cells: Iterable<Cell>,
  results: readonly Result[],
  { isWanted, choose, shareKey, lacks }: MeasureChoice<Of>,
): readonly SharedGroup<Of>[] {
  const repetitionsOf = new Map(groupBy(results, ({ id }) => id));
  const groups = new Map<string, Readonly<{ measure: Measure; of: Of; members: Result[] }>>();
  for (const cell of cells) {
    const { id, measure, kernelFile } = cell;
    // In a kernel of the user's own nothing is measured, and what its results say of that holds for no other cell.
    if (measure === undefined || kernelFile !== undefined || !isWanted(measure)) continue;
    for (const result of repetitionsOf.get(id) ?? []) {
      const of = choose(cell, result);
      if (of === null) continue;
      const key = measure.share ? shareKey(result, of) : cellKey(result);
      const group = groups.get(key) ?? { measure, of, members: [] };
      groups.set(key, group);
      group.members.push(result);
    }
    // Of a cell that is repeated all repetitions are in their groups now.
    repetitionsOf.delete(id);
  }
  return [...groups.values()].flatMap((group): SharedGroup<Of>[] => {
    const waiting = group.members.filter(lacks);
    const [first, ...others] = waiting;
    if (first === undefined) return [];
    // The roomiest guest has the fewest other reasons to fail.
    const measured = others.reduce(
      (best, one) => (one.settings.memory > best.settings.memory ? one : best),
      first,
    );
    return [{ ...group, waiting, measured }];
  });
}
