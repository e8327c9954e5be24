/** All cells of a run, at one level of concurrency: templates are booted or found, cells run from them, results kept. */
import type { BuiltImages } from '../../images/build.ts';
import { type ErrorCode, PoolproofError } from '../errors.ts';
import { buildTemplate, chooseWarmRuns, templateKey } from '../guest/build-template.ts';
import { startMachine } from '../machine/machine.ts';
import { TemplateStore, type Template } from '../machine/template-store.ts';
import type { Cell } from '../matrix/cell.ts';
import { awaitsOverhead, startOverhead } from './measurement-groups.ts';
import { Budget, decideDiskMib, estimateDiskMib } from '../plan/admission.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
import { fitDisks } from '../plan/disks.ts';
import { learn, orderCells, orderGroups } from '../plan/experience.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { bootKey, estimateCostMib, groupByBoot, type BootGroup } from '../plan/order.ts';
import { collectDurations } from '../plan/shard-durations.ts';
import type { Next } from './repetitions.ts';
import { templateCacheBytes, type RunContext } from './context.ts';
import { runCell, type CellRun, type Stage } from './run-cell.ts';
import { loadExperience, saveExperience } from '../store/experience-file.ts';

/** A boot that hangs or dies says nothing about the next one: measured, one in some hundred on a loaded machine. */
const templateTries = 2;
const worthAnotherBoot: readonly ErrorCode[] = [
  'MACHINE_TIMEOUT',
  'MACHINE_STALLED',
  'MACHINE_EXITED',
  'TEMPLATE_INVALID',
];

/** Runs cells, stores each result the moment it ends and reports it. */
export async function runCells(todo: readonly Cell[], context: RunContext): Promise<void> {
  const { prepared, run, results, reporter, tracker, pool, options } = context;
  // A failure of the harness itself (a full disk) ends the other cells too: their results could not be kept.
  const failure = new AbortController();
  const signal = AbortSignal.any([context.signal, failure.signal]);
  await using templates = new TemplateStore(options.cacheDir, templateCacheBytes(options));
  const experience = await loadExperience(options.cacheDir);
  const disk = new Budget(decideDiskMib(await templates.readFreeMib()));
  const durations = new Map<string, number>();
  const peaksMib = new Map<string, number>();

  /** Memory a guest of this boot will take: as the last one did, here or in an earlier run. */
  const admit = (key: string, memoryMib: number): Promise<() => void> => {
    const seen = peaksMib.size === 0 ? null : Math.max(...peaksMib.values());
    const known = Math.max(experience.peaksMib.get(key) ?? 0, seen ?? 0);
    return pool.acquireMemory(estimateCostMib(memoryMib, known === 0 ? null : known));
  };
  /** The part that takes a core and memory. Its machine may still be going when the next one starts. */
  const attend = async (cell: Cell, stage: Stage): Promise<CellRun | null> => {
    if (signal.aborted) return null;
    const key = bootKey(cell.settings);
    const release = await admit(key, stage.spec.memoryMib);
    reporter.onCellStart(cell);
    const bad = stage.template !== null && !templates.isTrusted(stage.template);
    let ended: CellRun;
    try {
      ended = await runCell(cell, bad ? { ...stage, template: null } : stage);
    } catch (error) {
      release();
      throw error;
    }
    void ended.stopped.then(release);
    if (ended.peakMib !== null) peaksMib.set(key, Math.max(peaksMib.get(key) ?? 0, ended.peakMib));
    return ended;
  };
  const keep = async (cell: Cell, { result: found, evidence, stopped }: CellRun): Promise<Next> => {
    const timings = { ...found.timings, teardown: await stopped };
    const ended = startOverhead(cell, { ...found, timings, evidence: run.writeEvidence(cell, evidence) });
    const { result, next } = tracker.add(cell, ended);
    results.append(result);
    for (const [id, ms] of collectDurations([result])) durations.set(id, ms);
    reporter.onCellEnd(result);
    if (next.kind === 'done' && !awaitsOverhead(cell, next.results)) reporter.onCellDone(next.results);
    return next;
  };
  const runOne = async (cell: Cell, stage: Stage): Promise<void> => {
    try {
      const ended = await pool.run(() => attend(cell, stage));
      if (ended === null) return;
      const next = await keep(cell, ended);
      // A clone would only replay what the first one did.
      if (next.kind === 'retry') await runOne(next.cell, { ...stage, template: null });
    } catch (error) {
      if (signal.aborted) return;
      failure.abort();
      throw error;
    }
  };
  const runAll = (cells: readonly Staged[]): Promise<void> =>
    settleAll(orderCells(cells, experience.durations).map(({ cell, stage }) => runOne(cell, stage)));
  const withTemplate = async ({ group, stage, key }: Ground): Promise<void> => {
    const build = async (): Promise<Template | null> => {
      const [release, free] = [
        await admit(bootKey(group.settings), stage.spec.memoryMib),
        await disk.acquire(estimateDiskMib(stage.spec.memoryMib)),
      ];
      try {
        return await makeTemplate({ group, stage, key }, templates, context);
      } finally {
        release();
        free();
      }
    };
    const template = await pool.run(build);
    await runAll(stageCells(group, { ...stage, template }));
  };

  const grounds = await Promise.all(
    groupByBoot(todo).flatMap((whole) => {
      const built = prepared.images.get(whole.settings.kernel);
      if (built === undefined) throw new RangeError('a group without images');
      return fitDisks(whole, built).map(({ group, images }) =>
        prepareGround(group, images, context, templates, signal),
      );
    }),
  );
  const missing = context.cold ? [] : grounds.filter(({ stage }) => stage.template === null);
  const ready = grounds.filter((ground) => !missing.includes(ground));
  // Boots go first: what waits for them is the longest way to the end. Clones of templates that are there fill the rest.
  const order = orderGroups(
    missing.map(({ group }) => group),
    experience.durations,
  );
  await settleAll([
    ...order.map((group) => withTemplate(missing.find((ground) => ground.group === group) ?? never())),
    runAll(ready.flatMap(({ group, stage }) => stageCells(group, stage))),
  ]);
  await templates.collect();
  await saveExperience(options.cacheDir, learn(experience, { durations, peaksMib }));
}

