/** A cell through all runs: where it changed, and the first run in which it was bad. */
import type { Axis } from '../axes/axis.ts';
import { axes, rowsOf, type Settings } from '../axes/table.ts';
import { parseCellId } from '../matrix/cell-id.ts';
import type { Cell, Matrix } from '../matrix/cell.ts';
import { selectCells } from '../matrix/select.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { type EnvironmentDifference, formatDifference } from './compare-environment.ts';
import type { HistoryIndex, IndexedCells, IndexedState } from './history-index.ts';
import { silentOutcomes } from '../outcome/outcome.ts';
import { type CellVerdict, type Observed, rankOf } from '../outcome/repetitions.ts';
import { formatCount } from './format-run.ts';

/**
 * Consecutive runs in which the cell did the same; runs without the cell, or in which it could not be judged, do not
 * end it.
 */
export type Span = Readonly<{
  /** `standard`, `crashed`, `conservative (explicit checks)`; `standard 2, conservative 1` where repetitions differ. */
  state: string;
  verdict: CellVerdict;
  /** Worse than the best before it, or not as expected. */
  bad: boolean;
  /** Run ids. */
  first: string;
  last: string;
  runs: number;
}>;

export type CellHistory = Readonly<{
  id: string;
  /** Oldest first. */
  spans: readonly Span[];
  /** Runs in which the cell was there and could not be judged. */
  silent: number;
  /** First run of the bad state that lasts until now; null when the cell is good now. */
  firstBad: string | null;
  /** Last good run before it; null when there was none. */
  lastGood: string | null;
}>;

/**
 * Cells that `where` selects among those the runs know: a cell id, or an expression as `--only` takes it.
 * @throws PoolproofError USAGE for a bad expression, CELL_NOT_FOUND
 */
export function selectKnown(ids: readonly string[], where: string, folder: string): ReadonlySet<string> {
  if (ids.includes(where)) return new Set([where]);
  const cells = ids.flatMap((id): Cell[] => {
    const settings = readId(id);
    return settings === null ? [] : [{ id, settings, expectation: null, repetition: 1 }];
  });
  const known: Matrix = {
    title: '',
    file: folder,
    text: '',
    size: cells.length,
    axes: rowsOf(axes).map((row) => ({ name: row.name, values: valuesOf(cells, row) })),
    repeat: 1,
    coverage: null,
    cases: [],
    cells: () => cells,
  };
  return new Set([...selectCells(known, [where]).cells()].map(({ id }) => id));
}

/** Ids of a later poolproof may have axes this one does not know: they are found by their whole id only. */
function readId(id: string): Settings | null {
  try {
    return parseCellId(id);
  } catch {
    return null;
  }
}

function valuesOf(cells: readonly Cell[], row: Axis<unknown>): (string | number | null)[] {
  const byText = new Map<string, string | number | null>();
  for (const { settings } of cells) {
    const value = row.pick(settings);
    if (value === null || typeof value === 'string' || typeof value === 'number')
      byText.set(row.format(value), value);
  }
  return [...byText.values()];
}

export function buildHistory(index: IndexedCells, ids: ReadonlySet<string>): readonly CellHistory[] {
  // A stored list may be shorter than its type says: a missing place finds nothing.
  const timelines = new Map<number | undefined, Timeline>(
    index.cells.flatMap((id, place) => (ids.has(id) ? [[place, { id, runs: [] }]] : [])),
  );
  const statesByPlace = new Map<number | undefined, IndexedState>(index.states.entries());
  for (const { id: run, cells } of index.runs) {
    for (let place = 0; place + 1 < cells.length; place += 2) {
      const timeline = timelines.get(cells[place]);
      const state = statesByPlace.get(cells[place + 1]);
      if (timeline === undefined || state === undefined) continue;
      const last = timeline.runs.at(-1);
      if (last?.run === run) last.states.push(state);
      else timeline.runs.push({ run, states: [state] });
    }
  }
  return [...timelines.values()].map(traceCell);
}

/** What a cell did in each run that has it. */
type Timeline = Readonly<{ id: string; runs: { run: string; states: IndexedState[] }[] }>;

function traceCell({ id, runs }: Timeline): CellHistory {
  const spans: Span[] = [];
  let silent = 0;
  let best = Infinity;
  for (const { run, states } of runs) {
    const judged = states.filter(([outcome]) => !(silentOutcomes as readonly string[]).includes(outcome));
    if (judged.length === 0) {
      silent += 1;
      continue;
    }
    const { state, verdict, rank } = summarizeStates(judged);
    const bad = verdict === 'unexpected' || rank > best;
    best = Math.min(best, rank);
    const last = spans.at(-1);
    if (last?.state === state && last.verdict === verdict && last.bad === bad) {
      spans[spans.length - 1] = { ...last, last: run, runs: last.runs + 1 };
    } else spans.push({ state, verdict, bad, first: run, last: run, runs: 1 });
  }
  const good = spans.findLastIndex(({ bad }) => !bad);
  return { id, spans, silent, firstBad: spans[good + 1]?.first ?? null, lastGood: spans[good]?.last ?? null };
}

