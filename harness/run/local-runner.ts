/**
 * Runs boot plans on this computer. The one level of concurrency of a run: job slots, memory and disk space for
 * templates, cells and measurements alike.
 */
import pLimit from 'p-limit';
import { startMachine, type StartMachine } from '../machine/machine.ts';
import { TemplateStore } from '../machine/template-store.ts';
import type { Cell } from '../matrix/cell.ts';
import {
  measureGuest,
  type GuestMeasureRequest,
  type GuestMeasureTools,
  type GuestOverhead,
} from '../measure/measure-guest.ts';
import { measureServing, type GuestServing } from '../measure/measure-serving.ts';
import { Budget, decideDiskMib, estimateDiskMib, type Capacity } from '../plan/admission.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import { mergeEstimates, orderCells, orderGroups, type RunEstimates } from '../plan/run-estimates.ts';
import { estimateCostMib } from '../plan/order.ts';
import { collectDurations } from '../plan/shard-durations.ts';
import { loadExperience, saveExperience } from '../store/experience-file.ts';
import { cellKey } from '../store/read-run.ts';
import type { BootPlan } from './boot-plan.ts';
import { checkServer } from './check-server.ts';
import { makeTemplate, prepareBoot, type LocalBoot } from './local-boot.ts';
import type { Prepared, PrepareOptions } from './prepare.ts';
import { runCell, type CellContext, type CellEnd } from './run-cell.ts';
import { settleAll, type Runner, type RunnerEvent, type ServingRequest } from './runner.ts';

export type LocalRunnerOptions = PrepareOptions &
  Readonly<{
    prepared: Prepared;
    capacity: Capacity;
    /** Size to which saved templates are cut, bytes; those just used are kept in any case. @default 4 GiB */
    templateCacheBytes?: number;
    /** @default QEMU; another only in tests of failure paths */
    startMachine?: StartMachine;
    /** Other deadlines than the accelerator's, milliseconds of the guest's time. */
    deadlines?: Partial<Deadlines>;
  }>;

const defaultTemplateCacheBytes = 4 * 1024 ** 3;

/** One call of `run`. */
type Batch = Readonly<{
  onEvent: (event: RunnerEvent) => void;
  /** Fires when the caller ends the run and when the harness fails. */
  signal: AbortSignal;
  fail: () => void;
}>;

/** A cell with what it runs on. */
type Staged = Readonly<{ id: string; cell: Cell; bootKey: string; context: CellContext }>;

const stage = ({ cells, bootKey }: LocalBoot, context: CellContext): readonly Staged[] =>
  cells.map((cell) => ({ id: cell.id, cell, bootKey, context }));

export class LocalRunner implements Runner {
  readonly #options: LocalRunnerOptions;
  readonly #startMachine: StartMachine;
  readonly #takeSlot: ReturnType<typeof pLimit>;
  readonly #memory: Budget;
  readonly #disk: Budget;
  readonly #templates: TemplateStore;
  readonly #durations = new Map<string, number>();
  readonly #peaksMib = new Map<string, number>();
  #experience: RunEstimates;

  private constructor(
    options: LocalRunnerOptions,
    templates: TemplateStore,
    freeMib: number,
    experience: RunEstimates,
  ) {
    this.#options = options;
    this.#startMachine = options.startMachine ?? startMachine;
    this.#takeSlot = pLimit(options.capacity.jobs);
    this.#memory = new Budget(options.capacity.budgetMib);
    this.#disk = new Budget(decideDiskMib(freeMib));
    this.#templates = templates;
    this.#experience = experience;
  }

  /** @throws PoolproofError NOT_PRIVATE, DISK_FULL, CACHE_UNWRITABLE */
  static async open(options: LocalRunnerOptions): Promise<LocalRunner> {
    const { cacheDir, templateCacheBytes = defaultTemplateCacheBytes } = options;
    const templates = new TemplateStore(cacheDir, templateCacheBytes);
    return new LocalRunner(options, templates, await templates.readFreeMib(), await loadExperience(cacheDir));
  }

  get peakMib(): number {
    return this.#memory.peakMib;
  }

