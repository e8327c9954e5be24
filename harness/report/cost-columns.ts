/** The columns of a table for what tiers cost: memory accesses by each clock, and a request. */
import type { Result } from '../store/result.ts';
import { formatRow, listColumns, type OverheadText } from './format-overhead.ts';
import { formatServingRow, isPriced, servingHead } from './format-serving.ts';

export type CostColumn = Readonly<{
  head: string;
  /** The figures in a row, by its cells. */
  format: (results: readonly Result[]) => readonly OverheadText[];
}>;

/** Of these results; where requests alone were priced, no column says that accesses were not. */
export function listCosts(results: readonly Result[]): readonly CostColumn[] {
  const requests = isPriced(results) ? [{ head: servingHead, format: formatServingRow }] : [];
  const isRequestsAlone =
    requests.length > 0 && results.every(({ overheadSource }) => overheadSource === undefined);
  const accesses = isRequestsAlone ? [] : listColumns(results);
  return [
    ...accesses.map(({ head, clock }): CostColumn => ({ head, format: (row) => formatRow(row, clock) })),
    ...requests,
  ];
}
