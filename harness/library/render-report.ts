/** Stored runs as text, and beside each other. */
import { PoolproofError } from '../errors.ts';
import { compareRuns as compareSides, type CompareOptions, type Comparison } from '../report/compare.ts';
import type { Format } from '../report/format.ts';
import { formats } from '../report/formats.ts';
import { buildRunView } from '../report/run-view.ts';
import type { LoadedRun } from './stored-runs.ts';

export type FormatName = keyof typeof formats;

/**
 * A run in one of the formats of `poolproof report`. Equal results give equal text. `html` is one file without scripts
 * or pictures from elsewhere.
 * @throws PoolproofError REPORT_UNKNOWN
 */
export function renderReport(format: FormatName, run: Pick<LoadedRun, 'record' | 'results'>): string {
  if (!Object.hasOwn(formats, format))
    throw new PoolproofError('REPORT_UNKNOWN', `there is no report format ${format as string}`, {
      hint: `there are ${Object.keys(formats).join(', ')}`,
    });
  const row: Format = formats[format];
  return row.render(buildRunView({ ...run, base: '' }));
}

/**
 * The changes from one side to the other; several runs of one side are parts of one, such as shards.
 * @throws PoolproofError USAGE when two cells of one side are the same across the given axes
 */
export const compareRuns = (
  old: readonly Pick<LoadedRun, 'record' | 'results'>[],
  now: readonly Pick<LoadedRun, 'record' | 'results'>[],
  options: CompareOptions = {},
): Comparison => compareSides({ runs: old }, { runs: now }, options);
