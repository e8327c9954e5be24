/** `poolproof run` */
import path from 'node:path';
import { labelKernel } from '../../images/kernel-file.ts';
import { PoolproofError } from '../errors.ts';
import { runWith } from '../library/run-matrix.ts';
import type { Matrix } from '../matrix/cell.ts';
import { findMatrix } from '../matrix/find-matrix.ts';
import { loadMatrix } from '../matrix/load.ts';
import { withKernel } from '../matrix/with-kernel.ts';
import { formats } from '../report/formats.ts';
import { createProgress } from '../report/progress.ts';
import { buildRunView } from '../report/run-view.ts';
import { renderTimings } from '../report/timings.ts';
import { wantsColor } from '../report/wants-color.ts';
import type { RunOptions } from '../run/context.ts';
import type { RunSummary } from '../run/run.ts';
import { findRun } from '../store/find-run.ts';
import { loadRecord } from '../store/run-record.ts';
import { cacheOption, finishCells, notifyOf, type Context } from './context.ts';
import { findCellsAgain, matrixOf } from './cells-again.ts';
import { type DiskOptions, readDiskOption } from './disk-option.ts';
import { type KernelOptions, readKernelOption } from './kernel-option.ts';
import { partValues } from './registry.ts';
import { buildReporters, isReporter, parseReporters } from './reporters.ts';

type Options = KernelOptions &
  DiskOptions &
  Readonly<{
    results?: string;
    cache?: string | undefined;
    locked?: boolean | undefined;
    only?: readonly string[] | undefined;
    shard?: string | undefined;
    durations?: string | undefined;
    resume?: string | true | undefined;
    tag?: string | undefined;
    failed?: string | true | undefined;
    broken?: string | true | undefined;
    cold?: boolean | undefined;
    jobs?: number | undefined;
    /** Bytes. */
    memoryBudget?: number | undefined;
    /** Bytes. */
    templateCache?: number | undefined;
    reporter?: readonly string[] | undefined;
    retries?: number | undefined;
    failOnFlaky?: boolean | undefined;
    strict?: boolean | undefined;
    details?: boolean | undefined;
    timings?: boolean | undefined;
    fleet?: string | undefined;
    publishImages?: boolean | undefined;
    json?: boolean | undefined;
  }>;

export async function run(context: Context, args: readonly string[], options: Options): Promise<number> {
  const { results: resultsDir = 'results', tag, reporter, json } = options;
  const resumed = options.resume === true ? 'latest' : options.resume;
  const { shard, durations, jobs, memoryBudget, retries } = options;
  const words = partValues(reporter ?? [], isReporter);
  const [given, ...more] = [...args, ...words.others];
  // A word that is neither a format nor the one matrix is refused as a format.
  const wanted = parseReporters(more.length > 0 ? reporter : words.values);
  // A report on standard output has it for itself: text for people goes to standard error.
  const printed = wanted.find(({ file }) => file === '-');
  if (printed !== undefined && json) {
    throw new PoolproofError(
      'USAGE',
      `--json and --reporter ${printed.name}=- cannot both have standard output`,
    );
  }
  const again = await findCellsAgain(context, resultsDir, options);
  if (again?.ids.length === 0) {
    context.out('no cell of that run is to be run again\n');
    return 0;
  }
  const own = { kernel: readKernelOption(options), disks: readDiskOption(options) };
  const file = findMatrix(given ?? again?.matrix ?? (await findResumed(resultsDir, resumed)));
  const matrix = withKernel(await loadMatrix(file, { requireFiles: true }), own.kernel);
  const only = again?.ids ?? options.only ?? [];
  const summary = await runWith(
    matrix,
    {
      ...notifyOf(context),
      signal: context.signal,
      resultsDir,
      ...(resumed !== undefined && { resume: resumed }),
      ...(tag !== undefined && { tag }),
      select: { only, ...(shard !== undefined && { shard }), ...(durations !== undefined && { durations }) },
      limits: {
        ...(jobs !== undefined && { jobs }),
        ...(memoryBudget !== undefined && { memoryMib: Math.floor(memoryBudget / 1024 ** 2) }),
      },
      retry: {
        times: retries ?? 0,
        failOnFlaky: options.failOnFlaky ?? false,
        strict: options.strict ?? false,
      },
      cache: readCache(options),
      reporters: [
        finishCells(context),
        createProgress(context.stderr),
        ...buildReporters(wanted, context.out),
      ],
    },
    { ...context.seams, ...(await chooseRunner(options)), disks: own.disks, ...recordOwn(own) },
  );
  if (json) for (const result of summary.results) context.out(`${JSON.stringify(result)}\n`);
  else describe(matrix, summary, options, context, printed === undefined ? context.out : context.err);
  return summary.exitCode;
}

