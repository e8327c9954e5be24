/** The cells of a page of one run or several: of each cell the newest result, with an anchor, a name, an age. */
import type { OverheadSummary } from '../../measure/figures.ts';
import { type Usual, type VariedAxis, findOmitted, findVaried, nameUnusual } from '../axis-labels.ts';
import { type CellView, buildCells } from '../cell-view.ts';
import { compareOrder, prepareRanks } from '../grid.ts';
import { groupBy } from '../group-by.ts';
import { type HeadlineCost, findHeadlineCosts } from '../headline-costs.ts';
import { type HostTable, buildHostTable } from '../host-table.ts';
import { matrixKey, mergeRuns } from '../merge-runs.ts';
import type { RunView } from '../run-view.ts';
import { type SmallGrid, splitGrid } from '../small-grids.ts';
import { type VerdictTable, buildVerdictTable } from '../verdict-table.ts';
import { pickFigures } from './overhead.ts';

/** The order of the filter; a cell has the first that fits. */
export const pageVerdicts = ['unexpected', 'no verdict', 'undecided', 'as expected'] as const;
export type PageVerdict = (typeof pageVerdicts)[number];

export type PageCell = CellView &
  Readonly<{
    /** The run whose results count. */
    run: RunView;
    /** Unique and stable: equal settings have equal anchors in every report. */
    anchor: string;
    /** Settings in words, those that vary here only; where many vary, those that are not usual. */
    name: string;
    pageVerdict: PageVerdict;
    /** The guest that decided ran under emulation. */
    emulated: boolean;
    /** How much older than the newest run of the report its run is, milliseconds. */
    olderMs: number;
    /** A day older or more, which is marked wherever the cell is. Runs of one evening are one picture. */
    old: boolean;
    /** Classes for the marks of its word: emulation where only some cells of the page ran under it, and age. */
    marked: string;
    costs: readonly HeadlineCost[];
    figures: readonly OverheadSummary[];
  }>;

/** The cells of one matrix. */
export type Section = Readonly<{
  /** By its file, so that a link to it lasts when other matrices come: `limits`. */
  id: string;
  title: string;
  file: string;
  cells: readonly PageCell[];
  verdict: VerdictTable<PageCell>;
  grids: readonly SmallGrid<PageCell>[];
  /** Where more than one subject ran. */
  hosts: HostTable<PageCell> | null;
}>;

export type PageView = Readonly<{
  /** All runs, as given. */
  given: readonly RunView[];
  /** Runs of which at least one cell counts, newest first. */
  runs: readonly RunView[];
  newest: RunView;
  /** Results that are not shown because a newer run has the cell. */
  superseded: number;
  /** In the order of the axes' values, as the grid is. */
  cells: readonly PageCell[];
  axes: readonly VariedAxis[];
  /** The labels that names leave out, in the order of the axes; empty where they name every axis that varies. */
  usual: Usual;
  sections: readonly Section[];
}>;

/** With more axes than this a name is too long to read. */
const namedAxes = 4;

export const dayMs = 86_400_000;

/** Pure. @throws RangeError for no run */
export function buildPageView(given: readonly RunView[]): PageView {
  const { cells: merged, runs, superseded } = mergeRuns(given);
  const newest = runs[0] ?? given[0];
  if (newest === undefined) throw new RangeError('a report of no run');
  const byRun = new Map(given.map((run) => [run, new Map(run.cells.map((cell) => [cell.id, cell]))]));
  const views = merged.flatMap(({ id, run, results }) => {
    const known = byRun.get(run)?.get(id);
    const isWhole =
      known?.results.length === results.length && results.every((one, at) => one === known.results[at]);
    // Parts of one run together have more of a cell than each has.
    return (isWhole ? [known] : buildCells(results)).map((cell) => ({ ...cell, run }));
  });
  const axes = findVaried(views);
  const usual: Usual = axes.length <= namedAxes ? new Map() : findOmitted(views, axes);
  const takeAnchor = createAnchors(anchorStart);
  const isEmulated = ({ results, run: { record } }: (typeof views)[number]): boolean =>
    // Some models of CPU hide from a guest that it is emulated.
    results.some(
      ({ facts, machine }) =>
        facts?.emulated === true || (machine?.accelerator ?? record.accelerator.kind) === 'tcg',
    );
  const allEmulated = views.every(isEmulated);
  const rank = prepareRanks(axes);
  const cells = views
    .map((cell) => ({ cell, order: rank(cell) }))
    .sort((a, b) => compareOrder(a.order, b.order) || (a.cell.id < b.cell.id ? -1 : 1))
    .map(({ cell }): PageCell => {
      const { record } = cell.run;
      const age = Date.parse(newest.record.startedAt) - Date.parse(record.startedAt);
      const olderMs = record.id === newest.record.id ? 0 : age;
      const figures = pickFigures(cell.results);
      const emulated = isEmulated(cell);
      const old = olderMs >= dayMs;
      return {
        ...cell,
        anchor: takeAnchor(cell.id),
        name: formatName(cell, axes, usual),
        pageVerdict: judge(cell),
        emulated,
        olderMs,
        old,
        marked: `${emulated && !allEmulated ? ' e' : ''}${old ? ' o' : ''}`,
        costs: findHeadlineCosts([{ results: cell.results, figures }]),
        figures,
      };
    });
  const sections = buildSections(given, cells, axes);
  return { given, runs, newest, superseded, cells, axes, usual, sections };
}

function formatName(cell: CellView, axes: readonly VariedAxis[], usual: Usual): string {
  if (axes.length === 0) return 'the one environment';
  return nameUnusual(cell, axes, usual).join(' · ') || 'as usual';
}

function judge({ marks, word }: CellView): PageVerdict {
  if (marks.includes('unexpected')) return 'unexpected';
  if (marks.includes('unjudged') || word === 'skipped') return 'no verdict';
  return marks.includes('undecided') ? 'undecided' : 'as expected';
}

/** Every anchor begins with it. */
export const anchorStart = 'cell-';

/** Only what needs no escape in an id or an address; two ids that read the same then are numbered. */
function createAnchors(start: string): (id: string) => string {
  const taken = new Map<string, number>();
  return (id) => {
    const anchor = `${start}${id.slice(0, 400).replace(/[^A-Za-z0-9=,._@-]/g, '_')}`;
    const before = taken.get(anchor) ?? 0;
    taken.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}.${before + 1}`;
  };
}

/**
 * A section for each matrix, by the names of their files. A cell of two matrices is in both, and its newest
 * result counts in both. Runs of which no result counts still say which cells a matrix has.
 */
function buildSections(
  runs: readonly RunView[],
  cells: readonly PageCell[],
  all: readonly VariedAxis[],
): readonly Section[] {
  const takeId = createAnchors('');
  const matrices = groupBy(runs, matrixKey);
  return [...matrices]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, members]) => members.slice(0, 1).map(({ record: { matrix } }) => ({ matrix, members })))
    .map(({ matrix: { file, title }, members }) => {
      const ids = new Set(members.flatMap(({ cells: own }) => own.map(({ id }) => id)));
      const own = matrices.size === 1 ? cells : cells.filter(({ id }) => ids.has(id));
      const axes = own === cells ? all : findVaried(own);
      const verdict = buildVerdictTable(own, axes);
      return {
        id: takeId(file.replace(/^.*\/|\.ya?ml$/g, '')),
        title,
        file,
        cells: own,
        verdict,
        grids: splitGrid(own, axes),
        hosts: buildHostTable(own, axes, verdict.usual),
      };
    });
}
