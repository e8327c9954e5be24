/** The forms a tier has in each engine. */
import type { Checks, EngineKind, Tier } from '../../images/allocator/tier.ts';
import { PoolproofError } from '../errors.ts';

/** One engine configuration: a tier in one of its forms. */
export type TierConfiguration = Readonly<{ tier: Tier; checks: Checks }>;

export const formatConfiguration = ({ tier, checks }: TierConfiguration): string => `${tier}/${checks}`;

export const sameConfiguration = (a: TierConfiguration, b: TierConfiguration): boolean =>
  a.tier === b.tier && a.checks === b.checks;

/** The first is the baseline. */
export const configurations: Readonly<
  Record<EngineKind, readonly [TierConfiguration, ...TierConfiguration[]]>
> = {
  wasmtime: [
    { tier: 'standard', checks: 'elided' },
    { tier: 'conservative', checks: 'elided' },
    { tier: 'conservative', checks: 'explicit' },
    { tier: 'on-demand', checks: 'elided' },
    { tier: 'on-demand', checks: 'explicit' },
  ],
  v8: [
    { tier: 'standard', checks: 'elided' },
    { tier: 'conservative', checks: 'elided' },
    { tier: 'on-demand', checks: 'explicit' },
  ],
};

/**
 * Forms other than the baseline that a word names: `conservative`, or `conservative/explicit`; all without.
 *
 * @throws PoolproofError USAGE
 */
export function selectConfigurations(
  engine: EngineKind,
  names: readonly string[],
): readonly TierConfiguration[] {
  const [, ...others] = configurations[engine];
  if (names.length === 0) return others;
  return names.flatMap((name) => {
    const found = others.filter((form) => form.tier === name || formatConfiguration(form) === name);
    if (found.length === 0) {
      throw new PoolproofError('USAGE', `--tier ${name}: ${engine} has no such form`, {
        hint: `there are ${others.map(formatConfiguration).join(', ')}`,
      });
    }
    return found;
  });
}
