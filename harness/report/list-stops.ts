/** The limits that stop a host, by the model, as far as the model agrees with what was observed. */
import { describeShortfall } from '../../images/allocator/explain.ts';
import type { Shortfall } from '../../images/allocator/prediction.ts';
import type { Tier } from '../../images/allocator/tier.ts';
import type { Result } from '../store/result.ts';
import { splitNumbers } from './group-reasons.ts';

/** Of a tier that failed, or of the process itself (null). */
export type Stop = Readonly<{ tier: Tier | null; shortfall: Shortfall }>;

/** The limits by which the model explains what was observed: of the tiers that failed, or of the process. */
export function listStops({ outcome, tier, predicted, finding, tiers }: Result): readonly Stop[] {
  if (predicted === null || finding !== null || predicted.outcome !== outcome) return [];
  if (outcome === 'crashed')
    return predicted.startup === null ? [] : [{ tier: null, shortfall: predicted.startup }];
  const isFailed = (one: Tier): boolean => tiers.some((attempt) => attempt.tier === one && !attempt.ok);
  const reached = predicted.tiers.findIndex((one) => one.tier === tier);
  // A foreign host says nothing of its attempts: those before the tier it reached.
  const failed =
    tiers.length > 0
      ? predicted.tiers.filter((one) => isFailed(one.tier))
      : predicted.tiers.slice(0, reached === -1 ? undefined : reached);
  return failed
    .filter((one) => !one.fits)
    .map(({ tier: failing, shortfall }) => ({ tier: failing, shortfall }));
}

/** The limit that keeps a host from its whole pool, from serving, or from starting; null where none is known. */
export function findShortfall(result: Result): Shortfall | null {
  const stops = listStops(result).filter(({ shortfall }) => shortfall.limit !== 'feature');
  // A host without any tier is stopped by the last it tries.
  return (result.outcome === 'exhausted' ? stops.at(-1) : stops[0])?.shortfall ?? null;
}

/**
 * A shortfall with the numbers of the moment when the pool was tried, which a reason has: the model's are from shortly
 * before, and a reader who sees both takes them for two amounts. Null where what happened is something else.
 */
export function tellShortfall(shortfall: Shortfall, reason: string): string | null {
  const parts = splitNumbers(describeShortfall(shortfall)).shape.split('\u0000');
  const pattern = parts
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[\\d.]+(?: [KMGT]iB)?');
  return new RegExp(pattern).exec(reason)?.[0] ?? null;
}
