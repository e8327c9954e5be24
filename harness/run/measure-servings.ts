/** What requests cost in the cells of a run that ask for it: see `measure-cells.ts`. */
import { PoolproofError } from '../errors.ts';
import type { GuestServing } from '../measure/measure-serving.ts';
import { servingNotMeasured, type CellServing } from '../outcome/serving.ts';
import { cellKey } from '../store/read-run.ts';
import type { MeasureContext } from './measure-cells.ts';
import { settleAll } from './runner.ts';
import { planServings, type ServingGroup } from './serving-groups.ts';

/**
 * Measures what the results of the run still lack. A measurement that fails is a reason in the results of its cells.
 *
 * @throws PoolproofError STORE_*, DISK_FULL when a line cannot be stored
 */
export async function measureServings(context: MeasureContext): Promise<void> {
  const { matrix, results, signal } = context;
  if (signal.aborted) return;
  const groups = planServings(matrix.cells(), results.list());
  await settleAll(groups.map((group) => measureGroup(group, context)));
}

async function measureGroup(group: ServingGroup, context: MeasureContext): Promise<void> {
  const { results, reporter } = context;
  const serving = group.known ?? (await measureCell(group, context));
  if (serving === null) return;
  const joined = group.waiting.map((result) => ({ ...results.find(cellKey(result)), serving }));
  const done = joined.map((result) => results.addMeasured(result, group.measure));
  reporter.onMeasureEnd(joined, 'requests');
  for (const repetitions of done) if (repetitions !== null) reporter.onCellDone(repetitions);
}

/** Null when the run was interrupted: then nothing is known, and `--resume` measures again. */
async function measureCell(
  { measured, subject, measure, waiting }: ServingGroup,
  { run, runner, reporter, signal, cold }: MeasureContext,
): Promise<CellServing | null> {
  const { settings, facts, evidence, tier, form } = measured;
  const onStart = (): void => reporter.onMeasureStart(measured, waiting.length, 'requests');
  if (facts === null) {
    onStart();
    return servingNotMeasured('the limits of the cell are not known');
  }
  const { precision, budgetMs } = measure;
  let found: GuestServing;
  try {
    const request = { settings, subject, tier, facts, precision, budgetMs, cold, reached: { tier, form } };
    found = await runner.measureServing(request, onStart, signal);
  } catch (error) {
    if (signal.aborted) return null;
    if (!(error instanceof PoolproofError)) throw error;
    return servingNotMeasured(error.message);
  }
  if (evidence !== null) {
    run.addEvidence(evidence, {
      'serving.jsonl': found.raw.map((line) => `${line}\n`).join(''),
      'serving-protocol.log': `${found.protocol.join('\n')}\n`,
    });
  }
  if (found.kind === 'not-measured') return servingNotMeasured(found.reason);
  return {
    kind: found.isBaseline ? 'baseline' : 'measured',
    measuredIn: cellKey(measured),
    prices: found.prices,
    notMeasured: found.notMeasurable,
    wallMs: Math.round(found.wallMs),
  };
}