/** Cells that share a boot, what they run on, and the key of their template. */
type Ground = Readonly<{ group: BootGroup; stage: Stage; key: string }>;

type Staged = Readonly<{ id: string; cell: Cell; stage: Stage }>;

const stageCells = ({ cells }: BootGroup, stage: Stage): readonly Staged[] =>
  cells.map((cell) => ({ id: cell.id, cell, stage }));

function never(): never {
  throw new RangeError('a group that is no group of this run');
}

async function prepareGround(
  group: BootGroup,
  built: BuiltImages,
  { prepared, cold, options }: RunContext,
  templates: TemplateStore,
  signal: AbortSignal,
): Promise<Ground> {
  const {
    qemu,
    accelerator: { accelerator },
  } = prepared;
  const spec = buildMachineSpec(group.settings, built, { qemu: qemu.path, accelerator });
  const stage: Stage = {
    spec,
    images: built,
    deadlines: { ...deadlinesFor(accelerator), ...options.deadlines },
    template: null,
    onDoubtfulClone: async ({ key }, reason, isBad) => {
      const dropped = isBad ? ', and its template is dropped' : '';
      options.onNotice?.(`a clone failed and its cell was booted instead${dropped}: ${reason}`);
      if (isBad) await templates.distrust(key);
    },
    signal,
    startMachine: options.startMachine ?? startMachine,
  };
  const key = await templateKey(templateRequest(group, stage, templates, qemu.title));
  if (cold) return { group, key, stage };
  await templates.use(key);
  return { group, key, stage: { ...stage, template: await templates.find(key) } };
}

function templateRequest(
  { cells }: BootGroup,
  { spec, deadlines, startMachine: start }: Stage,
  store: TemplateStore,
  qemuTitle: string,
) {
  const warm = chooseWarmRuns(
    cells.map(({ settings }) => settings),
    deadlines,
  );
  return { store, spec, qemuTitle, warm, deadlines, startMachine: start };
}

/** A template made now; null when it cannot be made, and then every cell boots. */
async function makeTemplate(
  { group, stage, key }: Ground,
  templates: TemplateStore,
  { prepared: { qemu }, options: { onNotice } }: RunContext,
): Promise<Template | null> {
  for (let left = templateTries; !stage.signal.aborted;) {
    try {
      return await buildTemplate(templateRequest(group, stage, templates, qemu.title), key);
    } catch (error) {
      if (!(error instanceof PoolproofError)) throw error;
      left -= 1;
      const again = left > 0 && worthAnotherBoot.includes(error.code);
      const then = again ? 'it is booted again' : 'its cells are booted';
      onNotice?.(`no template for ${stage.spec.memoryMib} MiB, ${then}: ${error.message}`);
      if (!again) return null;
    }
  }
  return null;
}

/** Waits for all, also when one fails, so that nothing runs on behind the caller's back; then throws the first. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(work);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
