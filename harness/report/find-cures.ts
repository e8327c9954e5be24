/** Cures that a run has proven by itself: the same environment with another value of one axis, and a better tier. */
import { type Tier, tiers } from '../../images/allocator/tier.ts';
import { rankOf } from '../outcome/repetitions.ts';
import type { VariedAxis } from './axis-labels.ts';
import type { CellView } from './cell-view.ts';
import { groupNeighbours } from './neighbours.ts';

export type Cure = Readonly<{
  axis: string;
  /** The labels that helped, in the order of the axis. */
  values: readonly string[];
  /** The tiers that were reached, best first. */
  reached: readonly Tier[];
  /** Cells of which the run has the same environment with that value; each is better there. */
  cells: number;
}>;

/** Another host is another product, not a cure; a setting that helps as much as more memory comes first. */
const placeOf = (axis: string): number => (axis === 'subject' ? NaN : axis === 'memory' ? 1 : 0);

/** With more neighbours in one axis than this it is swept, and the comparison would take too long. */
const mostNeighbours = 200;

export type FindCure<Cell> = (part: readonly Cell[]) => Cure | null;

/** Prepared once for all cells; the cure of a part is the axis that helped most of its cells and failed none. */
export function prepareCures<Cell extends CellView>(
  cells: readonly Cell[],
  axes: readonly VariedAxis[],
  scope?: (cell: Cell) => string,
): FindCure<Cell> {
  const prepared = axes
    .filter(({ name }) => !Number.isNaN(placeOf(name)))
    .sort((a, b) => placeOf(a.name) - placeOf(b.name))
    .map((axis) => {
      const groups = groupNeighbours(cells, axis.name, scope).filter(
        ({ length }) => length <= mostNeighbours,
      );
      return {
        axis,
        groupOf: new Map(groups.flatMap((group) => group.map((cell) => [cell, group] as const))),
      };
    });
  return (part) => {
    const cures = prepared.flatMap(({ axis, groupOf }) =>
      findCure(part, axis, (cell) => groupOf.get(cell) ?? []),
    );
    return cures.reduce<Cure | null>(
      (best, cure) => (best === null || cure.cells > best.cells ? cure : best),
      null,
    );
  };
}

function findCure<Cell extends CellView>(
  part: readonly Cell[],
  axis: VariedAxis,
  neighboursOf: (cell: Cell) => readonly Cell[],
): readonly Cure[] {
  const tried = new Map<string, { cells: number; failed: boolean; reached: Set<Tier> }>();
  for (const cell of part) {
    for (const other of neighboursOf(cell)) {
      if (other === cell) continue;
      const value = axis.label(other.settings);
      const known = tried.get(value) ?? { cells: 0, failed: false, reached: new Set() };
      if (known.cells === 0) tried.set(value, known);
      known.cells += 1;
      const tier = tiers.find((one) => one === other.word);
      if (tier !== undefined && isBetter(other, cell)) known.reached.add(tier);
      else known.failed = true;
    }
  }
  const helped = axis.values.flatMap((value) => {
    const known = tried.get(value);
    return known === undefined || known.failed ? [] : [{ value, ...known }];
  });
  if (helped.length === 0) return [];
  const most = Math.max(...helped.map(({ cells }) => cells));
  const best = helped.filter(({ cells }) => cells === most);
  const reached = tiers.filter((tier) => best.some((one) => one.reached.has(tier)));
  return [{ axis: axis.name, values: best.map(({ value }) => value), reached, cells: most }];
}

/** Every repetition of both was judged the same way, and the tier is a better one. */
const isBetter = (other: CellView, cell: CellView): boolean =>
  other.word !== 'flaky' &&
  other.silent === 0 &&
  other.status !== 'failed' &&
  cell.word !== 'flaky' &&
  rankOf(other.word) < rankOf(cell.word);
