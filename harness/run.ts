/** The composition root: a matrix in, results out; the stages in order. */
import pLimit from 'p-limit';
import type { ImageEvent } from '../images/build.ts';
import { PoolproofError } from './errors.ts';
import { buildTemplate, chooseWarmRuns, templateKey } from './guest/build-template.ts';
import { startMachine, type StartMachine } from './machine/machine.ts';
import { TemplateStore, type Template } from './machine/template-store.ts';
import type { Cell, Matrix } from './matrix/cell.ts';
import { selectCells } from './matrix/select.ts';
import { decideCapacity, MemoryBudget } from './plan/admission.ts';
import { deadlinesFor } from './plan/deadlines.ts';
import { buildMachineSpec } from './plan/machine-spec.ts';
import { estimateCostMib, groupByBoot, type BootGroup } from './plan/order.ts';
import type { Durations } from './plan/shard-durations.ts';
import { digestShards, planShards, selectShard, type ShardNumber } from './plan/shard.ts';
import { describeRun, prepare, type Prepared } from './prepare.ts';
import { multiplex, type Reporter } from './report/reporter.ts';
import { exitCodeOf, type ExitCode } from './report/summarize.ts';
import { CellTracker } from './repetitions.ts';
import { runCell, type Stage } from './run-cell.ts';
import { createRun, resumeRun, type OpenRun } from './store/open-run.ts';
import { cellKey, collectResults, readRun } from './store/read-run.ts';
import type { Result } from './store/result.ts';

export type RunOptions = Readonly<{
  /** Folder that holds a folder per run. */
  resultsDir: string;
  /** Folder of a run to finish instead of a new one. */
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
  /** Recorded with the run. */
  recordOptions?: Readonly<Record<string, string | number | boolean | null>>;
}>;

export type RunSummary = Readonly<{
  dir: string;
  results: readonly Result[];
  interrupted: boolean;
  exitCode: ExitCode;
  /** Most memory granted to guests at a time, MiB. */
  peakBudgetMib: number;
}>;

const defaultTemplateCacheBytes = 4 * 1024 ** 3;

/**
 * Runs a matrix and stores a line per cell the moment it ends.
 * @throws PoolproofError for everything that keeps the harness from asking; what happens in a cell is in its result.
 */
export async function runMatrix(matrix: Matrix, options: RunOptions): Promise<RunSummary> {
  const selected = options.only === undefined ? matrix : selectCells(matrix, options.only);
  // Images of the whole matrix, also for a shard: equal digests are what makes shards one run.
  const prepared = await prepare(selected.cells(), options);
  if (options.shard === undefined) return runPrepared(selected, prepared, options);
  const { shard, durations = new Map<string, number>() } = options;
  const shardPlan = digestShards(planShards(selected.cells(), shard.count, durations));
  return runPrepared(selectShard(selected, shard, durations), prepared, {
    ...options,
    recordOptions: { ...options.recordOptions, shard: `${shard.index}/${shard.count}`, shardPlan },
  });
}

/** The rest of {@link runMatrix}, when QEMU, images and accelerator are known. */
export async function runPrepared(
  matrix: Matrix,
  prepared: Prepared,
  options: RunOptions,
): Promise<RunSummary> {
  const init = await describeRun(matrix, prepared, options.recordOptions ?? {});
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
  const peakBudgetMib = await runCells(todo, prepared, run, reporter, signal, options);
  const interrupted = signal.aborted;
  const record = interrupted ? run.record : await run.finish();
  const { results: stored } = await readRun(run.dir);
  const results = await collectResults(stored());
  await reporter.onRunEnd({ record, dir: run.dir, results, interrupted });
  return { dir: run.dir, results, interrupted, exitCode: exitCodeOf(results, interrupted), peakBudgetMib };
}

