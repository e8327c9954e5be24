/** The composition root: a matrix in, results out; the stages in order. */
import type { ImageEvent } from '../../images/build.ts';
import type { Matrix } from '../matrix/cell.ts';
import { measureRun } from './measure-run.ts';
import type { Durations } from '../plan/shard-durations.ts';
import { selectPart, selectRecordedPart, type SelectedPart } from '../plan/select-part.ts';
import type { ShardNumber } from '../plan/shard.ts';
import { describeRun, prepare, type Prepared } from './prepare.ts';
import { runCells } from './run-cells.ts';
import { multiplex, type Reporter } from '../report/reporter.ts';
import { type ExitCode, exitCodeOfRun } from '../report/exit-code.ts';
import { CellTracker } from './repetitions.ts';
import type { StartMachine } from '../machine/machine.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import { createRun, resumeRun } from '../store/open-run.ts';
import { cellKey, collectResults, readRun } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import { loadRecord, type RunRecord } from '../store/run-record.ts';

export type RunOptions = Readonly<{
  /** Folder that holds a folder per run. */
  resultsDir: string;
  /** Folder of a run to finish instead of a new one. It keeps its `only` and `shard`: another one is refused. */
  resume?: string;
  /** Which cells, as `--only` writes it; several are alternatives. @default all */
  only?: readonly string[];
  /** One part of the matrix, cut the same way on every machine that has the same matrix and durations. */
  shard?: ShardNumber;
  /** How long cells took before, for balanced shards. @default every cell alike */
  durations?: Durations;
  /** Image cache. */
  cacheDir: string;
  locked?: boolean;
  /** Guests at a time. @default one a core */
  jobs?: number;
  /** Memory of all guests together, MiB. @default what is free less a reserve */
  memoryBudgetMib?: number;
  /** A cell that did not do what was expected is run so many times more, each on a boot of its own. @default 0 */
  retries?: number;
  /** Repetitions that differ are a failure. @default false */
  failOnFlaky?: boolean;
  /** An overhead that is undecided is a failure. @default false */
  strict?: boolean;
  /** Boot every cell instead of cloning. @default false */
  cold?: boolean;
  /** Size to which saved templates are cut at the end. @default 4 GiB */
  templateCacheBytes?: number;
  reporters?: readonly Reporter[];
  onImageEvent?: (event: ImageEvent) => void;
  /** What a person should know but no result says: a template that failed, a successor used. */
  onNotice?: (text: string) => void;
  signal?: AbortSignal;
  /** How machines start. @default QEMU; another only in tests of failure paths */
  startMachine?: StartMachine;
  /** Other deadlines than the accelerator's, milliseconds of the guest's time. For tests of failure paths. */
  deadlines?: Partial<Deadlines>;
  /** Recorded with the run. */
  recordOptions?: Readonly<Record<string, string | number | boolean | null>>;
}>;

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
  const signal = options.signal ?? new AbortController().signal;
  const before = run.done.size === 0 ? [] : await collectResults((await readRun(run.dir)).results());
  const tracker = new CellTracker(todo, { retries: options.retries ?? 0, before });
  // Clones of one template can replay each other: what is repeated is evidence only on boots of its own.
  const cold = options.cold === true || matrix.repeat > 1;
  const peakBudgetMib = await runCells(todo, prepared, run, reporter, tracker, signal, { ...options, cold });
  await measureRun(matrix, prepared, run, reporter, signal, options);
  const interrupted = signal.aborted;
  const record = interrupted ? run.record : await run.finish();
  const { results: stored } = await readRun(run.dir);
  const results = await collectResults(stored());
  await reporter.onRunEnd({ record, dir: run.dir, results, interrupted });
  const exitCode = exitCodeOfRun(record, results, { interrupted, failOnFlaky, strict });
  return { dir: run.dir, record, results, interrupted, exitCode, peakBudgetMib };
}
