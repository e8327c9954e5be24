/** Two sets of results → what moved, in which direction, and what else changed. */
import { PoolproofError } from '../errors.ts';
import { defaultSettings } from '../axes/table.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Settings } from '../axes/table.ts';
import type { OverheadSummary } from '../measure/figures.ts';
import { findDigestDifferences } from '../store/compare-digests.ts';
import type { RunRecord } from '../store/run-record.ts';
import { type CellView, buildCells } from './cell-view.ts';
import { type EnvironmentDifference, compareCells, compareEnvironments } from './compare-environment.ts';
import { type OverheadMove, compareOverhead } from './compare-overhead.ts';
import { type CellVerdict, rankOf, wilsonInterval } from '../outcome/repetitions.ts';
import { lastOf } from './group-by.ts';
import { mergeRuns } from './merge-runs.ts';
import { type RunResults, type RunView, buildRunView } from './run-view.ts';

/** One side: one run, or several of which the newest result of a cell counts. */
export type Side = Readonly<{ runs: readonly RunResults[] }>;

export type Direction = 'worse' | 'better' | 'other';

/**
 * The kind of a change: `tier` both reached one; `reached` one side did, the other did not; `outcome` neither did;
 * `checks` same tier with other bounds checks; `spread` repetitions fall differently; `verdict`; `judged` one
 * side could not be judged; `overhead`.
 */
export type ChangeKind =
  'tier' | 'reached' | 'outcome' | 'checks' | 'spread' | 'verdict' | 'judged' | 'overhead';

export type CellChange = Readonly<{
  /** Id on the new side; `oldId` is another one only when compared across an axis. */
  id: string;
  oldId: string;
  settings: Settings;
  kinds: readonly ChangeKind[];
  /** Worse when anything got worse. */
  direction: Direction;
  regression: boolean;
  old: CellView;
  new: CellView;
  overhead: readonly OverheadMove[];
  /** Facts of the two guests that differ: `node 22.23.3 → 24.21.0`. */
  differs: readonly string[];
}>;

export type Comparison = Readonly<{
  old: readonly RunRecord[];
  new: readonly RunRecord[];
  /** Cells on both sides. */
  compared: number;
  unchanged: number;
  /** Regressions first, then worse, other, better. */
  changes: readonly CellChange[];
  /** Ids on one side only. */
  added: readonly string[];
  missing: readonly string[];
  /** Runs that are still being written or were killed: missing cells may yet come. */
  unfinished: readonly string[];
  /** By run id: the part that it is, and its missing cells. Whole, complete runs are left out. */
  states: readonly Readonly<{ run: string; sentences: readonly string[] }>[];
  /** Subjects, cases or the matrix as resolved, where they differ between the sides. */
  asked: readonly string[];
  environment: readonly EnvironmentDifference[];
  regressions: number;
  /**
   * 1 a regression; 2 nothing to compare, a cell that was judged before and now is not, or cells missing on the new
   * side; else 0.
   */
  exitCode: 0 | 1 | 2;
}>;

export type CompareOptions = Readonly<{
  /** Axes that do not tell cells apart: compare Node 22 with Node 24. @default none */
  across?: readonly string[];
  /** A cell that has become flaky is a regression. @default false */
  failOnFlaky?: boolean;
}>;

/** @throws PoolproofError USAGE when two cells of one side are the same across the given axes */
export function compareRuns(oldSide: Side, newSide: Side, options: CompareOptions = {}): Comparison {
  const old = oldSide.runs.map((run) => buildRunView(run));
  const now = newSide.runs.map((run) => buildRunView(run));
  const across = options.across ?? [];
  const before = collectCells(old, across);
  const after = collectCells(now, across);
  const pairs = [...after].flatMap(([key, cell]) => {
    const was = before.get(key);
    return was === undefined ? [] : [[was, cell] as const];
  });
  const changes = pairs
    .flatMap(([was, is]) => compareCell(was, is, options.failOnFlaky === true))
    .sort((a, b) => weigh(a) - weigh(b));
  const regressions = changes.filter(({ regression }) => regression).length;
  const lost = changes.some((change) => change.old.judged > 0 && change.new.judged === 0);
  const partial = now.some(({ state }) => state.state === 'incomplete');
  const oldRecords = old.map(({ record }) => record);
  const newRecords = now.map(({ record }) => record);
  return {
    old: oldRecords,
    new: newRecords,
    compared: pairs.length,
    unchanged: pairs.length - changes.length,
    changes,
    added: [...after].flatMap(([key, { id }]) => (before.has(key) ? [] : [id])),
    missing: [...before].flatMap(([key, { id }]) => (after.has(key) ? [] : [id])),
    states: [...old, ...now].flatMap(({ record, state: { sentences } }) =>
      sentences.length === 0 ? [] : [{ run: record.id, sentences }],
    ),
    asked: findAsked(oldRecords, newRecords),
    unfinished: [...oldRecords, ...newRecords]
      .filter(({ finishedAt }) => finishedAt === null)
      .map(({ id }) => id),
    environment: compareEnvironments(oldRecords, newRecords),
    regressions,
    exitCode: regressions > 0 ? 1 : lost || partial || pairs.length === 0 ? 2 : 0,
  };
}

/** The digests that differ between any run of one side and any of the other, each named once. */
function findAsked(old: readonly RunRecord[], now: readonly RunRecord[]): readonly string[] {
  const found = old.flatMap((was) => now.flatMap((is) => findDigestDifferences(was, is)));
  return [...new Set(found)].sort();
}

