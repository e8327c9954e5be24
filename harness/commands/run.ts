/** `poolproof run` */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PoolproofError } from '../errors.ts';
import { loadMatrix } from '../matrix/load.ts';
import { formats, type FormatName } from '../report/formats.ts';
import { createProgress } from '../report/progress.ts';
import { parseShard } from '../plan/shard.ts';
import { renderPage } from './page.ts';
import { loadDurations } from './durations.ts';
import type { Reporter } from '../report/reporter.ts';
import { exitCodeOf } from '../report/summarize.ts';
import { renderTable, wantsColor } from '../report/terminal-table.ts';
import { renderTimings } from '../report/timings.ts';
import { runMatrix } from '../run.ts';
import { findRun } from '../store/find-run.ts';
import { cacheOption, countOption, sizeOption, textOption, type Context } from './context.ts';
import { renderImageEvent } from './image-notices.ts';

const isFormat = (name: string): name is FormatName => Object.hasOwn(formats, name);

/** Reports that are written into the run's folder at its end. */
function buildFileReporters(wanted: unknown): Reporter[] {
  const names = Array.isArray(wanted) ? wanted.map(String) : [];
  return names
    .filter((name) => name !== 'html') // every run leaves its page anyway
    .map((name): Reporter => {
      if (!isFormat(name)) {
        throw new PoolproofError('REPORT_UNKNOWN', `there is no report format ${name}`, {
          hint: `there are ${Object.keys(formats).join(', ')}`,
        });
      }
      const format = formats[name];
      return {
        onRunEnd: ({ record, dir, results }) =>
          writeFile(path.join(dir, format.file), format.render(record, results)),
      };
    });
}

/** Every run leaves its page. */
const pageReporter: Reporter = {
  onRunEnd: async ({ record, dir, results }) => {
    await writeFile(path.join(dir, formats.html.file), await renderPage([{ dir, record, results }], dir));
  },
};

export async function run(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const file = args[0] ?? 'matrices/default.yaml';
  const resultsDir = textOption(options, 'results') ?? 'results';
  const only = textOption(options, 'only');
  const jobs = countOption(options, 'jobs');
  const budgetBytes = sizeOption(options, 'memoryBudget', '--memory-budget');
  const templateCacheBytes = sizeOption(options, 'templateCache', '--template-cache');
  const fileReporters = buildFileReporters(options['reporter']);
  const shard = textOption(options, 'shard');
  const durationsFrom = textOption(options, 'durations');
  const matrix = await loadMatrix(file);
  const resume = options['resume'];
  const summary = await runMatrix(matrix, {
    resultsDir,
    ...(resume !== undefined && {
      resume: await findRun(resultsDir, typeof resume === 'string' ? resume : 'latest'),
    }),
    ...(only !== undefined && { only: [only] }),
    ...(shard !== undefined && { shard: parseShard(shard) }),
    ...(durationsFrom !== undefined && { durations: await loadDurations(resultsDir, durationsFrom) }),
    cacheDir: cacheOption(options),
    locked: options['locked'] === true,
    ...(jobs !== undefined && { jobs }),
    ...(budgetBytes !== undefined && { memoryBudgetMib: Math.floor(budgetBytes / 1024 ** 2) }),
    cold: options['cold'] === true,
    ...(templateCacheBytes !== undefined && { templateCacheBytes }),
    reporters: [createProgress(context.stderr), pageReporter, ...fileReporters],
    onImageEvent: (event) => context.err(renderImageEvent(event)),
    onNotice: (text) => context.err(`notice: ${text}\n`),
    signal: context.signal,
    recordOptions: { only: only ?? null, jobs: jobs ?? null, cold: options['cold'] === true },
  });
  const strict = options['strict'] === true;
  const exitCode = exitCodeOf(summary.results, summary.interrupted, strict);
  if (options['json'] === true) {
    for (const result of summary.results) context.out(`${JSON.stringify(result)}\n`);
    return exitCode;
  }
  const { columns: width } = context.stdout;
  const color = wantsColor(context.stdout);
  context.out(
    `\n${matrix.title}\n\n${renderTable(summary.results, {
      color,
      ...(width > 0 && { width }),
      interrupted: summary.interrupted,
      strict,
    })}`,
  );
  if (options['timings'] === true) context.out(`\n${renderTimings(summary.results)}`);
  const dir = path.relative(process.cwd(), summary.dir) || '.';
  context.out(`results in ${dir}\npage: ${path.join(dir, 'report.html')}\n`);
  if (summary.interrupted) context.out('interrupted; `poolproof run --resume` finishes it\n');
  return exitCode;
}
