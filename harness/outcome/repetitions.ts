/**
 * Distribution of a repeated cell: the share of each outcome with its interval, and whether the cell is flaky. Only
 * repetitions on boots of their own are independent: two clones of one template can replay each other instruction by
 * instruction, so their agreement proves nothing.
 */
import { type Tier, atLeast, tiers } from '../../images/allocator/tier.ts';
import type { Settings } from '../axes/table.ts';
import { type Outcome, type Verdict, outcomes, silentOutcomes } from './outcome.ts';

/** Label of an observation: the tier, or the outcome where no tier was reached. */
export type Observed = Tier | Outcome;

export type Share = Readonly<{
  observed: Observed;
  count: number;
  /** Share of the judged repetitions with its 95 % interval, 0–1. */
  interval: Interval;
}>;

export type Interval = Readonly<{ low: number; high: number }>;

/** `flaky`: the judged repetitions differ. Null: none could be judged. */
export type CellVerdict = Verdict | 'flaky';

/** The fields of a stored result that a distribution uses. */
export type Repetition = Readonly<{
  id: string;
  repetition: number;
  settings: Settings;
  outcome: Outcome;
  tier: Tier | null;
  verdict: Verdict;
  /** There for a foreign subject, which may come up without telling a tier. */
  subject?: unknown;
}>;

export type Distribution<Run extends Repetition = Repetition> = Readonly<{
  id: string;
  settings: Settings;
  /** Number of repetitions that are trials of the subject. */
  judged: number;
  /** Number of the others: broken, invalid, skipped. */
  silent: number;
  /** Best first; empty when nothing was judged. */
  shares: readonly Share[];
  verdict: CellVerdict;
  /** The results, by repetition. */
  results: readonly [Run, ...Run[]];
}>;

type Ended = Pick<Repetition, 'outcome' | 'tier' | 'subject'>;

/** Whether a repetition is a trial of the subject. */
export const isJudged = (result: Ended): boolean =>
  !(silentOutcomes as readonly Observed[]).includes(observedOf(result));

/** Two-sided 95 % of the normal distribution. */
const z = 1.959963984540054;

/**
 * Wilson's score interval (1927) of a share, 95 %, without continuity correction; it holds for few trials and
 * for shares of 0 and 1, where the usual `p ± 1.96 s` has no width. E.g. 0 of 20 is still up to 16.1 %.
 * @throws RangeError unless both are whole numbers, `0 <= successes <= trials` and `trials >= 1`
 */
export function wilsonInterval(successes: number, trials: number): Interval {
  if (!Number.isInteger(successes) || !Number.isInteger(trials) || successes < 0 || successes > trials) {
    throw new RangeError(`${successes} of ${trials} is no share`);
  }
  if (trials === 0) throw new RangeError('no trial, no share');
  const share = successes / trials;
  const denominator = 1 + z ** 2 / trials;
  const center = (share + z ** 2 / (2 * trials)) / denominator;
  const half = (z / denominator) * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2));
  // Exactly 0 and 1 at the ends, where rounding would leave 1e-17.
  return {
    low: successes === 0 ? 0 : Math.max(0, center - half),
    high: successes === trials ? 1 : Math.min(1, center + half),
  };
}

/** The tier, proven or reported; otherwise the outcome. */
export function observedOf({ tier, outcome, subject }: Ended): Observed {
  if (outcome !== 'reached') return outcome;
  // A stored `reached` without a tier proves nothing, except for a foreign subject, which may report none.
  return tier ?? (subject === undefined ? 'broken' : outcome);
}

/** 0 for `standard`, 1, 2, and 3 for every outcome without a tier: none of those is better than another. */
export function rankOf(observed: Observed): number {
  const place = (tiers as readonly string[]).indexOf(observed);
  return place === -1 ? tiers.length : place;
}

/** One distribution a cell, in the order of first appearance; a cell without repetitions has one trial. */
export function buildDistributions<Run extends Repetition>(
  results: readonly Run[],
): readonly Distribution<Run>[] {
  const byId = new Map<string, { settings: Settings; repeated: [Run, ...Run[]] }>();
  for (const result of results) {
    const known = byId.get(result.id);
    if (known === undefined) byId.set(result.id, { settings: result.settings, repeated: [result] });
    else known.repeated.push(result);
  }
  return Array.from(byId, ([id, { settings, repeated }]) => buildDistribution(id, settings, repeated));
}

function buildDistribution<Run extends Repetition>(
  id: string,
  settings: Settings,
  results: [Run, ...Run[]],
): Distribution<Run> {
  results.sort((a, b) => a.repetition - b.repetition);
  const judged = results.filter(isJudged);
  const counts = new Map<Observed, number>();
  for (const result of judged) {
    const observed = observedOf(result);
    counts.set(observed, (counts.get(observed) ?? 0) + 1);
  }
  const order: readonly Observed[] = [...tiers, ...outcomes];
  const shares = [...counts]
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([observed, count]) => ({ observed, count, interval: wilsonInterval(count, judged.length) }));
  return {
    id,
    settings,
    judged: judged.length,
    silent: results.length - judged.length,
    shares,
    verdict: verdictOf(judged, shares.length),
    results,
  };
}

/**
 * Flaky: different outcomes, or one outcome both expected and not. Different outcomes that are all unexpected are
 * `unexpected`: a cell that is never as expected is no flake. An overhead decided in only some repetitions is
 * undecided.
 */
function verdictOf(judged: readonly Repetition[], ends: number): CellVerdict {
  const verdicts = new Set(judged.map(({ verdict }) => verdict));
  if (verdicts.size === 1 && verdicts.has('unexpected')) return 'unexpected';
  if (ends > 1 || (verdicts.size > 1 && verdicts.has('unexpected'))) return 'flaky';
  return verdicts.has('undecided') ? 'undecided' : (judged[0]?.verdict ?? null);
}

/** True when the tier of every judged repetition is at least `tier`. */
export function alwaysAtLeast({ shares }: Distribution, tier: Tier): boolean {
  return shares.every(({ observed }) => isTier(observed) && atLeast(observed, tier));
}

function isTier(observed: Observed): observed is Tier {
  return (tiers as readonly string[]).includes(observed);
}
