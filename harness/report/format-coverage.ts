/** How far a covering part of a matrix stands for the whole, in words. */
import type { Coverage } from '../matrix/cell.ts';

const nouns: Readonly<Record<number, string>> = { 2: 'pairs', 3: 'triples' };

/** One line of counts, then one for each combination of values that is left out. */
export function formatCoverage({
  ways,
  of,
  cells,
  covered,
  tuples,
  notCovered,
  leftOut,
}: Coverage): readonly string[] {
  const format = (count: number): string => count.toLocaleString('en-US');
  const noun = nouns[ways] === undefined ? `combinations of ${ways} values` : `${nouns[ways]} of values`;
  const more = notCovered - leftOut.length;
  return [
    `cover: ${format(cells)} of ${format(of)} combinations; ` +
      `${format(covered)} of ${format(tuples)} ${noun} occur`,
    ...leftOut.map(({ values, why }) => `  left out: ${values}: ${why}`),
    ...(more > 0 ? [`  and ${format(more)} more`] : []),
  ];
}
