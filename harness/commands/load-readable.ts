/** A stored run as far as it can be read, for commands that show runs. */
import { renderError } from '../errors.ts';
import { loadRun, type LoadedRun } from '../library/stored-runs.ts';
import { isDamage } from '../store/read-run.ts';
import type { Context } from './context.ts';

export type ReadableRun = LoadedRun & Readonly<{ damaged: boolean }>;

/** Lines that cannot be read are reported on standard error. @throws as `loadRun` does */
export async function loadReadable(context: Context, resultsDir: string, name: string): Promise<ReadableRun> {
  const run = await loadRun(resultsDir, name);
  for (const problem of run.problems) context.err(`${renderError(problem)}\n`);
  return { ...run, damaged: run.problems.some(isDamage) };
}