/** All cells, at one level of concurrency. Returns the peak of granted memory, MiB. */
async function runCells(
  todo: readonly Cell[],
  prepared: Prepared,
  run: OpenRun,
  reporter: Required<Reporter>,
  userSignal: AbortSignal,
  options: RunOptions,
): Promise<number> {
  // A failure of the harness itself (a full disk) ends the other cells too: their results could not be kept.
  const failure = new AbortController();
  const signal = AbortSignal.any([userSignal, failure.signal]);
  const stopped = (): boolean => signal.aborted;
  const capacity = decideCapacity(prepared.computer, {
    ...(options.jobs !== undefined && { jobs: options.jobs }),
    ...(options.memoryBudgetMib !== undefined && { budgetMib: options.memoryBudgetMib }),
  });
  const limit = pLimit(capacity.jobs);
  const budget = new MemoryBudget(capacity.budgetMib);
  const templates = new TemplateStore(
    options.cacheDir,
    options.templateCacheBytes ?? defaultTemplateCacheBytes,
  );
  const used = new Set<string>();
  const tracker = new CellTracker(todo);
  const seen: { peakMib: number | null } = { peakMib: null };

  const within = async <T>(memoryMib: number, work: () => Promise<T>): Promise<T> => {
    const release = await budget.acquire(estimateCostMib(memoryMib, seen.peakMib));
    try {
      return await work();
    } finally {
      release();
    }
  };
  const runOne = async (cell: Cell, stage: Stage): Promise<void> => {
    if (stopped()) return;
    reporter.onCellStart(cell);
    try {
      const ended = await within(stage.spec.memoryMib, () => runCell(cell, stage));
      if (ended.peakMib !== null) seen.peakMib = Math.max(seen.peakMib ?? 0, ended.peakMib);
      const evidence = run.writeEvidence(cell, ended.evidence);
      const result: Result = { ...ended.result, evidence };
      await run.appendResult(result);
      reporter.onCellEnd(result);
      const done = tracker.add(result);
      if (done !== null) reporter.onCellDone(done);
    } catch (error) {
      if (stopped()) return;
      failure.abort();
      throw error;
    }
  };
  const runGroup = async (group: BootGroup): Promise<void> => {
    const stage = buildStage(
      group,
      prepared,
      signal,
      (reason) => {
        options.onNotice?.(`a clone failed and its cell was booted instead: ${reason}`);
      },
      options.startMachine ?? startMachine,
    );
    const template = options.cold
      ? null
      : await findTemplate(group, stage, prepared, templates, limit, within, options);
    if (template !== null) used.add(template.key);
    await Promise.all(group.cells.map((cell) => limit(() => runOne(cell, { ...stage, template }))));
  };
  await settleAll(groupByBoot(todo).map(runGroup));
  await templates.collect(used);
  return budget.peakMib;
}

function buildStage(
  group: BootGroup,
  { images, qemu, accelerator: { accelerator } }: Prepared,
  signal: AbortSignal,
  onBadTemplate: (reason: string) => void,
  start: StartMachine,
): Stage {
  const settings = group.cells[0]?.settings;
  const built = settings === undefined ? undefined : images.get(settings.kernel);
  if (settings === undefined || built === undefined) throw new RangeError('a group without cells or images');
  const spec = buildMachineSpec(settings, built, { qemu: qemu.path, accelerator });
  return {
    spec,
    images: built,
    deadlines: deadlinesFor(accelerator),
    template: null,
    onBadTemplate,
    signal,
    startMachine: start,
  };
}

/** The saved template, or one made now; null when it cannot be made, and then every cell boots. */
async function findTemplate(
  group: BootGroup,
  { spec, deadlines, startMachine: start }: Stage,
  { qemu }: Prepared,
  store: TemplateStore,
  limit: <T>(work: () => Promise<T>) => Promise<T>,
  within: <T>(memoryMib: number, work: () => Promise<T>) => Promise<T>,
  options: RunOptions,
): Promise<Template | null> {
  const warm = chooseWarmRuns(
    group.cells.map((cell) => cell.settings),
    deadlines,
  );
  const request = { store, spec, qemuTitle: qemu.title, warm, deadlines, startMachine: start };
  const key = await templateKey(request);
  const known = await store.find(key);
  if (known !== null) return known;
  try {
    return await limit(() => within(spec.memoryMib, () => buildTemplate(request, key)));
  } catch (error) {
    if (!(error instanceof PoolproofError)) throw error;
    options.onNotice?.(`no template for ${spec.memoryMib} MiB, its cells are booted: ${error.message}`);
    return null;
  }
}

/** Waits for all, also when one fails, so that nothing runs on behind the caller's back; then throws the first. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(work);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