/** Regressions first; the sort is stable, so that cells stay in their order. */
function weigh({ regression, direction }: CellChange): number {
  return regression ? 0 : { worse: 1, other: 2, better: 3 }[direction];
}

/** Cells by the settings that remain; a cell of several runs has all repetitions of the newest. */
function collectCells(side: readonly RunView[], across: readonly string[]): ReadonlyMap<string, CellView> {
  const cells = new Map<string, CellView>();
  for (const cell of buildCells(mergeRuns(side).cells.flatMap(({ results }) => results))) {
    const key = across.length === 0 ? cell.id : keyAcross(cell.settings, across);
    const other = cells.get(key);
    if (other !== undefined) {
      const message = `${other.id} and ${cell.id} are the same across ${across.join(', ')}`;
      throw new PoolproofError('USAGE', message, { hint: 'each side must have one value of these axes' });
    }
    cells.set(key, cell);
  }
  return cells;
}

function keyAcross(settings: Settings, across: readonly string[]): string {
  const defaults: Readonly<Record<string, unknown>> = defaultSettings();
  return formatCellId({ ...settings, ...Object.fromEntries(across.map((axis) => [axis, defaults[axis]])) });
}

type Step = Readonly<{ kind: ChangeKind; direction: Direction; regression: boolean }>;

function compareCell(old: CellView, now: CellView, failOnFlaky: boolean): readonly CellChange[] {
  const overhead = compareOverhead(figuresOf(old), figuresOf(now));
  const steps: Step[] = [
    ...compareEnds(old, now),
    ...compareVerdicts(old.verdict, now.verdict, failOnFlaky),
    ...overhead.map(({ direction }): Step => ({ kind: 'overhead', direction, regression: false })),
  ];
  if (steps.length === 0) return [];
  const directions = new Set(steps.map(({ direction }) => direction));
  return [
    {
      id: now.id,
      oldId: old.id,
      settings: now.settings,
      kinds: [...new Set(steps.map(({ kind }) => kind))],
      direction: directions.has('worse') ? 'worse' : directions.has('better') ? 'better' : 'other',
      regression: steps.some(({ regression }) => regression),
      old,
      new: now,
      overhead,
      differs: compareCells(lastOf(old.results), lastOf(now.results)),
    },
  ];
}

const figuresOf = ({ results }: CellView): readonly OverheadSummary[] =>
  results.flatMap(({ overhead }) => overhead ?? []);

/** Where the repetitions ended. */
function compareEnds(old: CellView, now: CellView): readonly Step[] {
  const [[was], [is]] = [old.shares, now.shares];
  if (was === undefined || is === undefined) {
    return was === is ? [] : [{ kind: 'judged', direction: 'other', regression: false }];
  }
  if (old.shares.length > 1 || now.shares.length > 1) return compareSpread(old, now);
  if (was.observed === is.observed) return compareChecks(old, now);
  const [before, after] = [rankOf(was.observed), rankOf(is.observed)];
  const none = rankOf('exhausted');
  if (before === none && after === none) return [{ kind: 'outcome', direction: 'other', regression: false }];
  const kind = before === none || after === none ? 'reached' : 'tier';
  return [{ kind, direction: after > before ? 'worse' : 'better', regression: after > before }];
}

/** Explicit checks cost time in every access, elided ones nothing: the tier alone does not say it. */
function compareChecks(old: CellView, now: CellView): readonly Step[] {
  const [was, is] = [old, now].map(({ results }) => results.find(({ form }) => form !== null)?.form?.checks);
  if (was === undefined || is === undefined || was === is) return [];
  return [{ kind: 'checks', direction: is === 'explicit' ? 'worse' : 'better', regression: false }];
}

/** Some side is mixed: a direction is claimed only where the intervals of a share do not touch. */
function compareSpread(old: CellView, now: CellView): readonly Step[] {
  const moves = [0, 1, 2].map((rank): Direction => {
    const [was, is] = [shareFrom(old, rank), shareFrom(now, rank)];
    if (is.high < was.low) return 'worse';
    return is.low > was.high ? 'better' : 'other';
  });
  const direction = moves.find((move) => move === 'worse') ?? moves.find((move) => move === 'better');
  if (direction !== undefined) return [{ kind: 'spread', direction, regression: direction === 'worse' }];
  // Both mixed, and no difference to be seen.
  if (old.shares.length > 1 && now.shares.length > 1) return [];
  return [{ kind: 'spread', direction: 'other', regression: false }];
}

/** Share of the repetitions with this rank or a better one. */
function shareFrom({ shares, judged }: CellView, rank: number): Readonly<{ low: number; high: number }> {
  const count = shares.reduce((sum, share) => sum + (rankOf(share.observed) <= rank ? share.count : 0), 0);
  return wilsonInterval(count, judged);
}

const verdictRanks = { expected: 0, undecided: 1, flaky: 2, unexpected: 3 } as const;

function compareVerdicts(old: CellVerdict, now: CellVerdict, failOnFlaky: boolean): readonly Step[] {
  if (old === now) return [];
  // Without a verdict on one side: it was not judged, which `judged` says, or nothing was expected of it.
  if (old === null || now === null) {
    return now === 'unexpected' ? [{ kind: 'verdict', direction: 'worse', regression: false }] : [];
  }
  const worse = verdictRanks[now] > verdictRanks[old];
  const regression = worse && (now === 'unexpected' || failOnFlaky);
  return [{ kind: 'verdict', direction: worse ? 'worse' : 'better', regression }];
}
