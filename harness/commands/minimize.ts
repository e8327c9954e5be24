/** `poolproof minimize <cell>`: the fewest settings away from their defaults that still show the failure. */
import { PoolproofError } from '../errors.ts';
import { type Deviation, keepOnly, listDeviations, minimize as findMinimal } from '../field/minimize.ts';
import { parseCellName } from '../field/results.ts';
import { signatureOf } from '../field/symptom.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Settings } from '../axes/table.ts';
import { estimateCell } from '../outcome/predict-cell.ts';
import { formatCount } from '../report/format-run.ts';
import type { Context } from './context.ts';
import { openTrialRunner, untilInterrupted } from './field-context.ts';

/** The predicted outcome and the pool that stops it: the part of a signature that the model knows. */
function outline(settings: Settings): string {
  const prediction = estimateCell(settings);
  if (prediction === null) return 'refused';
  const stops = prediction.tiers.flatMap((one) => (one.fits ? [] : [`${one.tier} ${one.shortfall.pool}`]));
  const until = prediction.tiers.findIndex(({ fits }) => fits);
  return [prediction.tier ?? prediction.outcome, ...stops.slice(0, until < 0 ? undefined : until)].join();
}

const listTexts = (some: readonly Deviation[]): string =>
  some.map(({ text }) => text).join(', ') || 'none: it fails with every default';

/** Exit code: 0 when it was made smaller or is minimal already; 1 when there is no failure to keep, 130 interrupted. */
export async function minimize(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const [text, ...others] = args;
  if (text === undefined || others.length > 0) throw new PoolproofError('USAGE', 'expected one cell id');
  const { id, settings } = parseCellName(text);
  const runTrial = await openTrialRunner(context, options, { title: 'minimize', cold: true, once: true });
  const first = await runTrial(settings);
  const wanted = signatureOf(first);
  if (first.tiers.every(({ ok }) => ok) && first.outcome === 'reached') {
    context.out(`nothing fails at ${id}: ${wanted}\n`);
    return 1;
  }
  const sketch = outline(settings);
  let smallest = listDeviations(settings);
  const minimal = await untilInterrupted(
    findMinimal(settings, {
      shows: async (some) => {
        const shown = signatureOf(await runTrial(some)) === wanted;
        const kept = listDeviations(some);
        if (shown && kept.length < smallest.length) smallest = kept;
        return shown;
      },
      model: (some) => outline(some) === sketch,
    }),
  );
  if (minimal === undefined) {
    context.out(`failure: ${wanted}\nneeded, or not yet known: ${listTexts(smallest)}\n`);
    context.out(`cell: ${formatCellId(keepOnly(settings, smallest))}\n`);
    context.out('interrupted: the cell fails, but a smaller one may fail as well\n');
    return 130;
  }
  if (minimal === null) {
    context.out(`flaky: ${wanted} was seen once and not again\n`);
    return 1;
  }
  const { kept, needless, questions } = minimal;
  context.out(`failure: ${wanted}\n`);
  context.out(`needed: ${listTexts(kept)}\n`);
  context.out(`not needed: ${needless.map((one) => one.text).join(', ') || 'none'}\n`);
  context.out(`cell: ${formatCellId(keepOnly(settings, kept))}\n`);
  context.out(
    `seen in ${formatCount(questions, 'guest')}; without any one of what is needed it is another failure or none\n`,
  );
  return 0;
}
