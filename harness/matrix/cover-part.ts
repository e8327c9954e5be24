/** `cover` in a matrix file: combinations of `axes` that stand for all of them, and what they leave out. */
import type { Coverage } from './cell.ts';
import { countTuples, type Covering, coverProduct, maxTuples, type Tuple } from './cover.ts';
import type { Combination, Dimension, Test } from './rules.ts';
import { countCombinations } from './selector.ts';
import type { Source } from './source.ts';

/** No canonical text of a value. */
const notChosen = '\0';

const maxListed = 20;

export type CoverEntry = Readonly<{ ways: number; cells: number | null }>;

/** The product as lists of canonical texts, in the order of the dimensions. */
export type Product = Readonly<{
  dimensions: readonly Dimension[];
  lists: readonly (readonly string[])[];
  excludes: readonly Test[];
  /** Combinations of `include`: what they cover needs no other cell. */
  given: readonly Combination[];
}>;

export type CoveredPart = Readonly<{ combinations: readonly Combination[]; coverage: Coverage }>;

/** @returns a sentence instead where the values have too many combinations to look at */
export function coverPart(cover: CoverEntry, product: Product, source: Source): CoveredPart | string {
  const { lists, excludes, given } = product;
  const varied = [...lists.keys()].filter((place) => (lists[place]?.length ?? 0) > 1);
  const sizes = varied.map((place) => lists[place]?.length ?? 0);
  const ways = Math.min(cover.ways, varied.length);
  const tuples = countTuples(sizes, ways);
  if (tuples > maxTuples) {
    const format = (count: number): string => count.toLocaleString('en-US');
    return `${format(tuples)} combinations of ${ways} axes to cover; at most ${format(maxTuples)}`;
  }
  const fixed = lists.map((list) => (list.length > 1 ? notChosen : String(list[0])));
  const combinationOf = (row: readonly number[]): Combination => {
    const combination = [...fixed];
    varied.forEach((place, index) => (combination[place] = lists[place]?.[row[index] ?? -1] ?? notChosen));
    return combination;
  };
  const isExcluded = (row: readonly number[]): boolean => {
    const combination = combinationOf(row);
    return excludes.some((test) => test.matches(combination));
  };
  const isOfProduct = (combination: Combination): boolean =>
    fixed.every((text, place) => text === notChosen || text === combination[place]);
  const covering = coverProduct({
    ...{ sizes, ways, isExcluded },
    given: given
      .filter(isOfProduct)
      .map((combination) => varied.map((place) => lists[place]?.indexOf(combination[place] ?? '') ?? -1)),
    ...(cover.cells !== null && { budget: cover.cells }),
  });
  const rows = covering.rows.map(combinationOf);
  const taken = new Set(given.map((combination) => combination.join('\0')));
  const nameOf = (tuple: Tuple): string =>
    tuple.map(({ list, value }) => nameValue(product, varied[list] ?? -1, value)).join(', ');
  return {
    // A row that completes a combination of `include` may be that very cell.
    combinations: rows.filter((combination) => !taken.has(combination.join('\0'))),
    coverage: {
      ...{ ways, of: countCombinations(lists), cells: rows.length, covered: covering.covered, tuples },
      notCovered: covering.leftOut.length,
      leftOut: covering.leftOut.slice(0, maxListed).map(({ tuple, why }) => ({
        values: nameOf(tuple),
        why: explain(why, () => findExclude(product, varied, tuple), source, cover),
      })),
    },
  };
}

function nameValue({ dimensions, lists }: Product, place: number, value: number): string {
  return `${dimensions[place]?.axis ?? ''}=${lists[place]?.[value] ?? ''}`;
}

/** The one exclusion that fits these values whatever the others are. */
function findExclude(
  { lists, excludes }: Product,
  varied: readonly number[],
  tuple: Tuple,
): Test | undefined {
  const combination = lists.map((list) => (list.length > 1 ? notChosen : String(list[0])));
  for (const { list, value } of tuple) {
    const place = varied[list] ?? -1;
    combination[place] = lists[place]?.[value] ?? notChosen;
  }
  return excludes.find((test) => test.matches(combination));
}

function explain(
  why: Covering['leftOut'][number]['why'],
  find: () => Test | undefined,
  source: Source,
  { cells }: CoverEntry,
): string {
  if (why === 'budget') return `beyond the ${cells ?? 0} cells of \`cover\``;
  if (why === 'unknown') return 'no permitted cell was found; there may be one';
  const test = find();
  return test === undefined
    ? 'no permitted cell has them, by several rules of `exclude`'
    : `excluded in line ${source.placeOf(test.path).line}`;
}
