/** A stored run as reports see it. */
import { renderError } from '../errors.ts';
import { buildRunView, type RunView, type ViewOptions } from '../report/run-view.ts';
import { collectResults, isDamage, readRun } from '../store/read-run.ts';
import type { Context } from './context.ts';

export type LoadedRun = Readonly<{ dir: string; view: RunView; damaged: boolean }>;

/** The lines of a run that can be read; the others are reported on standard error. */
export async function loadView(context: Context, dir: string, options: ViewOptions = {}): Promise<LoadedRun> {
  const stored = await readRun(dir);
  const results = await collectResults(stored.results());
  for (const problem of stored.problems) context.err(`${renderError(problem)}\n`);
  const view = buildRunView({ record: stored.record, results }, options);
  return { dir, view, damaged: stored.problems.some(isDamage) };
}
