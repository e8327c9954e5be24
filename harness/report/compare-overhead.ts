/** Overhead figures of one cell on two sides: moved only where the intervals do not touch. */
import type { OverheadSummary } from '../measure/figures.ts';

export type OverheadMove = Readonly<{
  workload: string;
  clock: string;
  direction: 'worse' | 'better';
  old: OverheadSummary;
  new: OverheadSummary;
}>;

/** Beyond both intervals: the new one begins where the old one has ended. Figures that differ in clock, baseline
 * or CPU are different quantities and are not compared; nor are those of an unstable session. */
export function compareOverhead(
  old: readonly OverheadSummary[],
  now: readonly OverheadSummary[],
): readonly OverheadMove[] {
  const before = new Map(old.filter(({ stable }) => stable).map((figure) => [quantityOf(figure), figure]));
  return now
    .filter(({ stable }) => stable)
    .flatMap((figure): OverheadMove[] => {
      const was = before.get(quantityOf(figure));
      if (was === undefined) return [];
      const { workload, clock } = figure;
      if (figure.low > was.high) return [{ workload, clock, direction: 'worse', old: was, new: figure }];
      if (figure.high < was.low) return [{ workload, clock, direction: 'better', old: was, new: figure }];
      return [];
    });
}

function quantityOf({ workload, clock, baseline, cpuModel }: OverheadSummary): string {
  return JSON.stringify([workload, clock, baseline, cpuModel]);
}

/** `chase32k (instructions): 1.02 [1.01, 1.03] → 1.66 [1.65, 1.67]` */
export function formatOverheadMove({ workload, clock, old, new: now }: OverheadMove): string {
  return `${workload} (${clock}): ${formatInterval(old)} → ${formatInterval(now)}`;
}

function formatInterval({ ratio, low, high }: OverheadSummary): string {
  return `${ratio.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}
