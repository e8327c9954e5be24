/** One figure per tier that a reader can use: the mean over real programs, and that over the requests of a server. */
import { logAverage } from 'simple-statistics';
import type { Tier } from '../../images/allocator/tier.ts';
import { type Clock, type Interval, means, type OverheadSummary } from '../measure/figures.ts';
import type { Result } from '../store/result.ts';
import { type Group, groupBy } from './group-by.ts';

/** How much that is: by the mean, in a word for the eye. The sign says it without colour. */
export const bands = [
  { below: 1.005, sign: '▁', text: 'no cost (below 0.5 %)' },
  { below: 1.05, sign: '▃', text: 'below 5 %' },
  { below: 1.2, sign: '▅', text: '5 to 20 %' },
  { below: Infinity, sign: '▇', text: '20 % and more' },
] as const;

/** Of several measurements, as of several versions of Node: their mean, and the outermost ends of their intervals. */
export type HeadlineCost = Interval &
  Readonly<{
    /** `conservative/explicit, wasmtime` */
    name: string;
    tier: Tier;
    of: 'real programs' | 'a request';
    clock: Clock;
    /** The CPU that was timed; null for instructions. */
    cpuModel: string | null;
    measurements: number;
    /** Of its band. */
    sign: string;
    /** Every one of them ran the same machine code as the baseline. */
    sameCode: boolean;
  }>;

type Measured = Interval & Pick<HeadlineCost, 'name' | 'tier' | 'of' | 'clock' | 'cpuModel' | 'sameCode'>;

/** Figures of unstable sessions say nothing. Times stand before instructions: users feel them. */
export function findHeadlineCosts(
  cells: readonly Readonly<{ results: readonly Result[]; figures: readonly OverheadSummary[] }>[],
): readonly HeadlineCost[] {
  const measured = cells.flatMap(({ results, figures }) => [
    ...figures.flatMap(readPrograms),
    ...results.flatMap(readRequests),
  ]);
  return [...groupBy(measured, ({ name, of }) => `${name}\n${of}`).values()].flatMap((all) => {
    const clock: Clock = all.some((one) => one.clock === 'time') ? 'time' : 'instructions';
    // Times of two CPUs are two quantities.
    const byCpu = groupBy(
      all.filter((one) => one.clock === clock),
      ({ cpuModel }) => cpuModel ?? '',
    );
    return [...byCpu.values()].map(joinMeasurements);
  });
}

function joinMeasurements(all: Group<Measured>): HeadlineCost {
  // Cells that share a measurement have the same figures.
  const own = [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
  const ratio = logAverage(own.map((one) => one.ratio));
  return {
    ...all[0],
    ratio,
    sign: bands.reduceRight((least, band) => (ratio < band.below ? band : least)).sign,
    low: Math.min(...own.map(({ low }) => low)),
    high: Math.max(...own.map(({ high }) => high)),
    sameCode: own.every(({ sameCode }) => sameCode),
    measurements: own.length,
  };
}

function readPrograms(figure: OverheadSummary): readonly Measured[] {
  const { workload, stable, tier, form, engine, clock, cpuModel, ratio, low, high, sameCode } = figure;
  if (workload !== means.program || !stable) return [];
  const name = `${tier}/${form}, ${engine}`;
  return [{ name, tier, of: 'real programs', clock, cpuModel, ratio, low, high, sameCode }];
}

/** Over the kinds of requests that were priced in a cell; one that is unstable leaves no mean over all of them. */
function readRequests({ serving, tier, settings }: Result): readonly Measured[] {
  const prices = serving?.kind === 'measured' ? serving.prices : [];
  if (tier === null || prices.length === 0 || prices.some(({ stable }) => !stable)) return [];
  const mean = (end: keyof Interval): number => logAverage(prices.map(({ ratio }) => ratio[end]));
  const [ratio, low, high] = [mean('ratio'), mean('low'), mean('high')];
  const name = `${tier}, ${settings.subject}`;
  return [
    { name, tier, of: 'a request', clock: 'instructions', cpuModel: null, ratio, low, high, sameCode: false },
  ];
}