/** The worst repetition ranks the cell: one that falls in one of ten has fallen. */
function summarizeStates(
  states: readonly IndexedState[],
): Pick<Span, 'state' | 'verdict'> & Readonly<{ rank: number }> {
  const counts = new Map<string, number>();
  for (const [outcome, tier, checks] of states) {
    const word = `${tier ?? outcome}${checks === 'explicit' ? ' (explicit checks)' : ''}`;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const verdicts = new Set(states.map(([, , , verdict]) => verdict));
  const words = [...counts.keys()].sort();
  const [only = null] = verdicts;
  const allBad = verdicts.size === 1 && only === 'unexpected';
  return {
    state: words.length === 1 ? words.join() : words.map((word) => `${word} ${counts.get(word)}`).join(', '),
    verdict: allBad
      ? 'unexpected'
      : words.length > 1 || verdicts.size > 1
        ? 'flaky'
        : only === 'expected' || only === 'undecided'
          ? only
          : null,
    rank: Math.max(...states.map(([outcome, tier]) => rankOf((tier ?? outcome) as Observed))),
  };
}

export type HistoryView = Readonly<{
  cells: readonly CellHistory[];
  /** Runs looked at. */
  runs: number;
  /** By {@link changeKey}: what else changed between the last good run and the first bad one. */
  changed: ReadonlyMap<string, readonly EnvironmentDifference[]>;
  /** Runs of which cells are missing, oldest first: a cell that is not there was not seen, and did nothing. */
  incomplete: readonly IncompleteRun[];
}>;

export const changeKey = ({ lastGood, firstBad }: Pick<CellHistory, 'lastGood' | 'firstBad'>): string =>
  [lastGood, firstBad].join(' ');

export type IncompleteRun = Readonly<{ run: string; missing: string }>;

export const findIncomplete = ({ runs }: Pick<HistoryIndex, 'runs'>): readonly IncompleteRun[] =>
  runs.flatMap(({ id, missing }) => (missing === null ? [] : [{ run: id, missing }]));

/** The newest of the incomplete runs that are listed; the JSON has all. */
const shownIncomplete = 10;

/** Up to this many cells each is listed, whatever it did. */
const steadyLimit = 20;

export function renderHistory({ cells, runs, changed, incomplete }: HistoryView): string {
  const bad = cells.filter(({ firstBad }) => firstBad !== null);
  const steady = cells.filter(({ firstBad, spans }) => firstBad === null && spans.length === 1);
  // Many cells that never changed say one thing together.
  const folded = cells.length > steadyLimit ? new Set(steady) : new Set<CellHistory>();
  const shown = [...bad, ...cells.filter((cell) => cell.firstBad === null && !folded.has(cell))];
  const blocks = shown.map((cell) =>
    [
      plainLine(cell.id, 300),
      ...cell.spans.map(
        ({ state, verdict, bad: isBad, first, last, runs: count }) =>
          `  ${isBad ? '✗' : ' '} ${first}${count === 1 ? '' : ` – ${last}`}  ${plainLine(state, 200)}${verdict === 'expected' ? '' : `, ${verdict ?? 'no verdict'}`}  (${formatCount(count, 'run')})`,
      ),
      ...(cell.spans.length === 0 ? ['    never judged'] : []),
      ...(cell.silent > 0 ? [`    not judged in ${formatCount(cell.silent, 'run')}`] : []),
      ...formatFirstBad(cell, changed),
    ].join('\n'),
  );
  const listed = incomplete.slice(-shownIncomplete).map(({ run, missing }) => `${run}: ${missing}`);
  const more = incomplete.length - listed.length;
  if (listed.length > 0)
    blocks.push([...listed, ...(more > 0 ? [`and ${formatCount(more, 'older run')}`] : [])].join('\n'));
  const total = `${formatCount(cells.length, 'cell')} in ${formatCount(runs, 'run')}`;
  if (folded.size > 0) blocks.push(`${formatCount(folded.size, 'cell')} did the same in every run`);
  return `${[...blocks, `${total}; ${bad.length === 0 ? 'none is bad now' : `${bad.length} bad now`}`].join('\n\n')}\n`;
}

function formatFirstBad(
  { firstBad, lastGood }: CellHistory,
  changed: HistoryView['changed'],
): readonly string[] {
  if (firstBad === null) return [];
  const differences = changed.get(changeKey({ firstBad, lastGood })) ?? [];
  return [
    `    first bad run ${firstBad}, last good ${lastGood ?? 'none'}`,
    ...differences.map((one) => `      ${plainLine(`${one.what} ${formatDifference(one)}`, 300)}`),
  ];
}

export function renderHistoryJson({ cells, runs, changed, incomplete }: HistoryView): string {
  const named = cells.map((cell) => ({
    ...cell,
    changed: changed.get(changeKey(cell)) ?? [],
  }));
  return `${JSON.stringify({ schema: 1, runs, incomplete, cells: named }, null, 2)}\n`;
}