  async run(
    plans: readonly BootPlan[],
    onEvent: (event: RunnerEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    // A failure of the harness itself (a full disk) ends the other cells too: their results could not be kept.
    const failure = new AbortController();
    const both = AbortSignal.any([signal, failure.signal]);
    const batch: Batch = { onEvent, signal: both, fail: () => failure.abort() };
    const boots = await Promise.all(plans.map((plan) => this.#prepare(plan, batch)));
    const missing = boots.filter(({ template, context }) => template !== null && context.template === null);
    const ready = boots.filter(({ template, context }) => template === null || context.template !== null);
    // Boots go first: what waits for them is the longest way to the end. Cells that can start fill the rest.
    await settleAll([
      ...orderGroups(missing, this.#experience.durations).map((boot) => this.#runWithTemplate(boot, batch)),
      this.#runAll(
        ready.flatMap((boot) => stage(boot, boot.context)),
        batch,
      ),
    ]);
    await this.#templates.collect();
    this.#experience = mergeEstimates(this.#experience, {
      durations: this.#durations,
      peaksMib: this.#peaksMib,
    });
    await saveExperience(this.#options.cacheDir, this.#experience);
  }

  measure(request: GuestMeasureRequest, onStart: () => void, signal: AbortSignal): Promise<GuestOverhead> {
    return this.#takePlace(request, onStart, signal, (tools) => measureGuest(request, tools));
  }

  measureServing(request: ServingRequest, onStart: () => void, signal: AbortSignal): Promise<GuestServing> {
    const { settings, subject, reached } = request;
    const images = this.#options.prepared.images.get(settings.kernel);
    if (images === undefined) throw new RangeError(`no images of ${settings.kernel}`);
    return this.#takePlace(request, onStart, signal, (tools) =>
      measureServing(request, {
        ...tools,
        images,
        check: (step, run) => checkServer(reached, subject, step, run),
      }),
    );
  }

  /** A measurement in a guest takes a job slot and memory, as cells do. */
  #takePlace<End>(
    { settings }: Pick<GuestMeasureRequest, 'settings'>,
    onStart: () => void,
    signal: AbortSignal,
    measureWith: (tools: GuestMeasureTools) => Promise<End>,
  ): Promise<End> {
    return this.#takeSlot(async () => {
      signal.throwIfAborted();
      const release = await this.#memory.acquire(settings.memory / 2 ** 20);
      try {
        onStart();
        const { prepared, cacheDir, locked = false, onImageEvent } = this.#options;
        return await measureWith({
          qemu: prepared.qemu,
          cacheDir,
          locked,
          ...(onImageEvent && { onImageEvent }),
          store: this.#templates,
          startMachine: this.#startMachine,
          signal,
        });
      } finally {
        release();
        await this.#templates.collect();
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#templates[Symbol.asyncDispose]();
  }

  #prepare(plan: BootPlan, { onEvent, signal }: Batch): Promise<LocalBoot> {
    const { prepared, deadlines = {} } = this.#options;
    return prepareBoot(plan, {
      prepared,
      templates: this.#templates,
      deadlines,
      startMachine: this.#startMachine,
      onNotice: (text) => onEvent({ kind: 'notice', text }),
      signal,
    });
  }

  async #runWithTemplate(boot: LocalBoot, batch: Batch): Promise<void> {
    const { context } = boot;
    const { memoryMib } = context.spec;
    const template = await this.#takeSlot(async () => {
      const release = await this.#admit(boot.bootKey, memoryMib);
      const free = await this.#disk.acquire(estimateDiskMib(memoryMib));
      try {
        return await makeTemplate(boot, (text) => batch.onEvent({ kind: 'notice', text }));
      } catch (error) {
        batch.fail();
        throw error;
      } finally {
        release();
        free();
      }
    });
    await this.#runAll(stage(boot, { ...context, template }), batch);
  }

  #runAll(cells: readonly Staged[], batch: Batch): Promise<void> {
    const ordered = orderCells(cells, this.#experience.durations);
    return settleAll(ordered.map((staged) => this.#runOne(staged, batch)));
  }

  async #runOne(staged: Staged, batch: Batch): Promise<void> {
    try {
      const end = await this.#takeSlot(() => this.#runAdmitted(staged, batch));
      if (end === null) return;
      const timings = { ...end.result.timings, teardown: await end.stopped };
      const result = { ...end.result, timings };
      for (const [id, ms] of collectDurations([result])) this.#durations.set(id, ms);
      batch.onEvent({ kind: 'ended', result, evidence: end.evidence });
    } catch (error) {
      if (batch.signal.aborted) return;
      batch.fail();
      throw error;
    }
  }

  /** Memory a guest of this boot will take: as the last one did, here or in an earlier run. */
  #admit(bootKey: string, memoryMib: number): Promise<() => void> {
    const seen = Math.max(0, ...this.#peaksMib.values());
    const known = Math.max(this.#experience.peaksMib.get(bootKey) ?? 0, seen);
    return this.#memory.acquire(estimateCostMib(memoryMib, known === 0 ? null : known));
  }

  /**
   * Runs a cell that has its slot, once memory is granted. Its machine may still be ending when the next one starts.
   */
  async #runAdmitted({ cell, bootKey, context }: Staged, batch: Batch): Promise<CellEnd | null> {
    if (batch.signal.aborted) return null;
    const release = await this.#admit(bootKey, context.spec.memoryMib);
    let end: CellEnd;
    try {
      batch.onEvent({ kind: 'started', cell: cellKey(cell) });
      const { template } = context;
      const isBad = template !== null && !this.#templates.isTrusted(template);
      end = await runCell(cell, isBad ? { ...context, template: null } : context);
    } catch (error) {
      release();
      throw error;
    }
    void end.stopped.then(release);
    const { peakMib } = end;
    if (peakMib !== null) this.#peaksMib.set(bootKey, Math.max(this.#peaksMib.get(bootKey) ?? 0, peakMib));
    return end;
  }
}
