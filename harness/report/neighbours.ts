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
  const rest = axis === 'env' ? withoutVariables : withoutPiece(`${axis}=`);
  const restOf = (cell: Cell): string => `${scope(cell)}\n${rest(cell.id)}`;
  return [...groupBy(cells, restOf).values()].filter(({ length }) => length > 1);
}

/** Ids are made of exact values, where labels are cut; a comma in a value is escaped. */
function withoutPiece(start: string): (id: string) => string {
  return (id) => {
    const at = id.startsWith(start) ? 0 : id.indexOf(`,${start}`);
    if (at === -1) return id;
    const end = id.indexOf(',', at + 1);
    return `${id.slice(0, at)}${end === -1 ? '' : id.slice(at === 0 ? end + 1 : end)}`;
  };
}

/** Each variable is a piece of its own. */
const withoutVariables = (id: string): string =>
  id
    .split(',')
    .filter((piece) => !piece.startsWith('env.'))
    .join();
