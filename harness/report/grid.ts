/** Cells laid out as a grid: rows and columns of labels, a cell at each place. */
import type { Result } from '../store/result.ts';
import {
  type Usual,
  type VariedAxis,
  findOmitted,
  labelAxis,
  labelCell,
  listUsual,
  nameUnusual,
} from './axis-labels.ts';
import { type CellView, type Mark, buildCells } from './cell-view.ts';
import { type Group, groupBy, zip } from './group-by.ts';

export type Grid<Cell extends CellView = CellView> = Readonly<{
  /** A head for each label of a row: an axis, or `settings` where a row names its unusual settings. */
  rowHeads: readonly string[];
  /** The labels of a row that names no others; empty where each axis has its column. */
  usual: Usual;
  columnAxes: readonly string[];
  /** Labels of each column, one per column axis; a single empty one when there is no column axis. */
  columns: readonly (readonly string[])[];
  rows: readonly Readonly<{
    labels: readonly string[];
    /** Null where the matrix has no cell. */
    places: readonly (Cell | null)[];
    /** The results of all its places. */
    results: readonly Result[];
  }>[];
}>;

/** The axes that may become columns, outer first. */
const columnCandidates: readonly string[] = ['overcommit', 'thp'];

/** Below this share of places with a cell a column axis leaves more holes than it shows. */
const leastFilled = 0.6;

/**
 * Column axes from the widest layout to the narrowest: memory by overcommit × THP, then by THP alone. Axes
 * that would make a table of holes become labels of rows; the last layout may be without columns.
 */
export function listLayouts(
  cells: readonly CellView[],
  axes: readonly VariedAxis[],
): Group<readonly string[]> {
  const varied = columnCandidates.filter((name) => axes.some((axis) => axis.name === name));
  const layouts = varied.map((_, index) => varied.slice(index));
  const [widest, ...narrower] = layouts.filter((columns) => countFilled(cells, axes, columns) >= leastFilled);
  return widest === undefined ? [[]] : [widest, ...narrower];
}

/** The share of places that have a cell. */
export function countFilled(
  cells: readonly CellView[],
  axes: readonly VariedAxis[],
  columnAxes: readonly string[],
): number {
  const [down, across] = splitAxes(axes, columnAxes);
  const count = (of: readonly VariedAxis[]): number => groupCells(cells, of).length;
  return count(axes) / (count(down) * count(across));
}

/** More columns of labels than this push the results off the screen: rows name unusual settings instead. */
const labelColumns = 3;

/** @param columnAxes @default the widest layout */
export function buildGrid<Cell extends CellView>(
  cells: readonly Cell[],
  axes: readonly VariedAxis[],
  columnAxes: readonly string[] = listLayouts(cells, axes)[0],
): Grid<Cell> {
  const [down, across] = splitAxes(axes, columnAxes);
  const columns = listGroups(cells, across).map(([first]) => ({
    labels: labelCell(first, across),
    key: keyOf(first, across),
  }));
  const heads = buildHeads(cells, down);
  return {
    rowHeads: heads.names,
    usual: heads.usual,
    columnAxes: across.map(({ name }) => name),
    columns: columns.map(({ labels }) => labels),
    rows: listGroups(cells, down).map((members) => {
      const places = groupBy(members, (cell) => keyOf(cell, across));
      const found = columns.map(({ key }) => joinCells(places.get(key) ?? []));
      return {
        labels: heads.label(members[0]),
        places: found,
        results: found.flatMap((cell) => cell?.results ?? []),
      };
    }),
  };
}

/** Labels are cut to a length: cells that differ beyond it share a place. */
export function joinCells<Cell extends CellView>(cells: readonly Cell[]): Cell | null {
  const [first] = cells;
  if (first === undefined || cells.length === 1) return first ?? null;
  const results = cells.flatMap((cell) => cell.results.map((result) => ({ ...result, id: first.id })));
  return { ...first, ...buildCells(results)[0] };
}

function splitAxes(
  axes: readonly VariedAxis[],
  columnAxes: readonly string[],
): readonly [down: readonly VariedAxis[], across: readonly VariedAxis[]] {
  return [
    axes.filter(({ name }) => !columnAxes.includes(name)),
    axes.filter(({ name }) => columnAxes.includes(name)),
  ];
}

