/** Merged cells as the page shows them: an anchor, a word, a verdict, an age. */
import { outcomes } from '../../outcome/outcome.ts';
import type { Observed } from '../../outcome/repetitions.ts';
import type { OverheadSummary } from '../../measure/figures.ts';
import type { RunRecord } from '../../store/run-record.ts';
import {
  type Usual,
  type VariedAxis,
  findUsual,
  labelAxis,
  labelValue,
  orderForReports,
} from '../axis-labels.ts';
import { type Place, buildPlace, tellPlace } from '../grid.ts';
import type { MergedCell, RunResults } from '../merge-runs.ts';
import { type CostSummary, pickFigures, summarizeCost } from './overhead.ts';

/** The word of a cell; repetitions that differ are `flaky`. */
export type State = Observed | 'flaky';

/** The order of the legend and of the filter, best first. */
export const states: readonly State[] = [
  'standard',
  'conservative',
  'on-demand',
  'reached',
  'flaky',
  ...outcomes.filter((outcome) => outcome !== 'reached'),
];

export type VerdictWord = 'as expected' | 'unexpected' | 'undecided' | 'no verdict';
export const verdictWords: readonly VerdictWord[] = ['unexpected', 'no verdict', 'undecided', 'as expected'];

export type Entry<Run extends RunResults = RunResults> = Readonly<{
  /** Unique and stable: equal settings have equal anchors in every report. */
  anchor: string;
  cell: MergedCell<Run>;
  labels: Readonly<Record<string, string>>;
  /** Settings in words, those that vary here only; where many vary, those that are not usual. */
  name: string;
  state: State;
  /** `conservative`, `standard 2/3, conservative 1/3` with signs. */
  text: string;
  verdict: VerdictWord;
  finding: boolean;
  /** The guest that decided ran under emulation. */
  emulated: boolean;
  /** How much older than the newest run of the report its run is, milliseconds. */
  olderMs: number;
  /** It is a day older or more: told wherever the cell is. Runs of one evening are one picture. */
  old: boolean;
  cost: CostSummary | null;
  pairs: readonly OverheadSummary[];
}>;

/** In the order of the axes' values, as the grid is. */
export function buildEntries<Run extends RunResults>(
  cells: readonly MergedCell<Run>[],
  axes: readonly VariedAxis[],
  newest: RunRecord,
): readonly Entry<Run>[] {
  const ranks = axes.map(({ name, values }) => ({
    name,
    rank: new Map(values.map((value, at) => [value, at])),
  }));
  const taken = new Map<string, number>();
  const naming: Naming = { axes, usual: findUsualOf(cells, axes) };
  return cells
    .map((cell) => ({ cell, labels: labelAll(cell) }))
    .map(({ cell, labels }) => ({
      cell,
      labels,
      order: ranks.map(({ name, rank }) => rank.get(labels[name] ?? '') ?? 0),
    }))
    .sort((a, b) => compareOrder(a.order, b.order) || (a.cell.id < b.cell.id ? -1 : 1))
    .map(({ cell, labels }) => buildEntry(cell, labels, naming, newest, taken));
}

type Naming = Readonly<{ axes: readonly VariedAxis[]; usual: Usual }>;

/** With more axes than this a name is too long to read. */
const namedAxes = 4;

/** What a name leaves out, in the order of the axes; empty where it names every axis that varies. */
export function findUsualOf(cells: readonly MergedCell[], axes: readonly VariedAxis[]): Usual {
  if (axes.length <= namedAxes) return new Map();
  return findUsual(
    cells.flatMap(({ results }) => results.slice(0, 1)),
    axes.filter(({ name }) => name !== 'memory'),
  );
}

const oldMs = 86_400_000;

function tellName(labels: Entry['labels'], { axes, usual }: Naming): string {
  if (axes.length === 0) return 'the one environment';
  const told = axes.filter(({ name }) => usual.get(name) !== labels[name]);
  return told.map(({ name }) => labelAxis(name, labels[name] ?? '')).join(' · ') || 'as usual';
}

function buildEntry<Run extends RunResults>(
  cell: MergedCell<Run>,
  labels: Entry['labels'],
  naming: Naming,
  newest: RunRecord,
  taken: Map<string, number>,
): Entry<Run> {
  const place = buildPlace(cell.results);
  const olderMs =
    cell.run.record.id === newest.id
      ? 0
      : Date.parse(newest.startedAt) - Date.parse(cell.run.record.startedAt);
  const pairs = pickFigures(cell.results);
  return {
    anchor: uniqueAnchor(cell.id, taken),
    cell,
    labels,
    name: tellName(labels, naming),
    state: stateOf(place),
    text: place === null ? '' : tellPlace(place),
    verdict: tellVerdict(cell, place),
    finding: place?.finding ?? false,
    emulated: cell.results.some(({ facts }) => facts?.emulated ?? cell.run.record.accelerator.kind === 'tcg'),
    olderMs,
    old: olderMs >= oldMs,
    cost: summarizeCost(pairs),
    pairs,
  };
}

function tellVerdict(cell: MergedCell, place: Place | null): VerdictWord {
  if (place?.unexpected === true) return 'unexpected';
  if (!isJudged(cell)) return 'no verdict';
  return place?.undecided === true ? 'undecided' : 'as expected';
}

function isJudged({ results }: MergedCell): boolean {
  return (
    results.some(({ verdict }) => verdict !== null) &&
    results.every(({ verdict, outcome }) => verdict !== null || outcome === 'skipped')
  );
}

function stateOf(place: Place | null): State {
  const [first, second] = place?.words ?? [];
  return first === undefined ? 'broken' : second === undefined ? first.word : 'flaky';
}

function labelAll({ results }: MergedCell): Entry['labels'] {
  const settings = results[0]?.settings;
  if (settings === undefined) throw new RangeError('a cell without a result');
  return Object.fromEntries(orderForReports().map((row) => [row.name, labelValue(row, settings)]));
}

/** What every anchor begins with. */
export const anchorStart = 'cell-';

/** Only what needs no escape in an id or an address; two ids that read the same then are numbered. */
function uniqueAnchor(id: string, taken: Map<string, number>): string {
  const anchor = `${anchorStart}${id.slice(0, 400).replace(/[^A-Za-z0-9=,._@-]/g, '_')}`;
  const before = taken.get(anchor) ?? 0;
  taken.set(anchor, before + 1);
  return before === 0 ? anchor : `${anchor}.${before + 1}`;
}

function compareOrder(a: readonly number[], b: readonly number[]): number {
  return a.map((rank, index) => rank - (b[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
}
