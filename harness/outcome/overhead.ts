/** The overhead of a cell as stored in its result, with its source and the verdict on a bound. */
import type { Checks, Tier } from '../../images/allocator/tier.ts';
import type { TierConfiguration } from '../measure/configurations.ts';
import { means, type OverheadSummary, type TierResources } from '../measure/figures.ts';
import type { Outcome } from './outcome.ts';

/** A workload that could not be measured, and the reason; `workload` is null when the reason concerns all. */
export type NotMeasured = Readonly<{ workload: string | null; reason: string }>;

/** Source of the figures of a result. */
export type OverheadSource = Readonly<{
  /** `baseline`: the cell reached the baseline itself, so there is nothing to measure. */
  kind: 'baseline' | 'measured' | 'not-measured';
  /** The cell of the measurement, as `id#repetition`: another cell if they share one. Null without a measurement. */
  measuredIn: string | null;
  notMeasured: readonly NotMeasured[];
  /** Why the baseline differs from `standard/elided`; null when it does not. */
  baselineNote: string | null;
  resources: readonly TierResources[];
  /** Duration in ms; that of the whole measurement if it is shared. */
  wallMs: number;
}>;

/** The part of a result that a measurement adds: both fields or neither. */
export type CellOverhead = Readonly<{
  overhead: readonly OverheadSummary[];
  overheadSource: OverheadSource;
}>;

/** The configuration that was proven in a cell; null unless it reached a tier. */
export function subjectOf({
  outcome,
  tier,
  form,
}: Readonly<{
  outcome: Outcome;
  tier: Tier | null;
  form: Readonly<{ checks: Checks }> | null;
}>): TierConfiguration | null {
  return outcome === 'reached' && tier !== null && form !== null ? { tier, checks: form.checks } : null;
}

/** `standard` without checks is the baseline of every measurement: its overhead is 0 by definition. */
export const isBaseline = ({
  tier,
  checks,
}: Readonly<{ tier: Tier | null; checks: Checks | null }>): boolean =>
  tier === 'standard' && checks === 'elided';

/** A cell that reached the baseline. */
export const baselineOverhead: CellOverhead = {
  overhead: [],
  overheadSource: {
    kind: 'baseline',
    measuredIn: null,
    notMeasured: [],
    baselineNote: null,
    resources: [],
    wallMs: 0,
  },
};

/** The overhead of a cell whose measurement was requested but impossible. */
export function notMeasured(reason: string): CellOverhead {
  return {
    overhead: [],
    overheadSource: {
      ...baselineOverhead.overheadSource,
      kind: 'not-measured',
      notMeasured: [{ workload: null, reason }],
    },
  };
}

const meanNames: readonly string[] = Object.values(means);

export const isMean = ({ workload }: Pick<OverheadSummary, 'workload'>): boolean =>
  meanNames.includes(workload);

/**
 * The figures a bound is held against: the geometric means, of which a table shows the same; single workloads
 * where too few were measured for a mean. Of two clocks time counts: users feel it.
 */
export function pickJudged(overhead: readonly OverheadSummary[]): readonly OverheadSummary[] {
  const timed = overhead.filter(({ clock }) => clock === 'time');
  const counted = timed.length > 0 ? timed : overhead;
  const averaged = counted.filter(isMean);
  return averaged.length > 0 ? averaged : counted;
}

type OverheadVerdict = 'met' | 'exceeded' | 'undecided';

/** Compares an overhead with its bound (0.2 for 20 %): met, exceeded or undecided. */
export function judgeOverhead({ low, high, stable }: OverheadSummary, bound: number): OverheadVerdict {
  if (!stable) return 'undecided';
  if (high <= 1 + bound) return 'met';
  return low > 1 + bound ? 'exceeded' : 'undecided';
}

export type BoundJudgement = Readonly<{
  verdict: OverheadVerdict;
  /** The figure that decides, null where there is none. */
  figure: OverheadSummary | null;
}>;

/**
 * A bound on a cell's overhead: exceeded when any figure is shown to be above it, met when all are shown not to
 * be, else undecided; also when nothing was measured.
 */
export function judgeBound({ overhead, overheadSource }: CellOverhead, bound: number): BoundJudgement {
  if (overheadSource.kind === 'baseline') return { verdict: 'met', figure: null };
  const judged = pickJudged(overhead).map((figure) => ({ verdict: judgeOverhead(figure, bound), figure }));
  for (const verdict of ['exceeded', 'undecided'] as const) {
    const found = judged.filter((one) => one.verdict === verdict);
    const [worst] = found.sort((a, b) => b.figure.high - a.figure.high);
    if (worst !== undefined) return worst;
  }
  const [highest] = judged.sort((a, b) => b.figure.high - a.figure.high);
  return highest ?? { verdict: 'undecided', figure: null };
}
