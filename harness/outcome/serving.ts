/** What a request costs a server in a cell, as stored in its result. */
import type { RequestPrice } from '../measure/request-price.ts';
import type { NotMeasured } from './overhead.ts';

export type CellServing = Readonly<{
  /** `baseline`: the cell has its host's own pool, with which others are compared; its ratios are 1. */
  kind: 'baseline' | 'measured' | 'not-measured';
  /** The cell of the measurement, as `id#repetition`: another cell if they share one. Null without a measurement. */
  measuredIn: string | null;
  prices: readonly RequestPrice[];
  notMeasured: readonly NotMeasured[];
  /** Duration in ms; that of the whole measurement if it is shared. */
  wallMs: number;
}>;

/** A cell whose measurement was requested but impossible. */
export const servingNotMeasured = (reason: string): CellServing => ({
  kind: 'not-measured',
  measuredIn: null,
  prices: [],
  notMeasured: [{ workload: null, reason }],
  wallMs: 0,
});
