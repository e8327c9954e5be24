/** The price of a request in a few words: how many times the instructions that it takes with the host's own pool. */
import { formatFactor } from '../outcome/format-figure.ts';
import type { Result } from '../store/result.ts';
import { baselineText, joinRow, noFigureText, type OverheadText } from './format-overhead.ts';
import { groupBy } from './group-by.ts';

type Priced = Pick<Result, 'serving'>;

export const servingHead = 'a request (instructions)';

/** Whether the price of a request is known of one of them, or the reason for not knowing it. */
export const isPriced = (results: readonly Priced[]): boolean =>
  results.some(({ serving }) => serving !== undefined);

/** A line per kind of request: `touch-256 × 5.91`. */
export function formatServing({ serving }: Priced): readonly OverheadText[] {
  if (serving?.kind === 'baseline') return [{ text: baselineText, stable: true }];
  const prices = serving?.prices ?? [];
  if (prices.length === 0) return [{ text: noFigureText, stable: true }];
  return prices.map(({ work, ratio, stable }) => ({ text: `${work} ${formatFactor(ratio.ratio)}`, stable }));
}

/** The prices in a row of a table: see `formatRow`. */
export const formatServingRow = (results: readonly Result[]): readonly OverheadText[] =>
  joinRow(results, formatServing);

/** All of it in one line; of the baseline the counts: `a request: hello 143 k, touch-1 173 k instructions`. */
export function formatServingOf({ serving }: Priced): string {
  if (serving === undefined) return noFigureText;
  const { kind, prices, notMeasured } = serving;
  const counts = prices.map(({ work, instructions }) => `${work} ${Math.round(instructions / 1000)} k`);
  const factors = formatServing({ serving }).map(({ text, stable }) => (stable ? text : `${text} unstable`));
  const reasons = notMeasured.map(({ workload, reason }) =>
    workload === null ? `${noFigureText}: ${reason}` : `${workload} ${noFigureText}: ${reason}`,
  );
  const figures = kind === 'baseline' ? [`${counts.join(', ')} instructions`] : factors;
  return [...(prices.length === 0 ? [] : figures), ...reasons].join(', ');
}

/** Why requests were not priced, and of how many cells. */
export function formatServingNotes(results: readonly Priced[]): readonly string[] {
  const reasons = results.flatMap(({ serving }) =>
    (serving?.notMeasured ?? []).map(({ workload, reason }) => `${workload ?? 'a request'}: ${reason}`),
  );
  return [...groupBy(reasons, (reason) => reason)].map(
    ([reason, { length }]) => `not priced: ${reason}${length > 1 ? ` (${length} cells)` : ''}`,
  );
}
