/** All cells of a run: templates are booted or found, cells run from them, results kept. */
import { startOverhead, awaitsOverhead } from './measurement-groups.ts';
import { TemplateStore, type Template } from '../machine/template-store.ts';
import type { Cell } from '../matrix/cell.ts';
import { Budget, decideDiskMib, estimateDiskMib } from '../plan/admission.ts';
import { fitDisks } from '../plan/disks.ts';
import { learn, orderCells, orderGroups, type Experience } from '../plan/experience.ts';
import { bootKey, estimateCostMib, groupByBoot, type BootGroup } from '../plan/order.ts';
import { collectDurations } from '../plan/shard-durations.ts';
import { loadExperience, saveExperience } from '../store/experience-file.ts';
import { makeTemplate, planBoot, type BootPlan } from './boot-plan.ts';
import { templateCacheBytes, type RunContext } from './context.ts';
import type { Next } from './repetitions.ts';
import { runCell, type CellRun, type Stage } from './run-cell.ts';

/** Runs cells, stores each result the moment it ends and reports it. */
export async function runCells(todo: readonly Cell[], context: RunContext): Promise<void> {
  const { options } = context;
  await using templates = new TemplateStore(options.cacheDir, templateCacheBytes(options));
  const experience = await loadExperience(options.cacheDir);
  const disk = new Budget(decideDiskMib(await templates.readFreeMib()));
  const runner = new CellRunner(context, templates, disk, experience);
  const plans = await Promise.all(planBoots(todo, context, templates, runner.signal));
  const missing = context.cold ? [] : plans.filter(({ stage }) => stage.template === null);
  const ready = plans.filter((plan) => !missing.includes(plan));
  const planOf = new Map(missing.map((plan) => [plan.group, plan]));
  // Boots go first: what waits for them is the longest way to the end. Clones of templates that are there fill the rest.
  const boots = orderGroups([...planOf.keys()], experience.durations).flatMap(
    (group) => planOf.get(group) ?? [],
  );
  await settleAll([
    ...boots.map((plan) => runner.runWithTemplate(plan)),
    runner.runAll(ready.flatMap(({ group, stage }) => stageCells(group, stage))),
  ]);
  await templates.collect();
  await saveExperience(options.cacheDir, learn(experience, runner.learned));
}

function planBoots(
  todo: readonly Cell[],
  context: RunContext,
  templates: TemplateStore,
  signal: AbortSignal,
): readonly Promise<BootPlan>[] {
  return groupByBoot(todo).flatMap((whole) => {
    const built = context.prepared.images.get(whole.settings.kernel);
    if (built === undefined) throw new RangeError('a group without images');
    return fitDisks(whole, built).map(({ group, images }) =>
      planBoot(group, images, context, templates, signal),
    );
  });
}

type Staged = Readonly<{ id: string; cell: Cell; stage: Stage }>;

const stageCells = ({ cells }: BootGroup, stage: Stage): readonly Staged[] =>
  cells.map((cell) => ({ id: cell.id, cell, stage }));

/** Runs staged cells on the pool of the run, and learns what they took. */
class CellRunner {
  readonly #context: RunContext;
  readonly #templates: TemplateStore;
  readonly #disk: Budget;
  readonly #experience: Experience;
  // A failure of the harness itself (a full disk) ends the other cells too: their results could not be kept.
  readonly #failure = new AbortController();
  readonly #durations = new Map<string, number>();
  readonly #peaksMib = new Map<string, number>();
  /** Fires when the user ends the run and when the harness fails. */
  readonly signal: AbortSignal;

  constructor(context: RunContext, templates: TemplateStore, disk: Budget, experience: Experience) {
    this.#context = context;
    this.#templates = templates;
    this.#disk = disk;
    this.#experience = experience;
    this.signal = AbortSignal.any([context.signal, this.#failure.signal]);
  }

  /** How long cells took, ms, and what guests became, MiB. */
  get learned(): Experience {
    return { durations: this.#durations, peaksMib: this.#peaksMib };
  }

  async runWithTemplate(plan: BootPlan): Promise<void> {
    const template = await this.#context.pool.run(() => this.#bootTemplate(plan));
    await this.runAll(stageCells(plan.group, { ...plan.stage, template }));
  }

  runAll(cells: readonly Staged[]): Promise<void> {
    const ordered = orderCells(cells, this.#experience.durations);
    return settleAll(ordered.map(({ cell, stage }) => this.#runOne(cell, stage)));
  }

  async #bootTemplate(plan: BootPlan): Promise<Template | null> {
    const { group, stage } = plan;
    const release = await this.#admit(bootKey(group.settings), stage.spec.memoryMib);
    const free = await this.#disk.acquire(estimateDiskMib(stage.spec.memoryMib));
    try {
      return await makeTemplate(plan, this.#templates, this.#context);
    } finally {
      release();
      free();
    }
  }

  async #runOne(cell: Cell, stage: Stage): Promise<void> {
    try {
      const ended = await this.#context.pool.run(() => this.#runAdmitted(cell, stage));
      if (ended === null) return;
      const next = await this.#keep(cell, ended);
      // A clone would only replay what the first one did.
      if (next.kind === 'retry') await this.#runOne(next.cell, { ...stage, template: null });
    } catch (error) {
      if (this.signal.aborted) return;
      this.#failure.abort();
      throw error;
    }
  }

  /** Memory a guest of this boot will take: as the last one did, here or in an earlier run. */
  #admit(key: string, memoryMib: number): Promise<() => void> {
    const seen = Math.max(0, ...this.#peaksMib.values());
    const known = Math.max(this.#experience.peaksMib.get(key) ?? 0, seen);
    return this.#context.pool.acquireMemory(estimateCostMib(memoryMib, known === 0 ? null : known));
  }

  /** Runs a cell that has its slot, once memory is granted. Its machine may still be ending when the next one starts. */
  async #runAdmitted(cell: Cell, stage: Stage): Promise<CellRun | null> {
    if (this.signal.aborted) return null;
    const key = bootKey(cell.settings);
    const release = await this.#admit(key, stage.spec.memoryMib);
    let ended: CellRun;
    this.#context.reporter.onCellStart(cell);
    const bad = stage.template !== null && !this.#templates.isTrusted(stage.template);
    try {
      ended = await runCell(cell, bad ? { ...stage, template: null } : stage);
    } catch (error) {
      release();
      throw error;
    }
    void ended.stopped.then(release);
    const peakMib = ended.peakMib;
    if (peakMib !== null) this.#peaksMib.set(key, Math.max(this.#peaksMib.get(key) ?? 0, peakMib));
    return ended;
  }

  async #keep(cell: Cell, { result: found, evidence, stopped }: CellRun): Promise<Next> {
    const { run, results, tracker, reporter } = this.#context;
    const timings = { ...found.timings, teardown: await stopped };
    const ended = startOverhead(cell, { ...found, timings, evidence: run.writeEvidence(cell, evidence) });
    const { result, next } = tracker.add(cell, ended);
    results.append(result);
    for (const [id, ms] of collectDurations([result])) this.#durations.set(id, ms);
    reporter.onCellEnd(result);
    if (next.kind === 'done' && !awaitsOverhead(cell, next.results)) reporter.onCellDone(next.results);
    return next;
  }
}

/** Waits for all, also when one fails, so that nothing runs on behind the caller's back; then throws the first. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(work);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
