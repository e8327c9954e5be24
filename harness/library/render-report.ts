/** A stored run as text. */
import { PoolproofError } from '../errors.ts';
import { type FormatName, formats } from '../report/formats.ts';
import { renderTable } from '../report/terminal-table.ts';
import type { LoadedRun } from './stored-runs.ts';

export type { FormatName } from '../report/formats.ts';

/**
 * A run in one of the formats of `poolproof report`; `table` is the one without a name there. Equal results give equal
 * text. `html` is one file without scripts or pictures from elsewhere.
 * @throws PoolproofError REPORT_UNKNOWN
 */
export function renderReport(
  format: FormatName | 'table',
  { record, results }: Pick<LoadedRun, 'record' | 'results'>,
): string {
  if (format === 'table') return renderTable(results, { color: false, run: record });
  if (!Object.hasOwn(formats, format))
    throw new PoolproofError('REPORT_UNKNOWN', `there is no report format ${format as string}`, {
      hint: `there are ${['table', ...Object.keys(formats)].join(', ')}`,
    });
  return formats[format].render(record, results);
}
