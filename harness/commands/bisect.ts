/** `poolproof bisect`: the value of an axis from which a tier is reached. */
import { tiers, type Tier } from '../../images/allocator/tier.ts';
import { PoolproofError } from '../errors.ts';
import { rangeOf, type AxisRange } from '../field/axis-range.ts';
import { bisect as findThreshold, predictThreshold, type Found, type Threshold } from '../field/bisect.ts';
import { reached } from '../field/fix.ts';
import { reaches } from '../field/model.ts';
import { axes, defaultSettings, rowOf, type Settings } from '../axes/table.ts';
import { parseCellId, resolveAxis } from '../matrix/cell-id.ts';
import { estimateCell } from '../outcome/predict-cell.ts';
import { textOption, type Context } from './context.ts';
import { openTrialRunner, untilInterrupted } from './field-context.ts';

type Options = Readonly<Record<string, unknown>>;

/** @throws PoolproofError `USAGE` when it is no tier. */
export function tierOption(options: Options, otherwise: Tier): Tier {
  const text = textOption(options, 'tier');
  if (text === undefined) return otherwise;
  const tier = tiers.find((one) => one === text);
  if (tier === undefined)
    throw new PoolproofError('USAGE', `--tier ${text}: must be one of ${tiers.join(', ')}`);
  return tier;
}

/** Exit code: 0 a sharp threshold, 1 none, flaky or refused, 130 interrupted. */
export async function bisect(context: Context, args: readonly string[], options: Options): Promise<number> {
  if (args.length > 0) throw new PoolproofError('USAGE', 'bisect takes no arguments');
  const tier = tierOption(options, 'standard');
  const name = textOption(options, 'axis');
  if (name === undefined) throw new PoolproofError('USAGE', '--axis names the axis to search, e.g. memory');
  const axis = resolveAxis(name);
  const where = textOption(options, 'where');
  const base: Settings = where === undefined ? defaultSettings() : parseCellId(where);
  const range = rangeOf(axis, textOption(options, 'from'), textOption(options, 'to'));
  const model = (index: number): boolean | null => {
    const prediction = estimateCell(range.at(base, index));
    return prediction === null ? null : reaches(prediction, tier);
  };
  const predicted = predictThreshold(range.length, model);
  // Another boot value is another machine: a template would be made and never used again.
  const runTrial = await openTrialRunner(context, options, {
    title: 'bisect',
    cold: rowOf(axes, axis).applies === 'boot',
    once: false,
  });
  const known = new Map<number, boolean>();
  const threshold = await untilInterrupted(
    findThreshold(
      async (index) => {
        const works = reached(await runTrial(range.at(base, index)), tier);
        known.set(index, works);
        return works;
      },
      { length: range.length, predicted, model },
    ),
  );
  if (threshold === undefined) {
    const found = [...known].sort(([a], [b]) => a - b).map(([index, works]) => ({ index, works }));
    for (const one of found) context.out(`${describeFound(one, range, tier)}\n`);
    context.out('interrupted: the threshold is not known\n');
    return 130;
  }
  context.out(`${describeThreshold(threshold, range, tier, predicted)}\n`);
  return threshold.kind === 'sharp' ? 0 : 1;
}

/** What guests said of a value. */
const describeFound = ({ index, works }: Found, { axis, text }: AxisRange, tier: Tier): string =>
  `${axis}=${text(index)} ${works ? 'reaches' : 'does not reach'} ${tier}`;

/** One or more lines, with the prediction beside what was found. */
export function describeThreshold(
  threshold: Threshold,
  range: AxisRange,
  tier: Tier,
  predicted: number | null,
): string {
  const { axis, text, length } = range;
  const beside = `predicted: ${predicted === null ? 'none in this range' : `${axis}=${text(predicted)}`}`;
  const span = `from ${text(0)} to ${text(length - 1)}`;
  switch (threshold.kind) {
    case 'sharp': {
      const { index, confirmations } = threshold;
      return `${tier} from ${axis}=${text(index)}; not at ${text(index - 1)} (each seen ${confirmations} times)\n${beside}`;
    }
    case 'flaky': {
      const { index, worked, asked } = threshold;
      return `flaky: ${axis}=${text(index)} reached ${tier} ${worked} of ${asked} times\n${beside}`;
    }
    case 'not-monotonic':
      return `refused: \`${axis}\` has no threshold here; ${threshold.counterexample
        .filter((one, place, all) => all.indexOf(one) === place)
        .map((one) => describeFound(one, range, tier))
        .join(', ')}\n${beside}`;
    case 'always':
      return `${tier} is reached everywhere ${span}\n${beside}`;
    case 'never':
      return `${tier} is reached nowhere ${span}\n${beside}`;
  }
}
