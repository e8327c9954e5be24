/** Samples of servers → what a request costs in each configuration, with intervals. Pure. */
import { median } from 'simple-statistics';
import type { Interval } from './figures.ts';
import type { ServingCase } from './serving-plan.ts';
import type { ServingSample, TurnFigures } from './serving-sample.ts';
import { coversOne, estimateRatio } from './statistics.ts';

/** What a request costs in one configuration. */
export type ServingFigure = Readonly<{
  work: string;
  connections: number;
  mode: string;
  /** CPU time of the server per request, median of the samples. */
  cpuNs: number;
  requestsPerSecond: number;
  /** Medians over samples, each sample's own quantile. */
  p50Ms: number;
  p99Ms: number;
  /** In all samples. */
  requests: number;
  rounds: number;
  /** The mode that `cpu` and `rate` are to; null for the baseline. */
  to: string | null;
  /** CPU time per request, to the baseline; null for the baseline. */
  cpu: Interval | null;
  /** Requests per second, to the baseline. */
  rate: Interval | null;
  /** False: the baseline differed from itself, and nothing follows. */
  stable: boolean;
  /** Why the figures do not count; null where they do. */
  invalid: string | null;
}>;

/** The samples of a case in one round, in the order of its contenders. */
export type ServingRound = readonly ServingSample[];

/**
 * @param rounds at least two of this case
 * @returns a figure for the baseline and each other contender; the baseline's equal is in `stable`, and is a figure of
 * its own, `NAME (again)`
 */
export function evaluateServing(
  { work, connections, contenders }: ServingCase,
  rounds: readonly ServingRound[],
): readonly ServingFigure[] {
  const samplesOf = (index: number): ServingSample[] => rounds.flatMap((round) => round[index] ?? []);
  return contenders.map(({ name, server }, index) => {
    const first = contenders.findIndex((other) => other.server === server);
    // Nothing else can be said of the baseline of a second server than how it stands to the first one's.
    const to = index === first ? 0 : first;
    const [own, base] = [samplesOf(index), samplesOf(to)];
    const noise = compare(samplesOf(first + 1), samplesOf(first), 'cpuNs');
    const invalid = [...own, ...base].find((sample) => sample.invalid !== null)?.invalid ?? null;
    const middle = (field: NumberField): number => median(own.map((sample) => sample[field]));
    const ratio = (field: keyof TurnFigures): Interval | null =>
      index === 0 || invalid !== null ? null : compare(own, base, field);
    return {
      work,
      connections,
      mode: index === first + 1 ? `${name} (again)` : name,
      cpuNs: middle('cpuNs'),
      requestsPerSecond: middle('requestsPerSecond'),
      p50Ms: middle('p50Ms'),
      p99Ms: middle('p99Ms'),
      requests: own.reduce((sum, { requests }) => sum + requests, 0),
      rounds: rounds.length,
      to: index === 0 ? null : (contenders[to]?.name ?? null),
      cpu: ratio('cpuNs'),
      rate: ratio('requestsPerSecond'),
      stable: coversOne(noise),
      invalid,
    };
  });
}

type NumberField = Exclude<keyof ServingSample, 'invalid' | 'turns'>;

/**
 * Over the log ratios of the rounds, each the median over its turns: where other work begins or ends between two
 * turns, their ratio says nothing, and the median is that of the others.
 */
const compare = (
  own: readonly ServingSample[],
  base: readonly ServingSample[],
  field: keyof TurnFigures,
): Interval =>
  estimateRatio(
    own.map(({ turns }, round) =>
      median(turns.map((turn, at) => Math.log(turn[field] / (base[round]?.turns[at]?.[field] ?? NaN)))),
    ),
  );
