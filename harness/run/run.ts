/** The composition root: a matrix in, results out; the stages in order. */
import type { Matrix } from '../matrix/cell.ts';
import { measureCells } from './measure-cells.ts';
import { decideCapacity } from '../plan/admission.ts';
import { checkMatrix } from '../plan/check-architecture.ts';
import { selectPart, selectRecordedPart, type SelectedPart } from '../plan/select-part.ts';
import { describeRun, prepare, type Prepared } from './prepare.ts';
import { runCells } from './run-cells.ts';
import { multiplex } from '../report/reporter.ts';
import { type ExitCode, exitCodeOfRun } from '../report/exit-code.ts';
import type { RunContext, RunOptions } from './context.ts';
import { LocalRunner } from './local-runner.ts';
import { tellUnmeasured } from './measurement-groups.ts';
import { RunResults } from './run-results.ts';
import type { Runner } from './runner.ts';
import { createRun, resumeRun, type OpenRun } from '../store/open-run.ts';
import { cellKey, collectResults, readRun } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import { loadRecord, type RunRecord } from '../store/run-record.ts';

export type RunSummary = Readonly<{
  dir: string;
  /** What the run was made with; `finishedAt` is null after an interruption. */
  record: RunRecord;
  results: readonly Result[];
  interrupted: boolean;
  exitCode: ExitCode;
  /** Most memory granted to guests at a time, MiB. */
  peakBudgetMib: number;
}>;

/**
 * Runs a matrix and stores a line per cell the moment it ends.
 * @throws PoolproofError for everything that keeps the harness from asking; what happens in a cell is in its result.
 */
export async function runMatrix(matrix: Matrix, options: RunOptions): Promise<RunSummary> {
  const part = await choosePart(matrix, options);
  checkMatrix(part.uncut);
  // Images of the whole matrix, also for a shard: equal digests are what makes shards one run.
  const prepared = await (options.prepare ?? prepare)(part.uncut.cells(), options);
  return runPart(matrix, part, prepared, options);
}

/** The rest of {@link runMatrix}, when QEMU, images and accelerator are known. */
export async function runPrepared(
  matrix: Matrix,
  prepared: Prepared,
  options: RunOptions,
): Promise<RunSummary> {
  return runPart(matrix, await choosePart(matrix, options), prepared, options);
}

async function choosePart(whole: Matrix, options: RunOptions): Promise<SelectedPart> {
  if (options.resume === undefined) return selectPart(whole, options);
  return selectRecordedPart(whole, await loadRecord(options.resume), options);
}

async function runPart(
  whole: Matrix,
  part: SelectedPart,
  prepared: Prepared,
  options: RunOptions,
): Promise<RunSummary> {
  const { matrix } = part;
  const { strict = false, failOnFlaky = false, openRunner = openLocalRunner } = options;
  const unmeasured = tellUnmeasured(part.matrix.cells());
  if (unmeasured !== null) options.onNotice?.(unmeasured);
  await using runner = await openRunner(prepared, options, part.uncut);
  await using run = await openRun(whole, part, prepared, options);
  const todo = [...matrix.cells()].filter((cell) => !run.done.has(cellKey(cell)));
  const reporter = multiplex(options.reporters ?? []);
  await reporter.onRunStart({
    record: run.record,
    dir: run.dir,
    cells: todo.length,
    doneBefore: run.done.size,
  });
  const before = run.done.size === 0 ? [] : await collectResults((await readRun(run.dir)).results());
  if (
    options.openRunner === undefined &&
    todo.length > 0 &&
    before.some(({ machine }) => machine !== undefined)
  )
    options.onNotice?.(
      'a fleet ran a part of this run: results that still wait there are read only with --fleet',
    );
  const context: RunContext = {
    matrix,
    images: prepared.images,
    run,
    results: new RunResults(run, { todo, before, retries: options.retries ?? 0 }),
    reporter,
    runner,
    signal: options.signal ?? new AbortController().signal,
    // Clones of one template can replay each other: a repetition is evidence only on a boot of its own.
    cold: options.cold === true || matrix.repeat > 1,
    options,
  };
  await runCells(todo, context);
  await measureCells(context);
  const interrupted = context.signal.aborted;
  const record = interrupted ? run.record : await run.finish();
  const results = context.results.list();
  await reporter.onRunEnd({ record, dir: run.dir, results, interrupted });
  const exitCode = exitCodeOfRun(record, results, { interrupted, failOnFlaky, strict });
  return { dir: run.dir, record, results, interrupted, exitCode, peakBudgetMib: runner.peakMib };
}

async function openRun(
  whole: Matrix,
  part: SelectedPart,
  prepared: Prepared,
  { resultsDir, resume, recordOptions, strict = false, failOnFlaky = false }: RunOptions,
): Promise<OpenRun> {
  const { shard } = part.selection;
  const init = await describeRun(whole, part, prepared, {
    ...recordOptions,
    ...(failOnFlaky && { failOnFlaky }),
    ...(strict && { strict }),
    ...(shard !== null && { shard: `${shard.index}/${shard.count}`, shardPlan: shard.plan }),
  });
  return resume === undefined ? createRun(resultsDir, init) : resumeRun(resume, init);
}

export function openLocalRunner(prepared: Prepared, options: RunOptions): Promise<Runner> {
  const { jobs, memoryBudgetMib } = options;
  const capacity = decideCapacity(prepared.computer, {
    ...(jobs !== undefined && { jobs }),
    ...(memoryBudgetMib !== undefined && { budgetMib: memoryBudgetMib }),
  });
  return LocalRunner.open({ ...options, prepared, capacity });
}
