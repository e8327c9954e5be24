/** A matrix as grids: one where it fills one, otherwise a small one for each pair of axes that vary together. */
import { type VariedAxis, findOmitted, nameUnusual } from './axis-labels.ts';
import type { CellView } from './cell-view.ts';
import { type Grid, buildGrid, countFilled, groupCells } from './grid.ts';
import type { Group } from './group-by.ts';

export type SmallGrid<Cell extends CellView = CellView> = Readonly<{
  /** The settings that all its cells have and that are not usual; null for the grid of a whole matrix. */
  title: string | null;
  grid: Grid<Cell>;
}>;

/** More comparisons than this take longer than the page may. */
const mostCandidates = 100_000;

/** Below this share of places with a cell a grid shows holes. */
const leastFilled = 0.5;

type Candidate<Cell> = Readonly<{ cells: Group<Cell>; pair: readonly VariedAxis[]; filled: number }>;

/** Every cell is in one grid at least; the last holds those that no pair of axes joins with others. */
export function splitGrid<Cell extends CellView>(
  cells: readonly Cell[],
  axes: readonly VariedAxis[],
): readonly SmallGrid<Cell>[] {
  const whole = buildGrid(cells, axes);
  const isDense = whole.usual.size === 0 && (whole.columnAxes.length > 0 || axes.length < 2);
  if (isDense || cells.length * axes.length ** 2 > mostCandidates) return [{ title: null, grid: whole }];
  const usual = findOmitted(cells, axes);
  const name = (cell: Cell, but: readonly VariedAxis[]): string => {
    const others = axes.filter((axis) => !but.includes(axis));
    const words = nameUnusual(cell, others, usual);
    const isUsual =
      nameUnusual(
        cell,
        others.filter(({ name: axis }) => usual.has(axis)),
        usual,
      ).length === 0;
    return [...words, ...(isUsual ? ['everything else as usual'] : [])].join(', ');
  };
  const candidates = listCandidates(cells, axes);
  const left = new Set(cells);
  const grids: SmallGrid<Cell>[] = [];
  for (;;) {
    const best = pickBest(candidates, left);
    if (best === null) break;
    const { cells: members, pair } = best;
    const across = [...pair]
      .sort((a, b) => countValues(members, a) - countValues(members, b))
      .slice(0, pair.length - 1)
      .map(({ name }) => name);
    grids.push({ title: name(members[0], pair), grid: buildGrid(members, pair, across) });
    for (const cell of members) left.delete(cell);
  }
  const rest = [...left];
  if (rest.length === 0) return grids;
  return [...grids, { title: grids.length === 0 ? null : 'others', grid: buildGrid(rest, axes, []) }];
}

const countValues = (cells: readonly CellView[], { label }: VariedAxis): number =>
  new Set(cells.map(({ settings }) => label(settings))).size;

/** Cells that differ in one axis or two, and in nothing else. */
function listCandidates<Cell extends CellView>(
  cells: readonly Cell[],
  axes: readonly VariedAxis[],
): readonly Candidate<Cell>[] {
  const pairs = axes.flatMap((one, index) => [[one], ...axes.slice(index + 1).map((other) => [one, other])]);
  return pairs.flatMap((pair) => {
    const others = axes.filter((axis) => !pair.includes(axis));
    const across = pair.slice(1).map(({ name }) => name);
    return groupCells(cells, others)
      .filter((members) => pair.every((axis) => countValues(members, axis) > 1))
      .map((members) => ({ cells: members, pair, filled: countFilled(members, pair, across) }))
      .filter(({ filled }) => filled >= leastFilled);
  });
}

/** The one with most cells that are in no grid yet, and of those the fullest; null where none has two. */
function pickBest<Cell>(
  candidates: readonly Candidate<Cell>[],
  left: ReadonlySet<Cell>,
): Candidate<Cell> | null {
  let best: Candidate<Cell> | null = null;
  let most = 1;
  for (const candidate of candidates) {
    const count = candidate.cells.filter((cell) => left.has(cell)).length;
    if (count > most || (count === most && best !== null && candidate.filled > best.filled))
      [best, most] = [candidate, count];
  }
  return best;
}
