/**
 * The tier of a foreign subject: told by a line of its output, or seen in the mappings of its process. What was seen
 * counts more, and what contradicts it leaves no verdict.
 */
import { formatBytes } from '../../images/allocator/sizes.ts';
import { tiers as knownTiers, type Tier } from '../../images/allocator/tier.ts';
import type { ProcessView } from '../guest/subject-process.ts';
import { isWithin } from '../matrix/mapped.ts';
import type { Subject, SubjectWord } from '../matrix/subject.ts';

/** A word of the subject, with the line that one of its patterns matches. */
export type Told = Readonly<{ word: string; line: string }>;

/** How the tier of a foreign subject is known; that of the wasm host is proven. */
export type Basis = 'told' | 'seen';

export type TierFinding = Readonly<
  | { kind: 'none' }
  | { kind: 'tier'; tier: Tier; basis: Basis; line: string | null; reason: string }
  /** Signs that do not go together, or one that could not be looked for. */
  | { kind: 'unclear'; reason: string }
>;

export const tierOf = (word: string): Tier | null => knownTiers.find((tier) => tier === word) ?? null;

const unclear = (reason: string): TierFinding => ({ kind: 'unclear', reason });

/** @param up the process while the subject was up; null where it was not looked at */
export function findTier(told: readonly Told[], { words }: Subject, up: ProcessView | null): TierFinding {
  const spoken = told.flatMap(({ word, line }) => {
    const tier = tierOf(word);
    return tier === null ? [] : [{ tier, line }];
  });
  if (spoken.length > 1)
    return unclear(
      `lines of ${spoken.map(({ tier }) => tier).join(' and ')} were both written: the patterns of the subject do not distinguish them`,
    );
  const [said] = spoken;
  const visible = words.filter(({ mapped }) => mapped !== undefined);
  if (visible.length === 0 || (up === null && said !== undefined)) return tellTier(said);
  const [largest] = up?.largest ?? [];
  if (largest === undefined) return unclear('its process could not be looked at while it was up');
  const size = `its largest mapping has ${formatBytes(largest.bytes)}`;
  const seen = visible.flatMap((word) => (fits(word, largest.bytes) ? (tierOf(word.word) ?? []) : []));
  if (seen.length > 1)
    return unclear(
      `${size}, which means ${seen.join(' and ')}: the subject's bounds do not distinguish them`,
    );
  const [tier] = seen;
  // A tier that is told and has no bounds of its own is not contradicted by a mapping that means nothing.
  if (said !== undefined && tier !== said.tier && (tier !== undefined || isVisible(visible, said.tier)))
    return unclear(
      `it says ${said.tier}: ${said.line}; ${size}${tier === undefined ? '' : `, as of ${tier}`}`,
    );
  if (tier === undefined) return tellTier(said);
  const also = said === undefined ? '' : `; says ${said.line}`;
  return {
    kind: 'tier',
    tier,
    basis: 'seen',
    line: said?.line ?? null,
    reason: `seen ${tier}: ${size}${also}`,
  };
}

const fits = ({ mapped = [] }: SubjectWord, bytes: number): boolean =>
  mapped.some((bounds) => isWithin(bytes, bounds));

const isVisible = (words: readonly SubjectWord[], tier: Tier): boolean =>
  words.some(({ word }) => word === tier);

const tellTier = (said: Readonly<{ tier: Tier; line: string }> | undefined): TierFinding =>
  said === undefined
    ? { kind: 'none' }
    : { kind: 'tier', basis: 'told', reason: `says ${said.tier}: ${said.line}`, ...said };
