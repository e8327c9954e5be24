/** `poolproof compare <old> <new>` */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PoolproofError } from '../errors.ts';
import { resolveAxis } from '../matrix/cell-id.ts';
import { compareRuns, type Comparison } from '../report/compare.ts';
import {
  renderComparisonJson,
  renderComparisonMarkdown,
  renderComparisonText,
} from '../report/compare-render.ts';
import type { RunView } from '../report/run-view.ts';
import { findRun } from '../store/find-run.ts';
import { runFile } from '../store/run-record.ts';
import { listOption, textOption, type Context } from './context.ts';
import { type LoadedRun, loadView } from './load-view.ts';

const renderers: Readonly<Record<string, (comparison: Comparison) => string>> = {
  text: renderComparisonText,
  md: renderComparisonMarkdown,
  json: renderComparisonJson,
};

/** Folders of a side: the run that the name means, or all runs in the folder of that name. */
async function findSide(resultsDir: string, name: string): Promise<readonly string[]> {
  try {
    return [await findRun(resultsDir, name)];
  } catch (error) {
    const entries = await readdir(name, { withFileTypes: true }).catch(() => []);
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
    const dirs = folders.map((entry) => join(name, entry.name)).sort();
    const held = await Promise.all(dirs.map(async (dir) => (await readdir(dir)).includes(runFile)));
    const runs = dirs.filter((_, place) => held[place]);
    if (runs.length === 0) throw error;
    return runs;
  }
}

async function loadSide(
  context: Context,
  resultsDir: string,
  name: string,
): Promise<Readonly<{ views: readonly RunView[]; damaged: boolean }>> {
  const runs: LoadedRun[] = [];
  for (const dir of await findSide(resultsDir, name)) runs.push(await loadView(context, dir));
  return { views: runs.map(({ view }) => view), damaged: runs.some(({ damaged }) => damaged) };
}

/** Exit code: 1 a regression, 2 nothing to compare or a judged cell is judged no more or a line is damaged, else 0. */
export async function compare(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const resultsDir = textOption(options, 'results') ?? 'results';
  const baseline = textOption(options, 'baseline');
  const [old, now = 'latest', ...more] = baseline === undefined ? args : [baseline, ...args];
  if (old === undefined || more.length > 0) {
    throw new PoolproofError('USAGE', 'compare needs two runs', {
      hint: 'poolproof compare <old> [new], or poolproof compare --baseline results/reference [new]',
    });
  }
  const format = options['json'] === true ? 'json' : (textOption(options, 'format') ?? 'text');
  const render = Object.hasOwn(renderers, format) ? renderers[format] : undefined;
  if (render === undefined) {
    throw new PoolproofError('REPORT_UNKNOWN', `there is no format ${format}`, {
      hint: `there are ${Object.keys(renderers).join(', ')}`,
    });
  }
  const across = listOption(options, 'across')
    .flatMap((text) => text.split(','))
    .map((name) => resolveAxis(name));
  const [before, after] = [
    await loadSide(context, resultsDir, old),
    await loadSide(context, resultsDir, now),
  ];
  const comparison = compareRuns(before.views, after.views, {
    across,
    failOnFlaky: options['failOnFlaky'] === true,
  });
  context.out(render(comparison));
  return comparison.exitCode === 0 && (before.damaged || after.damaged) ? 2 : comparison.exitCode;
}
