/** Runs that are stored, read whole. */
import type { PoolproofError } from '../errors.ts';
import { collectDurations, type Durations } from '../plan/shard-durations.ts';
import { buildHistory, type CellHistory, selectKnown } from '../report/history.ts';
import { loadHistoryIndex } from '../report/history-index.ts';
import { findRun } from '../store/find-run.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';

export type LoadedRun = Readonly<{
  /** Folder of the run. */
  dir: string;
  record: RunRecord;
  /** One per cell and repetition, in the order stored; of a cell that is stored twice the later one. */
  results: readonly Result[];
  /**
   * Lines that could not be read, with their place: STORE_CORRUPT, STORE_SCHEMA, and STORE_TORN for a cut last line.
   */
  problems: readonly PoolproofError[];
}>;

/**
 * @param name a run's folder, a run id or its beginning, a tag, `latest`; `latest~1` is the one before
 * @throws PoolproofError STORE_NOT_FOUND; STORE_SCHEMA or STORE_CORRUPT for the run's record
 */
export async function loadRun(resultsDir: string, name = 'latest'): Promise<LoadedRun> {
  const { dir, record, results, problems } = await readRun(await findRun(resultsDir, name));
  return { dir, record, results: await collectResults(results()), problems: [...problems] };
}

/** How long the cells of a run took, for shards that take equally long. @throws as {@link loadRun} does */
export const loadDurations = async (resultsDir: string, name: string): Promise<Durations> =>
  collectDurations((await loadRun(resultsDir, name)).results);

/**
 * Cells through all runs of a folder. An index is kept there where that is possible; a run that cannot be read is left
 * out.
 * @param where a cell id, or an expression as `--only` takes it
 * @throws PoolproofError USAGE for a bad expression or one that no cell fits
 */
export async function loadHistory(resultsDir: string, where: string): Promise<readonly CellHistory[]> {
  const index = await loadHistoryIndex(resultsDir);
  return buildHistory(index, selectKnown(index.cells, where, resultsDir));
}
