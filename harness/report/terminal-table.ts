/** The table at the end of a run: the grid, a line for each reason, the counts, what the exit code means. */
import { styleText } from 'node:util';
import { plainLine } from '../outcome/plain-text.ts';
import type { Clock } from '../measure/figures.ts';
import type { Observed } from '../outcome/repetitions.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { labelAxis } from './axis-labels.ts';
import { describeRunState, listMissing } from './completeness-words.ts';
import { tellDistribution } from './distribution-words.ts';
import { type Grid, type Place, buildGrid, listLayouts, tellLegend, tellPlace } from './grid.ts';
import {
  baselineWord,
  findClocks,
  listRowWords,
  noFigureWord,
  tellOverheadNotes,
  type OverheadWord,
} from './overhead-words.ts';
import { createPlainTable } from './plain-table.ts';
import { type Summary, summarize, summarizeRun, tellCounts, tellExit } from './summarize.ts';

export { wantsColor } from './wants-color.ts';

export type TableOptions = Readonly<{
  /** Escape sequences for colour; see `wantsColor`. */
  color: boolean;
  /** Width of the terminal in characters. @default 100 */
  width?: number;
  /** The run of these results: says which part it is and what is missing. @default none */
  run?: RunRecord;
  /** The run was ended by the user. @default false */
  interrupted?: boolean;
  /** An undecided cell is a failure. @default false */
  strict?: boolean;
  /** A flaky cell is a failure. @default false */
  failOnFlaky?: boolean;
}>;

type Style = Parameters<typeof styleText>[0];

const styles: Readonly<Record<Observed, Style>> = {
  standard: 'green',
  conservative: 'yellow',
  'on-demand': 'magenta',
  reached: 'green',
  exhausted: 'red',
  crashed: 'red',
  timeout: 'red',
  'guest-died': 'red',
  invalid: 'cyan',
  broken: 'cyan',
  skipped: 'dim',
};

export function renderTable(results: readonly Result[], options: TableOptions): string {
  const { run } = options;
  const summary = run === undefined ? summarize(results, options) : summarizeRun(run, results, options);
  const grid = chooseGrid(results, summary, options.width ?? 100);
  const legend = tellLegend(grid);
  return [
    renderGrid(grid, options.color),
    ...(legend.length === 0 ? [] : ['', legend.join(', ')]),
    ...listNotes(results),
    ...(summary.reasons.length === 0 ? [] : ['', ...summary.reasons.map(renderReason)]),
    ...(summary.flaky.length === 0
      ? []
      : ['', ...summary.flaky.map((cell) => `flaky: ${plainLine(cell.id, 300)}: ${tellDistribution(cell)}`)]),
    '',
    tellCounts(summary),
    ...listRunState(summary),
    tellExit(summary),
    '',
  ].join('\n');
}

/** The part, what is missing, and the names of the missing cells. */
function listRunState({ completeness }: Summary): readonly string[] {
  if (completeness === null) return [];
  return [...describeRunState(completeness), ...listMissing(completeness).map((cell) => `  ${cell}`)];
}

function listNotes(results: readonly Result[]): readonly string[] {
  const notes = tellOverheadNotes(results).map((note) => plainLine(note, 300));
  return notes.length === 0 ? [] : ['', ...notes];
}

function renderReason({ where, reason, cells }: Summary['reasons'][number]): string {
  return `${where}: ${reason}${cells > 1 ? ` (${cells} cells)` : ''}`;
}

/** The widest layout that fits; the narrowest where none does. */
function chooseGrid(results: readonly Result[], summary: Summary, width: number): Grid {
  const grids = listLayouts(results, summary.axes).map((columns) =>
    buildGrid(results, summary.axes, columns),
  );
  const fits = (grid: Grid) =>
    renderGrid(grid, false)
      .split('\n')
      .every((line) => line.length <= width);
  return grids.find(fits) ?? grids.at(-1) ?? buildGrid(results, summary.axes, []);
}

function renderGrid(grid: Grid, color: boolean): string {
  const clocks = findClocks(grid.rows.flatMap((row) => row.results));
  const table = createPlainTable();
  const strong = (text: string) => paint('bold', text, color);
  for (const head of headerRows(grid, clocks)) {
    table.push(head.map(({ text, span }) => ({ content: strong(text), colSpan: span })));
  }
  for (const { labels, places, results } of grid.rows) {
    table.push([
      ...labels,
      ...places.map((place) => paintPlace(place, color)),
      ...(clocks.length === 0 ? noClock : clocks).map((clock) =>
        listRowWords(results, clock)
          .map((word) => paintOverhead(word, color))
          .join('\n'),
      ),
    ]);
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

type Head = Readonly<{ text: string; span: number }>;

/** One row a column axis; the last carries the names of the row axes too. Equal neighbours share a cell. */
function headerRows(grid: Grid, clocks: readonly Clock[]): readonly (readonly Head[])[] {
  const names: Head[] = grid.rowHeads.map((text) => ({ text, span: 1 }));
  const blank: Head[] = names.map(() => ({ text: '', span: 1 }));
  const overhead: Head[] =
    clocks.length === 0
      ? [{ text: 'overhead', span: 1 }]
      : clocks.map((clock) => ({ text: `overhead (${clock})`, span: 1 }));
  if (grid.columnAxes.length === 0) return [[...names, { text: 'tier', span: 1 }, ...overhead]];
  return grid.columnAxes.map((axis, level) => {
    const last = level === grid.columnAxes.length - 1;
    const heads: { text: string; span: number; path: string }[] = [];
    for (const column of grid.columns) {
      const path = column.slice(0, level + 1).join('\n');
      const previous = heads.at(-1);
      if (!last && previous?.path === path) previous.span += 1;
      else heads.push({ text: labelAxis(axis, column[level] ?? ''), span: 1, path });
    }
    return [
      ...(last ? names : blank),
      ...heads,
      ...(last ? overhead : overhead.map(() => ({ text: '', span: 1 }))),
    ];
  });
}

/** Any clock finds nothing then, and one column says so. */
const noClock: readonly Clock[] = ['instructions'];

/** What is unstable says so in a word too: not every terminal strikes through. */
function paintOverhead({ text, stable }: OverheadWord, color: boolean): string {
  if (!stable) return `${paint('strikethrough', text, color)} unstable`;
  return [baselineWord, noFigureWord].includes(text) ? paint('dim', text, color) : text;
}

function paintPlace(place: Place | null, color: boolean): string {
  if (place === null) return paint('dim', '·', color);
  const style = styles[place.words[0]?.word ?? 'skipped'];
  return paint(place.unexpected ? ['bold', 'red'] : style, tellPlace(place), color);
}

function paint(style: Style, text: string, color: boolean): string {
  return color && text !== '' ? styleText(style, text, { validateStream: false }) : text;
}
