/** Durations of an earlier run, for shards that take equally long. */
import { collectDurations, type Durations } from '../plan/shard-durations.ts';
import { findRun } from '../store/find-run.ts';
import { collectResults, readRun } from '../store/read-run.ts';

/** Every machine of one night must be given the same run, or their cuts do not fit together. */
export async function loadDurations(resultsDir: string, run: string): Promise<Durations> {
  const { results } = await readRun(await findRun(resultsDir, run));
  return collectDurations(await collectResults(results()));
}
