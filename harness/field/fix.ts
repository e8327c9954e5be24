/** Tries candidates in guests: finds the first that restores the tier, and popular ones that do not. */
import type { Tier } from '../../images/allocator/tier.ts';
import { atLeast } from '../../images/allocator/tier.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Settings } from '../axes/table.ts';
import type { Result } from '../store/result.ts';
import type { RunTrial } from './run-trial.ts';
import { isBelieved, type Candidate } from './candidate.ts';
import { listCandidates, listPopular } from './candidates.ts';

export type Tried = Readonly<{ candidate: Candidate; result: Result }>;

export type Fix = Readonly<{
  /** Null: no candidate restored the tier. */
  cure: Tried | null;
  /** Believed by the model and refuted by a guest. */
  refuted: readonly Tried[];
  /** Recommended in public and of no use here, as guests have shown. */
  useless: readonly Tried[];
}>;

/** Whether it works: the tier is reached, or a subject without tiers does what it is there for. */
export const reached = ({ tier, outcome, subject }: Result, wanted: Tier): boolean =>
  tier === null
    ? subject !== undefined && outcome === 'reached' && subject.failure === null
    : atLeast(tier, wanted);

/** Called as the search goes on: what is known when it is stopped. */
export type FixEvents = Readonly<{
  /** Before the guest of a candidate boots. */
  onTry?: (candidate: Candidate) => void;
  /** When it has answered, for candidates that count as one of these. */
  onTried?: (kind: keyof Fix, tried: Tried) => void;
}>;

/** More than this many popular cures are not tried: each costs a guest. */
const maxUseless = 3;

/**
 * Every answer comes from `runTrial`; the model only decides what is tried and in which order. The first `cure` stands
 * when `onTried` names it: the guests after it only test popular recommendations.
 * @param spin release of the Spin to cure; null where it is unknown
 */
export async function findFix(
  settings: Settings,
  wanted: Tier,
  runTrial: RunTrial,
  { onTry, onTried }: FixEvents = {},
  spin: string | null = null,
): Promise<Fix> {
  const refuted: Tried[] = [];
  let cure: Tried | null = null;
  for (const candidate of listCandidates(settings, wanted, spin)) {
    onTry?.(candidate);
    const result = await runTrial(candidate.settings);
    const tried = { candidate, result };
    if (reached(result, wanted)) {
      cure = tried;
      onTried?.('cure', tried);
      break;
    }
    refuted.push(tried);
    onTried?.('refuted', tried);
  }
  const useless: Tried[] = [];
  const known = new Set(refuted.map(({ candidate }) => formatCellId(candidate.settings)));
  for (const candidate of listPopular(settings)) {
    if (useless.length === maxUseless) break;
    // A guest is booted only for those that the model rejects: that one helps would be no news here.
    if (isBelieved(candidate.settings, wanted, 0) || known.has(formatCellId(candidate.settings))) continue;
    onTry?.(candidate);
    const tried = { candidate, result: await runTrial(candidate.settings) };
    if (reached(tried.result, wanted)) continue;
    useless.push(tried);
    onTried?.('useless', tried);
  }
  return { cure, refuted, useless };
}
