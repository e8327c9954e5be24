/** The claim in circulation, a tier below standard costs 10 to 20 %, held against figures. Pure. */
import type { Interval, OverheadSummary } from './summary.ts';

export const claimed: readonly [low: number, high: number] = [1.1, 1.2];

/** `across`: the interval reaches over an end of the claim, so nothing is shown. */
export type ClaimVerdict = 'holds' | 'below' | 'above' | 'across' | 'unstable';

/** Whether an interval lies within what is claimed. */
export function judgeClaim({ low, high, stable }: Interval & Pick<OverheadSummary, 'stable'>): ClaimVerdict {
  if (!stable) return 'unstable';
  const [from, to] = claimed;
  if (high < from) return 'below';
  if (low > to) return 'above';
  return low >= from && high <= to ? 'holds' : 'across';
}

/** `3 within, 5 below, 7 above, 1 not shown` */
export function countClaims(figures: readonly OverheadSummary[]): string {
  const verdicts = figures.map(judgeClaim);
  const count = (...names: readonly ClaimVerdict[]): number =>
    verdicts.filter((verdict) => names.includes(verdict)).length;
  return [
    `${count('holds')} within 10–20 %`,
    `${count('below')} below`,
    `${count('above')} above`,
    ...(count('across', 'unstable') === 0 ? [] : [`${count('across', 'unstable')} not shown either way`]),
  ].join(', ');
}

/** In one word for a table. */
export const claimWords: Readonly<Record<ClaimVerdict, string>> = {
  holds: 'holds',
  below: 'less',
  above: 'more',
  across: 'not shown',
  unstable: 'unstable',
};
