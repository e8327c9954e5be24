/** The grid of a matrix: environments by settings, a word for each cell, a link to its panel. */
import { formatCell } from '../cell-view.ts';
import { type Grid, formatUsual, listHeads, nameColumn } from '../grid.ts';
import { zip } from '../group-by.ts';
import type { SmallGrid } from '../small-grids.ts';
import { tellNumbers } from '../verdict-table.ts';
import { formatHeadline } from './headline-costs.ts';
import { type Html, html } from './html.ts';
import { classOf } from './legend.ts';
import type { PageCell, Section } from './page-view.ts';
import { widthOf } from './verdict.ts';

/** Grids. With a heading where there are several: the page's own title says the same of one. */
export function renderSection(section: Section, index: number, of: number): Html {
  const { title, grids } = section;
  const id = (at: number) => `grid${index === 0 ? '' : `-${index + 1}`}${at === 0 ? '' : `.${at + 1}`}`;
  const body = html`<div class="grids">${grids.map((grid, at) => renderGrid(grid, id(at)))}</div>`;
  if (of === 1) return body;
  return html`<section aria-labelledby="matrix-${section.id}">
    <h3 id="matrix-${section.id}">${title}</h3>
    ${body}
  </section>`;
}

function renderGrid({ title, grid }: SmallGrid<PageCell>, id: string): Html {
  const lines = grid.rows.map((row) => renderLine(row, grid));
  const usual = formatUsual(grid);
  return html`<div class="gridbox${grid.columnAxes.length === 0 ? ' long' : ''}">
    <table class="grid ${widthOf(grid.columns.length)}" id="${id}">
      <caption>
        ${title ?? `Tier reached${grid.columnAxes.length === 0 ? '' : ` by ${grid.columnAxes.join(' and ')}`}`}${
          usual === null ? null : html` <small>${capitalize(usual)}.</small>`
        }
      </caption>
      ${renderHead(grid)}
      <tbody>
        ${lines.slice(0, lineLimit)}
      </tbody>
    </table>
    ${lines.length <= lineLimit ? null : renderRest(grid, lines.slice(lineLimit))}
  </div>`;
}

const capitalize = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

function renderLine(
  { labels, places }: Grid<PageCell>['rows'][number],
  { rowHeads, columnAxes, columns }: Grid<PageCell>,
): Html {
  const told = columnAxes.length === 0 ? places.filter((cell) => cell !== null) : [];
  return html`<tr>
    ${zip(rowHeads, labels).map(([head, label]) => html`<th scope="row" data-c="${head}">${label}</th>`)}${zip(
      places,
      columns,
    ).map(([cell, column]) => renderPlace(cell, nameColumn(columnAxes, column, ' · ')))}${told.map(
      (cell) => html`<td class="told">${tellNumbers(cell)}</td>`,
    )}
  </tr>`;
}

/**
 * A browser takes two seconds to lay out ten thousand lines. More than these are there for those without a
 * script, and parsed for the others only when they are shown.
 */
const lineLimit = 300;

function renderRest(grid: Grid<PageCell>, lines: readonly Html[]): Html {
  return html`<noscript
    ><table class="grid">
      <caption>
        The same, continued
      </caption>
      ${renderHead(grid)}
      <tbody>
        ${lines}
      </tbody>
    </table></noscript
  >`;
}

/** @param column its name, for a grid that is shown as cards, without a head above it */
function renderPlace(cell: PageCell | null, column: string): Html {
  const named = column === '' ? null : html`data-c="${column}"`;
  if (cell === null) return html`<td class="sn" ${named}>–</td>`;
  const { word, anchor, marked, costs } = cell;
  return html`<td class="${classOf[word]}${marked}" ${named}>
    <a href="#${anchor}">${formatCell(cell)}</a
    >${costs.map((cost) => html`<small>${formatHeadline(cost)}</small>`)}
  </td>`;
}

function renderHead(grid: Grid<PageCell>): Html {
  const { rowHeads, columnAxes } = grid;
  const levels = Math.max(1, columnAxes.length);
  const corner = rowHeads.map((name) => html`<th scope="col" rowspan="${levels}">${name}</th>`);
  if (columnAxes.length === 0)
    return html`<thead>
      <tr>
        ${corner}
        <th scope="col">tier</th>
        <th scope="col">what decided</th>
      </tr>
    </thead>`;
  return html`<thead>
    ${listHeads(grid).map((heads, level) => {
      const cells = heads.map(({ text, span }) =>
        level === levels - 1
          ? html`<th scope="col">${text}</th>`
          : html`<th scope="colgroup" colspan="${span}">${text}</th>`,
      );
      return html`<tr>
        ${level === 0 ? corner : null}${cells}
      </tr>`;
    })}
  </thead>`;
}
