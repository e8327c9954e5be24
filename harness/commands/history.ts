/** `poolproof history <cell|where>`: cells through all runs: cells through all runs */
import { PoolproofError } from '../errors.ts';
import { type EnvironmentDifference, compareEnvironments } from '../report/compare-environment.ts';
import { loadHistoryIndex, loadRecords } from '../report/history-index.ts';
import {
  buildHistory,
  findIncomplete,
  renderHistory,
  renderHistoryJson,
  selectKnown,
  changeKey,
} from '../report/history.ts';
import { formatCount } from '../report/format-run.ts';
import { textOption, type Context } from './context.ts';

/** Reading fewer runs than this takes no time worth a notice. */
const noticeFrom = 20;

/** Exit code: 0 every cell is good now, 1 some cell is bad now, 2 no verdict at all. */
export async function history(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const [where] = args;
  if (where === undefined) {
    throw new PoolproofError(
      'USAGE',
      'missing cell: give a cell id, or an expression such as memory=512M,overcommit=2',
    );
  }
  const resultsDir = textOption(options, 'results') ?? 'results';
  const index = await loadHistoryIndex(resultsDir, (_run, done, of) => {
    if (done === 1 && of >= noticeFrom) context.err(`reading ${of} runs for the index\n`);
  });
  for (const { code, message, details } of index.unreadable) {
    context.err(`${code}: ${details.file ?? ''}: ${message}\n`);
  }
  const damaged = index.runs.filter((run) => run.damaged > 0);
  for (const { id, damaged: lines } of damaged)
    context.err(`STORE_CORRUPT: ${id}: ${formatCount(lines, 'line')} cannot be read\n`);
  if (!index.saved) context.err(`notice: no index can be kept in ${resultsDir}\n`);
  if (index.runs.length === 0)
    throw new PoolproofError('STORE_NOT_FOUND', 'no run here', { file: resultsDir });
  const cells = buildHistory(index, selectKnown(index.cells, where, resultsDir));
  const pairs = new Map(
    cells.flatMap(({ lastGood, firstBad }) =>
      lastGood === null || firstBad === null
        ? []
        : [[changeKey({ lastGood, firstBad }), [lastGood, firstBad]] as const],
    ),
  );
  const records = await loadRecords(resultsDir, [...new Set([...pairs.values()].flat())]);
  const changed = new Map<string, readonly EnvironmentDifference[]>(
    [...pairs].map(([key, [good, bad]]) => {
      const [old, now] = [records.get(good), records.get(bad)];
      return [key, old === undefined || now === undefined ? [] : compareEnvironments([old], [now])];
    }),
  );
  const view = { cells, runs: index.runs.length, changed, incomplete: findIncomplete(index) };
  context.out(options['json'] === true ? renderHistoryJson(view) : renderHistory(view));
  if (cells.some(({ firstBad }) => firstBad !== null)) return 1;
  return cells.some(({ spans }) => spans.length > 0) ? 0 : 2;
}
