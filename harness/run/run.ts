/** The composition root: a matrix in, results out; the stages in order. */
import type { Matrix } from '../matrix/cell.ts';
import { measureRun } from './measure-run.ts';
import { decideCapacity } from '../plan/admission.ts';
import { selectPart, selectRecordedPart, type SelectedPart } from '../plan/select-part.ts';
import { describeRun, prepare, type Prepared } from './prepare.ts';
import { runCells } from './run-cells.ts';
import { multiplex } from '../report/reporter.ts';
import { type ExitCode, exitCodeOfRun } from '../report/exit-code.ts';
import { CellTracker } from './repetitions.ts';
import type { RunContext, RunOptions } from './context.ts';
import { Pool } from './pool.ts';
import { RunResults } from './run-results.ts';
import { createRun, resumeRun } from '../store/open-run.ts';
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
  // Images of the whole matrix, also for a shard: equal digests are what makes shards one run.
  const prepared = await prepare(part.uncut.cells(), options);
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
  const cut = part.selection.shard;
  const { strict = false, failOnFlaky = false } = options;
  const init = await describeRun(whole, part, prepared, {
    ...options.recordOptions,
    ...(failOnFlaky && { failOnFlaky }),
    ...(strict && { strict }),
    ...(cut !== null && { shard: `${cut.index}/${cut.count}`, shardPlan: cut.plan }),
  });
  await using run =
    options.resume === undefined
      ? await createRun(options.resultsDir, init)
      : await resumeRun(options.resume, init);
  const todo = [...matrix.cells()].filter((cell) => !run.done.has(cellKey(cell)));
  const reporter = multiplex(options.reporters ?? []);
  await reporter.onRunStart({
    record: run.record,
    dir: run.dir,
    cells: todo.length,
    doneBefore: run.done.size,
  });
  const before = run.done.size === 0 ? [] : await collectResults((await readRun(run.dir)).results());
  const context: RunContext = {
    matrix,
    prepared,
    run,
    results: new RunResults(run, before),
    tracker: new CellTracker(todo, { retries: options.retries ?? 0, before }),
    reporter,
    pool: new Pool(
      decideCapacity(prepared.computer, {
        ...(options.jobs !== undefined && { jobs: options.jobs }),
        ...(options.memoryBudgetMib !== undefined && { budgetMib: options.memoryBudgetMib }),
      }),
    ),
    signal: options.signal ?? new AbortController().signal,
    // Clones of one template can replay each other: what is repeated is evidence only on boots of its own.
    cold: options.cold === true || matrix.repeat > 1,
    options,
  };
  await runCells(todo, context);
  await measureRun(context);
  const interrupted = context.signal.aborted;
  const record = interrupted ? run.record : await run.finish();
  const results = context.results.list();
  await reporter.onRunEnd({ record, dir: run.dir, results, interrupted });
  const exitCode = exitCodeOfRun(record, results, { interrupted, failOnFlaky, strict });
  const peakBudgetMib = context.pool.peakMib;
  return { dir: run.dir, record, results, interrupted, exitCode, peakBudgetMib };
}
