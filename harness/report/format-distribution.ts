/** A distribution of repetitions in words: the same in every format. */
import type { Distribution, Interval } from '../outcome/repetitions.ts';

/** `standard 19/20 (76–99 %), conservative 1/20 (1–24 %)`; the bare word for a single trial. */
export function formatDistribution({
  shares,
  judged,
  silent,
}: Pick<Distribution, 'shares' | 'judged' | 'silent'>): string {
  const [only] = shares;
  if (only === undefined) return 'not judged';
  const ends =
    shares.length === 1 && judged === 1
      ? only.observed
      : shares
          .map(
            ({ observed, count, interval }) => `${observed} ${count}/${judged} (${formatInterval(interval)})`,
          )
          .join(', ');
  return `${ends}${formatSilent(silent)}`;
}

/** `; 1 not judged`: repetitions that are no trial of the subject; empty where there is none. */
export const formatSilent = (silent: number): string => (silent === 0 ? '' : `; ${silent} not judged`);

/** `76–99 %`, rounded outwards so that it is never narrower than it is. */
export function formatInterval({ low, high }: Interval): string {
  return `${Math.floor(low * 100)}–${Math.ceil(high * 100)} %`;
}
