/** The claim in circulation, a tier below standard costs 10 to 20 %, held against figures. Pure. */
import type { Interval, OverheadSummary } from '../measure/figures.ts';
import { groupBy } from './group-by.ts';

export const claimed: readonly [low: number, high: number] = [1.1, 1.2];

/** `across`: the interval reaches over an end of the claim, so nothing is shown. */
export type ClaimVerdict = 'holds' | 'below' | 'above' | 'across' | 'unstable';

/** Whether an interval lies within the claim. */
export function judgeClaim({ low, high, stable }: Interval & Pick<OverheadSummary, 'stable'>): ClaimVerdict {
  if (!stable) return 'unstable';
  const [from, to] = claimed;
  if (high < from) return 'below';
  if (low > to) return 'above';
  return low >= from && high <= to ? 'holds' : 'across';
}

/** A figure, and what it was found in. */
export type Claimed = Pick<OverheadSummary, 'workload' | 'ratio' | 'low' | 'high' | 'stable'> &
  Readonly<{ where: string }>;

const orders: readonly (readonly [text: string, verdicts: readonly ClaimVerdict[]])[] = [
  ['within 10–20 %', ['holds']],
  ['less', ['below']],
  ['more', ['above']],
  ['not shown either way', ['across', 'unstable']],
];

/**
 * A line per verdict: `more: random-access, sqlite (Node 20, Node 22)`. Where a workload differs from one place to
 * another, its places are named.
 */
export function formatClaims(figures: readonly Claimed[]): readonly string[] {
  const all = groupBy(figures, ({ workload }) => workload);
  return orders.flatMap(([text, verdicts]) => {
    const found = groupBy(
      figures.filter((figure) => verdicts.includes(judgeClaim(figure))),
      ({ workload }) => workload,
    );
    if (found.size === 0) return [];
    const names = [...found].map(([workload, members]) => {
      const places = members.map(({ where }) => where);
      const everywhere = new Set(all.get(workload)?.map(({ where }) => where)).size;
      return places.length === everywhere ? workload : `${workload} (${places.join(', ')})`;
    });
    return [`${text}: ${names.join(', ')}`];
  });
}

/** In one word for a table. */
export const claimTexts: Readonly<Record<ClaimVerdict, string>> = {
  holds: 'holds',
  below: 'less',
  above: 'more',
  across: 'not shown',
  unstable: 'unstable',
};
