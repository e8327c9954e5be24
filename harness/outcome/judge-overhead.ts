/**
 * Joins a later measurement to a result. The overhead of a cell becomes known after its tier, often in another guest:
 * its figures are added, and the verdict then covers tier and bound.
 */
import { judgeBound, type CellOverhead, type OverheadSource } from './overhead.ts';
import { clockTitles, formatBound, formatFigure } from './format-figure.ts';
import type { Expected } from './expect.ts';
import type { Verdict } from './outcome.ts';
import { plainLine } from './plain-text.ts';

type Judged = Readonly<{ verdict: Verdict; reason: string; expected: Expected | null }>;

/**
 * A result with its overhead. The verdict on the tier stays: a bound only applies to a cell whose tier is as expected,
 * so a failed measurement leaves it `undecided` at worst.
 */
export function joinOverhead<R extends Judged>(result: R, measured: CellOverhead): R & CellOverhead {
  const bound = result.expected?.expectation?.overhead;
  if (bound === undefined || result.verdict !== 'undecided') return { ...result, ...measured };
  const { verdict } = judgeBound(measured, bound);
  if (verdict === 'met') return { ...result, ...measured, verdict: 'expected' };
  return {
    ...result,
    ...measured,
    verdict: verdict === 'exceeded' ? 'unexpected' : 'undecided',
    reason: plainLine(`${tellJudged(measured, bound)}; ${result.reason}`),
  };
}

/** `overhead +35.1 % [+35.0, +35.2] (…, instructions executed), more than 20 %`. */
function tellJudged(measured: CellOverhead, bound: number): string {
  const { verdict, figure } = judgeBound(measured, bound);
  const most = formatBound(bound);
  if (figure === null) return `overhead ${most} is undecided: ${tellWhyNot(measured)}`;
  const told = `${formatFigure(figure)} (${figure.workload}, ${clockTitles[figure.clock]})`;
  if (verdict === 'exceeded') return `overhead ${told} is not ${most}`;
  const why = figure.stable ? 'its interval reaches across' : 'the baseline differed from itself';
  return `overhead ${most} is undecided: ${told}, ${why}`;
}

function tellWhyNot({ overheadSource }: CellOverhead): string {
  const all = overheadSource.notMeasured.find(({ workload }) => workload === null);
  return all === undefined ? 'no workload gave a figure' : all.reason;
}

/** The reason for an undecided result: its own, unless the measurement is still to come. */
export function tellUndecided({
  reason,
  overheadSource,
}: Readonly<{ reason: string; overheadSource?: OverheadSource }>): string {
  return overheadSource === undefined ? `its overhead is not measured yet; ${reason}` : reason;
}
