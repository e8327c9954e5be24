/**
 * What the tiers of a run cost, measured when all its cells have ended: nothing else runs then, and every tier is
 * already on the disk. A measured cell gets a further line, see results/README.md.
 */
import { PoolproofError } from '../errors.ts';
import type { GuestOverhead } from '../measure/measure-guest.ts';
import { joinOverhead } from '../outcome/judge-overhead.ts';
import { notMeasured, type CellOverhead } from '../outcome/overhead.ts';
import { cellKey } from '../store/read-run.ts';
import type { RunContext } from './context.ts';
import { planMeasurements, type MeasureGroup } from './measurement-groups.ts';
import { measureServings } from './measure-servings.ts';
import { settleAll } from './runner.ts';

export type MeasureContext = Readonly<{
  matrix: Pick<RunContext['matrix'], 'cells'>;
  run: Pick<RunContext['run'], 'addEvidence'>;
  results: RunContext['results'];
  reporter: Pick<RunContext['reporter'], 'onMeasureStart' | 'onMeasureEnd' | 'onCellDone'>;
  /**
   * Several guests may be measured at once: a count of instructions does not depend on its neighbours, and time, which
   * does, is never taken in a guest.
   */
  runner: Pick<RunContext['runner'], 'measure' | 'measureServing'>;
  signal: AbortSignal;
  options: Pick<RunContext['options'], 'cold'>;
  /** Repetitions boot: clones of one template can replay each other. */
  cold: RunContext['cold'];
}>;

/**
 * Measures what the results of the run still lack, those from before a `--resume` among them. A measurement that fails
 * is a reason in the results of its cells and nothing more. Costs nothing where the matrix asks for nothing.
 *
 * @throws PoolproofError STORE_*, DISK_FULL when a line cannot be stored
 */
export async function measureCells(context: MeasureContext): Promise<void> {
  const { matrix, results, signal } = context;
  if (signal.aborted) return;
  const groups = planMeasurements(matrix.cells(), results.list());
  await settleAll(groups.map((group) => measureGroup(group, context)));
  await measureServings(context);
}

async function measureGroup(group: MeasureGroup, context: MeasureContext): Promise<void> {
  const { results, reporter } = context;
  const overhead = group.known ?? (await measureCell(group, context));
  if (overhead === null) return;
  const joined = group.waiting.map((result) => joinOverhead(result, overhead));
  const done = joined.map((result) => results.addMeasured(result, group.measure));
  reporter.onMeasureEnd(joined, 'overhead');
  for (const repetitions of done) if (repetitions !== null) reporter.onCellDone(repetitions);
}

/** Null when the run was interrupted: then nothing is known, and `--resume` measures again. */
async function measureCell(
  { measured, reached, measure, waiting }: MeasureGroup,
  { run, runner, reporter, signal, options }: MeasureContext,
): Promise<CellOverhead | null> {
  const { settings, facts, evidence } = measured;
  const onStart = (): void => reporter.onMeasureStart(measured, waiting.length, 'overhead');
  if (facts === null) {
    onStart();
    return notMeasured('the limits of the cell are not known');
  }
  const { workloads, precision, budgetMs } = measure;
  const cold = options.cold ?? false;
  let found: GuestOverhead;
  try {
    const request = { settings, reached, facts, workloads, precision, budgetMs, cold };
    found = await runner.measure(request, onStart, signal);
  } catch (error) {
    if (signal.aborted) return null;
    if (!(error instanceof PoolproofError)) throw error;
    return notMeasured(error.message);
  }
  if (evidence !== null) {
    run.addEvidence(evidence, {
      'overhead.jsonl': found.raw.map((line) => `${line.trim()}\n`).join(''),
      'overhead-protocol.log': `${found.protocol.join('\n')}\n`,
    });
  }
  if (found.kind === 'not-measured') return notMeasured(found.reason);
  return {
    overhead: found.summaries,
    overheadSource: {
      kind: 'measured',
      measuredIn: cellKey(measured),
      notMeasured: found.notMeasurable,
      baselineNote: found.baselineNote,
      resources: found.resources,
      wallMs: Math.round(found.wallMs),
    },
  };
}
