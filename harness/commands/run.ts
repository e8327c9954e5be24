/** `poolproof run` */
import path from 'node:path';
import { PoolproofError } from '../errors.ts';
import { loadMatrix } from '../matrix/load.ts';
import { renderDetails } from '../report/overhead-details.ts';
import { createProgress } from '../report/progress.ts';
import { parseShard } from '../plan/shard.ts';
import { loadDurations } from './durations.ts';
import { renderTable, wantsColor } from '../report/terminal-table.ts';
import { renderTimings } from '../report/timings.ts';
import { runMatrix } from '../run/run.ts';
import { findRun } from '../store/find-run.ts';
import {
  cacheOption,
  countOption,
  finishCells,
  listOption,
  sizeOption,
  textOption,
  type Context,
} from './context.ts';
import { renderImageEvent } from './image-notices.ts';
import { buildReporters, parseReporters } from './reporters.ts';

export async function run(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const file = args[0] ?? 'matrices/default.yaml';
  const resultsDir = textOption(options, 'results') ?? 'results';
  const only = listOption(options, 'only');
  const jobs = countOption(options, 'jobs');
  const budgetBytes = sizeOption(options, 'memoryBudget', '--memory-budget');
  const templateCacheBytes = sizeOption(options, 'templateCache', '--template-cache');
  const retries = countOption(options, 'retries') ?? 0;
  const failOnFlaky = options['failOnFlaky'] === true;
  const strict = options['strict'] === true;
  const wanted = parseReporters(options['reporter']);
  // A report on standard output has it for itself: what a person reads goes to the other one.
  const printed = wanted.find(({ file }) => file === '-');
  const tell = printed === undefined ? context.out : context.err;
  if (printed !== undefined && options['json'] === true) {
    throw new PoolproofError(
      'USAGE',
      `--json and --reporter ${printed.name}=- cannot both have standard output`,
    );
  }
  const shard = textOption(options, 'shard');
  const durationsFrom = textOption(options, 'durations');
  const matrix = await loadMatrix(file);
  const resume = options['resume'];
  const summary = await runMatrix(matrix, {
    resultsDir,
    ...(resume !== undefined && {
      resume: await findRun(resultsDir, typeof resume === 'string' ? resume : 'latest'),
    }),
    ...(only.length > 0 && { only }),
    ...(shard !== undefined && { shard: parseShard(shard) }),
    ...(durationsFrom !== undefined && { durations: await loadDurations(resultsDir, durationsFrom) }),
    cacheDir: cacheOption(options),
    locked: options['locked'] === true,
    ...(jobs !== undefined && { jobs }),
    ...(budgetBytes !== undefined && { memoryBudgetMib: Math.floor(budgetBytes / 1024 ** 2) }),
    cold: options['cold'] === true,
    retries,
    failOnFlaky,
    strict,
    ...(templateCacheBytes !== undefined && { templateCacheBytes }),
    reporters: [finishCells(context), createProgress(context.stderr), ...buildReporters(wanted, context.out)],
    onImageEvent: (event) => context.err(renderImageEvent(event)),
    onNotice: (text) => context.err(`notice: ${text}\n`),
    signal: context.signal,
    recordOptions: {
      only: only.length === 0 ? null : only.join(' or '),
      jobs: jobs ?? null,
      cold: options['cold'] === true,
      ...(retries > 0 && { retries }),
    },
  });
  const { exitCode } = summary;
  if (options['json'] === true) {
    for (const result of summary.results) context.out(`${JSON.stringify(result)}\n`);
    return exitCode;
  }
  const { columns: width } = context.stdout;
  const color = wantsColor(context.stdout);
  tell(
    `\n${matrix.title}\n\n${renderTable(summary.results, {
      color,
      ...(width > 0 && { width }),
      run: summary.record,
      interrupted: summary.interrupted,
      strict,
      failOnFlaky,
    })}`,
  );
  if (options['details'] === true) tell(`\n${renderDetails(summary.results, { color })}`);
  if (options['timings'] === true) tell(`\n${renderTimings(summary.results)}`);
  const dir = path.relative(process.cwd(), summary.dir) || '.';
  tell(`results in ${dir}\npage: ${path.join(dir, 'report.html')}\n`);
  if (summary.interrupted) tell('interrupted; `poolproof run --resume` finishes it\n');
  return exitCode;
}
