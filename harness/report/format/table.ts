/** The table at the end of a run: the grid, a line for each reason, the counts, what the exit code means. */
import { styleText } from 'node:util';
import type { Observed } from '../../outcome/repetitions.ts';
import { plainLine } from '../../outcome/plain-text.ts';
import { type CellView, formatCell } from '../cell-view.ts';
import { listCosts } from '../cost-columns.ts';
import type { Format, RenderOptions } from '../format.ts';
import { formatDistribution } from '../format-distribution.ts';
import { type OverheadText, baselineText, formatNotes, noFigureText } from '../format-overhead.ts';
import { formatCounts, formatExit } from '../format-run.ts';
import { formatServingNotes } from '../format-serving.ts';
import { type Grid, type Head, buildGrid, formatLegend, listHeads, listLayouts } from '../grid.ts';
import { groupReasons } from '../group-reasons.ts';
import { renderDetails } from '../overhead-table.ts';
import { createPlainTable, renderLines } from '../plain-table.ts';
import type { RunView } from '../run-view.ts';

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

function render(view: RunView, options: RenderOptions = {}): string {
  const { results, axes, flaky, state } = view;
  const color = options.color === true;
  const grid = chooseGrid(view, options.width ?? 100);
  // Beside rows that name what is unusual, reasons do so too.
  const reasons = groupReasons(results, axes, grid.usual);
  const blocks = [
    formatLegend(grid).join(', '),
    ...[
      [...formatNotes(results), ...formatServingNotes(results)].map((note) => plainLine(note, 300)),
      reasons.map(({ where, reason, cells }) => `${where}: ${reason}${cells > 1 ? ` (${cells} cells)` : ''}`),
      flaky.map((cell) => `flaky: ${plainLine(cell.id, 300)}: ${formatDistribution(cell)}`),
    ].map((lines) => lines.join('\n')),
  ];
  const text = [
    renderGrid(grid, color),
    ...blocks.flatMap((block) => (block === '' ? [] : ['', block])),
    '',
    formatCounts(view),
    ...state.sentences,
    ...state.missingNames.map((cell) => `  ${cell}`),
    formatExit(view),
    '',
  ].join('\n');
  return options.details === true ? `${text}\n${renderDetails(results, { color })}` : text;
}

/** The widest layout that fits; the narrowest where none does. */
function chooseGrid({ cells, axes }: RunView, width: number): Grid {
  const [widest, ...narrower] = listLayouts(cells, axes);
  const fits = (grid: Grid) =>
    renderGrid(grid, false)
      .split('\n')
      .every((line) => line.length <= width);
  return narrower.reduce(
    (grid, columns) => (fits(grid) ? grid : buildGrid(cells, axes, columns)),
    buildGrid(cells, axes, widest),
  );
}

function renderGrid(grid: Grid, color: boolean): string {
  const columns = listCosts(grid.rows.flatMap((row) => row.results));
  const table = createPlainTable();
  const heads = columns.map(({ head }) => head);
  for (const head of headerRows(grid, heads))
    table.push(head.map(({ text, span }) => ({ content: paint('bold', text, color), colSpan: span })));
  for (const { labels, places, results } of grid.rows) {
    table.push([
      ...labels,
      ...places.map((cell) => paintCell(cell, color)),
      ...columns.map(({ format }) =>
        format(results)
          .map((text) => paintOverhead(text, color))
          .join('\n'),
      ),
    ]);
  }
  return renderLines(table).join('\n');
}

const headsOf = (texts: readonly string[]): readonly Head[] => texts.map((text) => ({ text, span: 1 }));

/** The last row of heads carries the names of the row axes too. */
function headerRows(grid: Grid, overhead: readonly string[]): readonly (readonly Head[])[] {
  if (grid.columnAxes.length === 0) return [headsOf([...grid.rowHeads, 'tier', ...overhead])];
  return listHeads(grid).map((heads, level, { length }) => {
    const inLast = (texts: readonly string[]) => headsOf(level === length - 1 ? texts : texts.map(() => ''));
    return [...inLast(grid.rowHeads), ...heads, ...inLast(overhead)];
  });
}

/** Unstable figures are marked in words too: not every terminal strikes through. */
function paintOverhead({ text, stable }: OverheadText, color: boolean): string {
  if (!stable) return `${paint('strikethrough', text, color)} unstable`;
  return [baselineText, noFigureText].includes(text) ? paint('dim', text, color) : text;
}

function paintCell(cell: CellView | null, color: boolean): string {
  if (cell === null) return paint('dim', '·', color);
  const style = styles[cell.words[0].word];
  return paint(cell.marks.includes('unexpected') ? ['bold', 'red'] : style, formatCell(cell), color);
}

function paint(style: Style, text: string, color: boolean): string {
  return color && text !== '' ? styleText(style, text, { validateStream: false }) : text;
}

export const table = {
  file: null,
  description: 'grid, reasons and counts for a terminal',
  render,
  storedOnly: true,
} satisfies Format;
