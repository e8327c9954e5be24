/** JSON: the run, the summary and every cell, for programs. */
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { summarize } from './summarize.ts';

/** Moves when a field changes its meaning or goes away; new fields do not move it. */
export const reportSchema = 1;

export function renderJson(run: RunRecord, results: readonly Result[]): string {
  const { axes, reasons, exitCode, ...counts } = summarize(results);
  const report = {
    poolproof: 'report',
    schema: reportSchema,
    run,
    summary: { ...counts, exitCode },
    axes,
    reasons,
    cells: results,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
