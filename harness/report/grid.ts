/** Results laid out as a grid: rows and columns of labels, a word for each place. */
import { isJudged, type Observed, observedOf } from '../outcome/repetitions.ts';
import type { Result } from '../store/result.ts';
import { type Usual, type VariedAxis, findUsual, labelAxis } from './axis-labels.ts';
import { describeSilent } from './distribution-words.ts';

export type Place = Readonly<{
  /**
   * What happened, most frequent first; more than one when repetitions differ. Repetitions that say nothing about the
   * subject are among them only where none says anything.
   */
  words: readonly Readonly<{ word: Observed; count: number }>[];
  /** Repetitions that say nothing about the subject, beside those in `words`. */
  silent: number;
  unexpected: boolean;
  /** The tier is as expected; whether its overhead is was not shown. */
  undecided: boolean;
  /** Broken, invalid, or nothing was expected. */
  unjudged: boolean;
  /** The model said something else. */
  finding: boolean;
}>;

export type Grid = Readonly<{
  /** A head for each label of a row: an axis, or `settings` where a row names what is not usual. */
  rowHeads: readonly string[];
  /** What a row has that does not say otherwise; empty where each axis has its column. */
  usual: Usual;
  columnAxes: readonly string[];
  /** Labels of each column, one a column axis; a single empty one when there is no column axis. */
  columns: readonly (readonly string[])[];
  rows: readonly Readonly<{
    labels: readonly string[];
    /** Null where the matrix has no cell. */
    places: readonly (Place | null)[];
    /** The id of the cell of each place. */
    ids: readonly (string | null)[];
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
  results: readonly Result[],
  axes: readonly VariedAxis[],
): readonly (readonly string[])[] {
  const varied = columnCandidates.filter((name) => axes.some((axis) => axis.name === name));
  const layouts = varied.map((_, index) => varied.slice(index));
  const dense = layouts.filter((columns) => findFilled(results, axes, columns) >= leastFilled);
  return dense.length === 0 ? [[]] : dense;
}

/** The share of places that have a cell. */
function findFilled(
  results: readonly Result[],
  axes: readonly VariedAxis[],
  columnAxes: readonly string[],
): number {
  const across = axes.filter(({ name }) => columnAxes.includes(name));
  const down = axes.filter(({ name }) => !columnAxes.includes(name));
  const [rows, columns, places] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const result of results) {
    const [row, column] = [labelAll(result, down), labelAll(result, across)];
    rows.add(row.join('\n'));
    columns.add(column.join('\n'));
    places.add(keyOf(row, column));
  }
  return places.size / (rows.size * columns.size);
}

/** More columns of labels than this push what was found off the screen: rows name what is not usual instead. */
const labelColumns = 3;

export function buildGrid(
  results: readonly Result[],
  axes: readonly VariedAxis[],
  columnAxes: readonly string[],
): Grid {
  const across = axes.filter(({ name }) => columnAxes.includes(name));
  const down = axes.filter(({ name }) => !columnAxes.includes(name));
  const columns = collectLabels(results, across);
  const rows = collectLabels(results, down);
  const places = new Map<string, Result[]>();
  for (const result of results) {
    const key = keyOf(labelAll(result, down), labelAll(result, across));
    const place = places.get(key);
    if (place === undefined) places.set(key, [result]);
    else place.push(result);
  }
  const heads = buildHeads(results, down);
  return {
    rowHeads: heads.names,
    usual: heads.usual,
    columnAxes: across.map(({ name }) => name),
    columns,
    rows: rows.map((labels) => {
      const found = columns.map((column) => places.get(keyOf(labels, column)));
      return {
        labels: heads.tell(labels),
        places: found.map(buildPlace),
        ids: found.map((at) => at?.[0]?.id ?? null),
        results: found.flatMap((at) => at ?? []),
      };
    }),
  };
}

type Heads = Readonly<{
  names: readonly string[];
  usual: Usual;
  tell: (labels: readonly string[]) => readonly string[];
}>;

/** What a row is called that is usual in everything. */
const usualWord = 'as usual';