const readCache = (options: Options) => ({
  dir: cacheOption(options),
  locked: options.locked ?? false,
  cold: options.cold ?? false,
  ...(options.templateCache !== undefined && { templateBytes: options.templateCache }),
});

/** The matrix of the run that is to be resumed. */
async function findResumed(resultsDir: string, name: string | undefined): Promise<string | undefined> {
  return name === undefined ? undefined : matrixOf(await loadRecord(await findRun(resultsDir, name)));
}

/** Where a command has to look for the run, as far as that is not where it looks by itself. */
const renderPlaces = ({ results, fleet }: Options): string =>
  [
    ...(results === undefined ? [] : [` --results ${results}`]),
    ...(fleet === undefined ? [] : [` --fleet ${fleet}`]),
  ].join('');

type Own = Readonly<{ kernel: string | null; disks: ReturnType<typeof readDiskOption> }>;

/** What every guest has of the user's own, without the places of this computer. */
function recordOwn({ kernel, disks }: Own): Pick<RunOptions, 'recordOptions'> {
  const recordOptions = {
    ...(kernel !== null && { kernel: labelKernel(kernel) }),
    ...(disks.length > 0 && { disks: disks.map(({ name }) => name).join(' ') }),
  };
  return { recordOptions };
}

/** Nothing of a fleet is loaded without one. */
async function chooseRunner({
  fleet,
  disk,
  publishImages = false,
}: Options): Promise<Pick<RunOptions, 'openRunner'>> {
  if (fleet === undefined && publishImages)
    throw new PoolproofError('USAGE', '--publish-images is about a fleet', {
      hint: 'name one with --fleet redis://queue.example:6379',
    });
  if (fleet === undefined) return {};
  if (disk !== undefined) {
    throw new PoolproofError(
      'USAGE',
      '--disk and --fleet exclude each other: other machines have no such file',
      {
        hint: 'make the files part of a subject of the matrix',
      },
    );
  }
  const { openFleet } = await import('../fleet/open-fleet.ts');
  return { openRunner: openFleet(fleet, { publishImages }) };
}

/** The summary for people after the run. */
function describe(
  matrix: Matrix,
  { dir, record, results, interrupted }: RunSummary,
  options: Options,
  { stdout }: Context,
  print: (text: string) => void,
): void {
  const { strict = false, failOnFlaky = false, details, timings } = options;
  const view = buildRunView({ record, results }, { interrupted, strict, failOnFlaky });
  const width = stdout.columns > 0 && { width: stdout.columns };
  const table = formats.table.render(view, {
    color: wantsColor(stdout),
    details: details === true,
    ...width,
  });
  print(`\n${matrix.title}\n\n${table}`);
  if (timings) print(`\n${renderTimings(results)}`);
  const folder = path.relative(process.cwd(), dir) || '.';
  print(`results in ${folder}\npage: ${path.join(folder, 'report.html')}\n`);
  if (interrupted) print(`interrupted; \`poolproof run --resume${renderPlaces(options)}\` finishes it\n`);
}