type Heads = Readonly<{
  names: readonly string[];
  usual: Usual;
  label: (cell: CellView) => readonly string[];
}>;

/** The name of a row that is usual in everything. */
const usualWord = 'as usual';

function buildHeads(cells: readonly CellView[], down: readonly VariedAxis[]): Heads {
  if (down.length <= labelColumns) {
    return { names: down.map(({ name }) => name), usual: new Map(), label: (cell) => labelCell(cell, down) };
  }
  const [named, memory] = splitAxes(down, ['memory']);
  const usual = findOmitted(cells, named);
  return {
    names: [...memory.map(({ name }) => name), 'settings'],
    usual,
    label: (cell) => [...labelCell(cell, memory), nameUnusual(cell, named, usual).join(', ') || usualWord],
  };
}

/** `as usual: node 22, engine wasmtime`; null where each axis has its column. */
export function formatUsual({ usual }: Grid): string | null {
  if (usual.size === 0) return null;
  return `${usualWord}: ${listUsual(usual)}`;
}

/** Equal for cells with the same labels on these axes. */
export const keyOf = (cell: CellView, axes: readonly VariedAxis[]): string =>
  labelCell(cell, axes).join('\n');

/** The cells of each combination that occurs, in the order of the cells. */
export const groupCells = <Cell extends CellView>(
  cells: readonly Cell[],
  axes: readonly VariedAxis[],
): readonly Group<Cell>[] => [...groupBy(cells, (cell) => keyOf(cell, axes)).values()];

/** The same, in the order of the axes' values. */
function listGroups<Cell extends CellView>(
  cells: readonly Cell[],
  axes: readonly VariedAxis[],
): readonly Group<Cell>[] {
  const rank = prepareRanks(axes);
  return groupCells(cells, axes)
    .map((members) => ({ members, order: rank(members[0]) }))
    .sort((a, b) => compareOrder(a.order, b.order))
    .map(({ members }) => members);
}

/** The places of a cell's labels among the values of the axes, which can be as many as there are cells. */
export function prepareRanks(axes: readonly VariedAxis[]): (cell: CellView) => readonly number[] {
  const ranks = axes.map(({ values, label }) => {
    const places = new Map(values.map((value, place) => [value, place]));
    return ({ settings }: CellView): number => Number(places.get(label(settings)));
  });
  return (cell) => ranks.map((rank) => rank(cell));
}

export function compareOrder(a: readonly number[], b: readonly number[]): number {
  for (const [at, rank] of a.entries()) {
    const difference = rank - Number(b[at]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `overcommit 2, thp never`; a host has its own name. */
export const nameColumn = (axes: readonly string[], labels: readonly string[], between = ', '): string =>
  zip(axes, labels)
    .map(([axis, label]) => (axis === 'subject' ? label : labelAxis(axis, label)))
    .join(between);

/** A head over `span` columns. */
export type Head = Readonly<{ text: string; span: number }>;

/** One row of heads per column axis, outer first; columns with equal labels down to that axis share one. */
export function listHeads({ columnAxes, columns }: Grid): readonly (readonly Head[])[] {
  return columnAxes.map((axis, level) => {
    const paths = groupBy(columns, (labels) => labels.slice(0, level + 1).join('\n'));
    return [...paths.values()].map((members) => ({
      text: nameColumn([axis], members[0].slice(level)),
      span: members.length,
    }));
  });
}

const markMeanings: readonly (readonly [mark: Mark, text: string])[] = [
  ['unexpected', '✗ unexpected'],
  ['undecided', '~ overhead undecided'],
  ['unjudged', '? no verdict'],
  ['finding', '* expected, but not as the model predicted'],
];

/** The signs of a grid that occur in it, with their meaning. */
export function formatLegend(grid: Grid): readonly string[] {
  const usual = formatUsual(grid);
  const places = grid.rows.flatMap((row) => row.places);
  return [
    ...markMeanings.flatMap(([mark, text]) =>
      places.some((cell) => cell?.marks.includes(mark) === true) ? [text] : [],
    ),
    ...(places.includes(null) ? ['· not in the matrix'] : []),
    ...(usual === null ? [] : [usual]),
  ];
}
