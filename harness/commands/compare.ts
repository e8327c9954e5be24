/** `poolproof compare <old> <new>` */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PoolproofError } from '../errors.ts';
import { axisNames } from '../axes/table.ts';
import { resolveAxis } from '../matrix/cell-id.ts';
import { compareRuns, type Comparison } from '../report/compare.ts';
import {
  renderComparisonJson,
  renderComparisonMarkdown,
  renderComparisonText,
} from '../report/compare-render.ts';
import { findRun } from '../store/find-run.ts';
import { runFile } from '../store/run-record.ts';
import type { Context } from './context.ts';
import { loadReadable, type ReadableRun } from './load-readable.ts';
import { partValues } from './registry.ts';

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
): Promise<Readonly<{ runs: readonly ReadableRun[]; damaged: boolean }>> {
  const runs: ReadableRun[] = [];
  for (const dir of await findSide(resultsDir, name)) runs.push(await loadReadable(context, resultsDir, dir));
  return { runs, damaged: runs.some(({ damaged }) => damaged) };
}

/** `node`, `node,engine` */
const isAxes = (word: string): boolean =>
  word.split(',').every((name) => axisNames.some((known) => known === name));

type Options = Readonly<{
  results?: string | undefined;
  baseline?: string | undefined;
  across?: readonly string[] | undefined;
  format?: string | undefined;
  json?: boolean | undefined;
  failOnFlaky?: boolean | undefined;
}>;

/** Exit code: 1 a regression, 2 nothing to compare or a judged cell is judged no more or a line is damaged, else 0. */
export async function compare(context: Context, args: readonly string[], options: Options): Promise<number> {
  const { results: resultsDir = 'results', baseline, failOnFlaky = false } = options;
  const axesOf = partValues(options.across ?? [], isAxes);
  const names = [...axesOf.others, ...args];
  const [old, now = 'latest', ...more] = baseline === undefined ? names : [baseline, ...names];
  if (old === undefined || more.length > 0) {
    throw new PoolproofError('USAGE', 'compare needs two runs', {
      hint: 'poolproof compare <old> [new], or poolproof compare --baseline results/reference [new]',
    });
  }
  const format = options.json ? 'json' : (options.format ?? 'text');
  const render = Object.hasOwn(renderers, format) ? renderers[format] : undefined;
  if (render === undefined) {
    throw new PoolproofError('REPORT_UNKNOWN', `there is no format ${format}`, {
      hint: `there are ${Object.keys(renderers).join(', ')}`,
    });
  }
  const across = axesOf.values.flatMap((text) => text.split(',')).map((name) => resolveAxis(name));
  const [before, after] = [
    await loadSide(context, resultsDir, old),
    await loadSide(context, resultsDir, now),
  ];
  const comparison = compareRuns(before, after, {
    across,
    failOnFlaky,
  });
  context.out(render(comparison));
  return comparison.exitCode === 0 && (before.damaged || after.damaged) ? 2 : comparison.exitCode;
}
