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

/** An axis with several values, at its place among the dimensions. */
type Varied = Readonly<{ place: number; axis: string; texts: readonly string[] }>;

/** @returns a sentence instead where the values have too many combinations to look at */
export function coverPart(cover: CoverEntry, product: Product, source: Source): CoveredPart | string {
  const { dimensions, lists, excludes, given } = product;
  const varied = dimensions.flatMap(({ axis }, place): Varied[] => {
    const texts = lists.slice(place, place + 1).flat();
    return texts.length > 1 ? [{ place, axis, texts }] : [];
  });
  const sizes = varied.map(({ texts }) => texts.length);
  const ways = Math.min(cover.ways, varied.length);
  const tuples = countTuples(sizes, ways);
  if (tuples > maxTuples) {
    const format = (count: number): string => count.toLocaleString('en-US');
    return `${format(tuples)} combinations of ${ways} axes to cover; at most ${format(maxTuples)}`;
  }
  const fixed = lists.map((texts) => (texts.length > 1 ? notChosen : texts.join('')));
  const combinationOf = (row: readonly number[]): Combination => {
    const combination = [...fixed];
    varied.forEach(({ place, texts }, index) => {
      const value = Number(row[index]);
      if (value >= 0) combination[place] = String(texts[value]);
    });
    return combination;
  };
  const findExclude = (row: readonly number[]): Test | undefined => {
    const combination = combinationOf(row);
    return excludes.find((test) => test.matches(combination));
  };
  const isOfProduct = (combination: Combination): boolean =>
    fixed.every((text, place) => text === notChosen || text === combination[place]);
  const covering = coverProduct({
    ...{ sizes, ways, isExcluded: (row) => findExclude(row) !== undefined },
    given: given
      .filter(isOfProduct)
      .map((combination) => varied.map(({ place, texts }) => texts.indexOf(String(combination[place])))),
    ...(cover.cells !== null && { budget: cover.cells }),
  });
  const rows = covering.rows.map(combinationOf);
  const taken = new Set(given.map((combination) => combination.join('\0')));
  return {
    // A row that completes a combination of `include` may be that very cell.
    combinations: rows.filter((combination) => !taken.has(combination.join('\0'))),
    coverage: {
      ...{ ways, of: countCombinations(lists), cells: rows.length, covered: covering.covered, tuples },
      notCovered: covering.leftOut.length,
      leftOut: covering.leftOut.slice(0, maxListed).map(({ tuple, why }) => {
        const row = varied.map((_, index) => chosenIn(tuple, index));
        return { values: nameValues(varied, row), why: explain(why, findExclude(row), source, cover) };
      }),
    },
  };
}

/** Index of the value that a tuple has in a list; -1 where it has none. */
const chosenIn = (tuple: Tuple, index: number): number =>
  tuple.reduce((chosen, { list, value }) => (list === index ? value : chosen), -1);

const nameValues = (varied: readonly Varied[], row: readonly number[]): string =>
  varied
    .flatMap(({ axis, texts }, index) =>
      texts.filter((_, value) => value === row[index]).map((text) => `${axis}=${text}`),
    )
    .join(', ');

function explain(
  why: Covering['leftOut'][number]['why'],
  test: Test | undefined,
  source: Source,
  { cells }: CoverEntry,
): string {
  if (why === 'budget') return `beyond the ${String(cells)} cells of \`cover\``;
  if (why === 'unknown') return 'no permitted cell was found; there may be one';
  return test === undefined
    ? 'no permitted cell has them, by several rules of `exclude`'
    : `excluded in line ${source.placeOf(test.path).line}`;
}
