/** The forms a tier has in each engine. */
import type { Checks, EngineKind, Tier } from '../../images/allocator/tier.ts';
import { PoolproofError } from '../errors.ts';

/** One engine configuration: a tier in one of its forms. */
export type Subject = Readonly<{ tier: Tier; checks: Checks }>;

export const formatSubject = ({ tier, checks }: Subject): string => `${tier}/${checks}`;

export const sameSubject = (a: Subject, b: Subject): boolean => a.tier === b.tier && a.checks === b.checks;

/** The first is the baseline. */
export const forms: Readonly<Record<EngineKind, readonly [Subject, ...Subject[]]>> = {
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
export function selectForms(engine: EngineKind, names: readonly string[]): readonly Subject[] {
  const [, ...others] = forms[engine];
  if (names.length === 0) return others;
  return names.flatMap((name) => {
    const found = others.filter((form) => form.tier === name || formatSubject(form) === name);
    if (found.length === 0) {
      throw new PoolproofError('USAGE', `--tier ${name}: ${engine} has no such form`, {
        hint: `there are ${others.map(formatSubject).join(', ')}`,
      });
    }
    return found;
  });
}
