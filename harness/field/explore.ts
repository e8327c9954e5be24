/**
 * Searches for cells in which model and guest differ, in rounds: each is a matrix of random cells and a run of its own,
 * so that images, templates, jobs and results are those of any run. What was run before is read, not run again.
 */
import { PoolproofError } from '../errors.ts';
import type { AxisName, Settings } from '../axes/table.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Result } from '../store/result.ts';
import { type Contradiction, findContradiction, isKnown, shrink } from './contradiction.ts';
import { drawRound } from './draw-round.ts';
import { type Covered, PairCoverage } from './pair-coverage.ts';
import type { RunTrial } from './run-trial.ts';

/** A round that has begun before: its cells, as its run has them. */
type RoundBefore = Readonly<{ cells: readonly Settings[] }>;

export type ExploreOptions = Readonly<{
  seed: number;
  names: readonly AxisName[];
  /** Cells of a round. */
  cells: number;
  /** Machines of a round: each is booted once and cloned for its cells. */
  machines: number;
  /** Most rounds. @default until `signal` */
  rounds?: number;
  /** Ends the search: the budget, or a person. */
  signal: AbortSignal;
  /** The cells of this round where it has begun already, null where not. */
  before: (round: number) => Promise<RoundBefore | null>;
  /** Runs what is left of a round; all results of the round, or those that there are when `signal` ended it. */
  run: (round: number, cells: readonly Settings[]) => Promise<readonly Result[]>;
  runTrial: RunTrial;
  /** Contradictions of earlier calls. */
  known: readonly Contradiction[];
  /** Hears each contradiction, and again when it became smaller; `index` from 0 is its place. */
  onContradiction: (one: Contradiction, index: number) => Promise<void>;
  onRound?: (round: number, covered: Covered) => void;
}>;

export type Explored = Readonly<{
  rounds: number;
  /** Cells with an answer of a guest. */
  judged: number;
  /** Cells without one: broken, invalid, skipped. */
  silent: readonly Result[];
  contradictions: readonly Contradiction[];
  /** Cells that show a contradiction, the same one more than once. */
  differing: number;
  covered: Covered;
}>;

/** @throws whatever `run` and `runTrial` throw, but for the end by `signal` */
export async function explore(options: ExploreOptions): Promise<Explored> {
  const { seed, names, cells: count, machines, signal, rounds = Infinity } = options;
  const axesDrawn = new Set<string>(names);
  // Draws depend on what was drawn, so that a seed gives the same cells; the report counts what guests answered.
  const [drawn, answered] = [new PairCoverage(axesDrawn), new PairCoverage(axesDrawn)];
  const ids = new Set<string>();
  const contradictions = [...options.known];
  const silent: Result[] = [];
  let [round, judged, differing] = [0, 0, 0];
  for (; round < rounds && !signal.aborted; round += 1) {
    const before = await options.before(round);
    const shape = { seed, round, names: axesDrawn, cells: count, machines, coverage: drawn, known: ids };
    const settings = before?.cells ?? drawRound(shape);
    if (settings.length === 0) break;
    for (const one of settings) {
      ids.add(formatCellId(one));
      drawn.add(one);
    }
    const results = await options.run(round, settings);
    for (const result of results) {
      if (result.verdict === null) silent.push(result);
      else {
        judged += 1;
        answered.add(result.settings);
      }
      const found = findContradiction(result);
      if (found === null) continue;
      differing += 1;
      await follow(found, contradictions, options);
    }
    options.onRound?.(round, answered.covered);
  }
  return { rounds: round, judged, silent, contradictions, differing, covered: answered.covered };
}

/** Keeps a contradiction at once, and shrinks it as far as there is time. */
async function follow(
  found: Contradiction,
  all: Contradiction[],
  { runTrial, signal, onContradiction }: ExploreOptions,
): Promise<void> {
  if (all.some((known) => isKnown(found, known))) return;
  let place = all.findIndex(({ found: cell }) => cell === found.found);
  if (place >= 0 && all[place]?.state !== 'not shrunk') return;
  if (place < 0) place = all.length;
  const start = all[place] ?? found;
  const keep = async (one: Contradiction): Promise<void> => {
    all[place] = one;
    await onContradiction(one, place);
  };
  await keep(start);
  if (signal.aborted) return;
  let smaller = start;
  try {
    await keep(await shrink(start, runTrial, (one) => (smaller = one)));
  } catch (error) {
    if (!(error instanceof PoolproofError) || !['INTERRUPTED', 'NO_VERDICT'].includes(error.code))
      throw error;
    await keep(smaller);
  }
}
