/** A cell in which model and guest differ: shrunk to the settings that matter, and written as a matrix to run again. */
import { type Settings } from '../axes/table.ts';
import { formatCellId, parseCellId } from '../matrix/cell-id.ts';
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import { renderCases } from './cell-matrix.ts';
import { keepOnly, listDeviations, minimize } from './minimize.ts';
import { isClose, predictSettings, summarize } from './model.ts';
import type { RunTrial } from './run-trial.ts';

export type Contradiction = Readonly<{
  /** The cell in which it was found. */
  found: string;
  /** The smallest cell that is known to show it. */
  cell: string;
  /** Both answers: `the model said standard, conservative was observed`. */
  finding: string;
  /** What the guest said, a line. */
  guest: string;
  /**
   * `smallest`: without any one of its settings it is gone; `not shrunk`: the search was ended; `flaky`: seen once and
   * not again.
   */
  state: 'smallest' | 'not shrunk' | 'flaky';
}>;

/** Both answers of a result in which they differ; null where they do not, and where there is none. */
export function findContradiction({ id, finding, outcome, tier, reason }: Result): Contradiction | null {
  if (finding === null) return null;
  const guest = plainLine(`${tier ?? outcome}: ${reason}`, 300);
  return { found: id, cell: id, finding, guest, state: 'not shrunk' };
}

/** Whether a cell has all settings of a contradiction that is known, and the same two answers. */
export function isKnown(one: Contradiction, known: Contradiction): boolean {
  if (one.finding !== known.finding || known.state !== 'smallest') return false;
  const has = new Set(listDeviations(parseCellId(one.cell)).map(({ text }) => text));
  return listDeviations(parseCellId(known.cell)).every(({ text }) => has.has(text));
}

/**
 * Shrinks it in guests.
 * @param onSmaller hears each smaller cell that shows it: what is known when the search is ended
 */
export async function shrink(
  one: Contradiction,
  runTrial: RunTrial,
  onSmaller: (smaller: Contradiction) => void,
): Promise<Contradiction> {
  const settings = parseCellId(one.cell);
  const word = summarize(predictSettings(settings));
  let smallest = one;
  const startsClose = isClose(settings);
  const minimal = await minimize(settings, {
    shows: async (some) => {
      // Chance may decide there, and would lead the search away from what was found.
      if (!startsClose && isClose(some)) return false;
      const result = await runTrial(some);
      const shown = findContradiction(result);
      if (shown?.finding !== one.finding) return false;
      if (listDeviations(some).length <= listDeviations(parseCellId(smallest.cell)).length) {
        smallest = { ...shown, found: one.found };
        onSmaller(smallest);
      }
      return true;
    },
    // Where it shows, the model says the same as before.
    model: (some) => summarize(predictSettings(some)) === word,
  });
  if (minimal === null) return { ...one, state: 'flaky' };
  return { ...smallest, cell: formatCellId(keepOnly(settings, minimal.kept)), state: 'smallest' };
}

/**
 * The text of a matrix with this cell. It states no expectation: then the model's answer is the expectation, and the
 * run fails until model and guest agree.
 */
export function renderContradiction(
  { found, cell, finding, guest, state }: Contradiction,
  { seed }: Readonly<{ seed: number }>,
): string {
  const settings: Settings = parseCellId(cell);
  const head = [
    `${finding} (${state})`,
    `guest: ${guest}`,
    `found with: poolproof explore --seed ${seed}, in the cell`,
    found,
    'This run fails until model and guest agree.',
  ];
  return `${head.map((line) => `# ${line}\n`).join('')}${renderCases('Model and guest differ', [
    { settings, expect: null },
  ])}`;
}
