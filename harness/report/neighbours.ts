/** Cells that differ in one axis only: by hashing each without that axis, never by comparing all pairs. */
import { groupBy } from './group-by.ts';
import type { CellView } from './cell-view.ts';

/**
 * Groups of two cells and more that differ in nothing but this axis.
 * @param scope cells of different scopes are no neighbours: two runs may differ in more than their settings
 */
export function groupNeighbours<Cell extends Pick<CellView, 'id'>>(
  cells: readonly Cell[],
  axis: string,
  scope: (cell: Cell) => string = () => '',
): readonly (readonly Cell[])[] {
  // An id is made of exact values, where labels are cut; of the environment each variable is a piece of its own.
  const start = axis === 'env' ? 'env.' : `${axis}=`;
  const restOf = (cell: Cell): string =>
    `${scope(cell)}\n${cell.id
      .split(',')
      .filter((piece) => !piece.startsWith(start))
      .join()}`;
  return [...groupBy(cells, restOf).values()].filter(({ length }) => length > 1);
}