function buildHeads(results: readonly Result[], down: readonly VariedAxis[]): Heads {
  if (down.length <= labelColumns) {
    return { names: down.map(({ name }) => name), usual: new Map(), tell: (labels) => labels };
  }
  const hasMemory = down[0]?.name === 'memory';
  const named = hasMemory ? down.slice(1) : down;
  const usual = findUsual(results, named);
  const tell = (labels: readonly string[]): readonly string[] => {
    const own = hasMemory ? labels.slice(1) : labels;
    const unlike = named.flatMap(({ name }, index) => {
      const label = own[index] ?? '';
      return label === usual.get(name) ? [] : [labelAxis(name, label)];
    });
    return [...labels.slice(0, hasMemory ? 1 : 0), unlike.join(', ') || usualWord];
  };
  return { names: [...(hasMemory ? ['memory'] : []), 'settings'], usual, tell };
}

/** `as usual: node 22, engine wasmtime`; null where each axis has its column. */
export function tellUsual({ usual }: Grid): string | null {
  if (usual.size === 0) return null;
  return `${usualWord}: ${[...usual].map(([name, label]) => labelAxis(name, label)).join(', ')}`;
}

function keyOf(row: readonly string[], column: readonly string[]): string {
  return [...row, ...column].join('\n');
}

function labelAll(result: Result, axes: readonly VariedAxis[]): readonly string[] {
  return axes.map((axis) => axis.label(result.settings));
}

/** The combinations that occur, in the order of the axes' values. */
function collectLabels(
  results: readonly Result[],
  axes: readonly VariedAxis[],
): readonly (readonly string[])[] {
  const ranks = axes.map(({ values }) => new Map(values.map((value, index) => [value, index])));
  const rank = (labels: readonly string[]) => labels.map((label, index) => ranks[index]?.get(label) ?? 0);
  const found = new Map(
    results.map((result) => labelAll(result, axes)).map((labels) => [labels.join('\n'), labels]),
  );
  return [...found.values()]
    .map((labels) => ({ labels, order: rank(labels) }))
    .sort((a, b) => a.order.map((n, index) => n - (b.order[index] ?? 0)).find((n) => n !== 0) ?? 0)
    .map(({ labels }) => labels);
}

/** What the repetitions of one cell did; null where there are none. */
export function buildPlace(results: readonly Result[] | undefined): Place | null {
  if (results === undefined) return null;
  const judged = results.filter(isJudged);
  const counts = new Map<Observed, number>();
  for (const result of judged.length > 0 ? judged : results) {
    const word = observedOf(result);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return {
    silent: judged.length > 0 ? results.length - judged.length : 0,
    words: [...counts].map(([word, count]) => ({ word, count })).sort((a, b) => b.count - a.count),
    unexpected: results.some(({ verdict }) => verdict === 'unexpected'),
    undecided: results.some(({ verdict }) => verdict === 'undecided'),
    unjudged: results.some(({ verdict, outcome }) => verdict === null && outcome !== 'skipped'),
    finding: results.some(({ finding }) => finding !== null),
  };
}

/**
 * `conservative ✗`, `standard ×3`, `standard 2/3, conservative 1/3; 1 not judged`; a word or a sign for everything, never
 * colour alone.
 */
export function tellPlace({ words, silent, unexpected, undecided, unjudged, finding }: Place): string {
  const total = words.reduce((sum, { count }) => sum + count, 0);
  const text =
    words.length === 1
      ? `${words[0]?.word ?? ''}${total === 1 ? '' : ` ×${total}`}`
      : words.map(({ word, count }) => `${word} ${count}/${total}`).join(', ');
  return `${text}${describeSilent(silent)}${unexpected ? ' ✗' : ''}${undecided ? ' ~' : ''}${unjudged ? ' ?' : ''}${finding && !unexpected ? ' *' : ''}`;
}

/** The signs of a grid that occur in it, with their meaning. */
export function tellLegend(grid: Grid): readonly string[] {
  const usual = tellUsual(grid);
  const places = grid.rows.flatMap((row) => row.places);
  return [
    ...(places.some((place) => place?.unexpected === true) ? ['✗ unexpected'] : []),
    ...(places.some((place) => place?.undecided === true) ? ['~ overhead undecided'] : []),
    ...(places.some((place) => place?.unjudged === true) ? ['? no verdict'] : []),
    ...(places.some((place) => place?.finding === true && !place.unexpected)
      ? ['* expected, but not as the model predicted']
      : []),
    ...(places.includes(null) ? ['· not in the matrix'] : []),
    ...(usual === null ? [] : [usual]),
  ];
}
