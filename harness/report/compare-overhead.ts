/** Overhead figures of one cell on two sides: moved only where the intervals do not touch. */

/**
 * One measured pair: how much longer a workload takes in the cell's tier than in the baseline. A result may
 * carry any number of them, under `overhead`.
 */
export type OverheadFigure = Readonly<{
  workload: string;
  /** What was counted: `time` on hardware, `instructions` under emulation. Never compared with each other. */
  clock: string;
  /** Tier and form it is measured against. */
  baseline: string;
  /** Cell divided by baseline, with its 95 % interval. */
  ratio: number;
  low: number;
  high: number;
  /** CPU the time was taken on; null for instructions, which do not depend on it. */
  cpuModel?: string | null;
}>;

export type OverheadMove = Readonly<{
  workload: string;
  clock: string;
  direction: 'worse' | 'better';
  old: OverheadFigure;
  new: OverheadFigure;
}>;

/** Beyond both intervals: the new one begins where the old one has ended. Figures that differ in clock, baseline
 * or CPU are different quantities and are not compared. */
export function compareOverhead(
  old: readonly OverheadFigure[],
  now: readonly OverheadFigure[],
): readonly OverheadMove[] {
  const before = new Map(old.map((figure) => [quantityOf(figure), figure]));
  return now.flatMap((figure): OverheadMove[] => {
    const was = before.get(quantityOf(figure));
    if (was === undefined) return [];
    const { workload, clock } = figure;
    if (figure.low > was.high) return [{ workload, clock, direction: 'worse', old: was, new: figure }];
    if (figure.high < was.low) return [{ workload, clock, direction: 'better', old: was, new: figure }];
    return [];
  });
}

function quantityOf({ workload, clock, baseline, cpuModel }: OverheadFigure): string {
  return JSON.stringify([workload, clock, baseline, cpuModel ?? null]);
}

/** `chase32k (instructions): 1.02 [1.01, 1.03] → 1.66 [1.65, 1.67]` */
export function tellOverheadMove({ workload, clock, old, new: now }: OverheadMove): string {
  return `${workload} (${clock}): ${tellFigure(old)} → ${tellFigure(now)}`;
}

function tellFigure({ ratio, low, high }: OverheadFigure): string {
  return `${ratio.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}
