/** The grid of a matrix: environments by settings, a word for each cell, a link to its panel; and the reasons below. */
import { plainLine } from '../../outcome/plain-text.ts';
import { formatCell } from '../cell-view.ts';
import { findClocks, formatRow, type OverheadText } from '../format-overhead.ts';
import { formatServingRow, isPriced, servingHead } from '../format-serving.ts';
import { formatCount } from '../format-run.ts';
import { type Grid, formatUsual, listHeads } from '../grid.ts';
import type { ReasonGroup } from '../group-reasons.ts';
import { renderHosts } from './host-table.ts';
import { type Html, html, nothing } from './html.ts';
import { classOf } from './legend.ts';
import { bands } from './overhead.ts';
import type { PageCell, Section } from './page-view.ts';

/** Grid and reasons. With a heading where there are several: the page's own title says the same of one. */
export function renderSection(section: Section, index: number, of: number): Html {
  const { title, cells, grid, hosts, reasons } = section;
  const table = renderHosts(hosts, index);
  if (of === 1) return html`${table}${renderGrid(grid, index)}${renderReasons(reasons, false)}`;
  const id = `matrix-${index + 1}`;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title} <small>${formatCount(cells.length, 'environment')}</small></h2>
    ${table}${renderGrid(grid, index)}${renderReasons(reasons, true)}
  </section>`;
}

/** @param index which grid of the page: ids differ */
function renderGrid(grid: Grid<PageCell>, index: number): Html {
  const id = index === 0 ? 'grid' : `grid-${index + 1}`;
  const shape: Shape = { grid, costs: grid.rows.some(({ places }) => places.some(isCosted)) };
  const lines = grid.rows.map(({ labels, places }) => renderLine(labels, places, shape));
  const usual = formatUsual(grid);
  return html`<div
    class="scroll gridbox${lines.length > 30 ? ' tall' : ''}"
    tabindex="0"
    role="region"
    aria-labelledby="${id}-caption"
  >
    <table class="grid" id="${id}">
      <caption id="${id}-caption">
        <span
          >Tier reached in each
          environment${grid.columnAxes.length === 0 ? '' : `, by ${grid.columnAxes.join(' and ')}`}; each cell
          links to its panel.${usual === null ? null : ` ${capitalize(usual)}.`}</span
        >
      </caption>
      ${renderHead(shape)}
      <tbody>
        ${lines.slice(0, lineLimit)}
      </tbody>
    </table>
    ${lines.length <= lineLimit ? null : renderRest(shape, lines.slice(lineLimit))}
  </div>`;
}

/** A grid and whether anything of what its cells cost is known: a column without any figure is left out. */
type Shape = Readonly<{ grid: Grid<PageCell>; costs: boolean }>;

const isCosted = (cell: PageCell | null): boolean =>
  cell?.results.some(
    ({ overhead = [], overheadSource, serving }) =>
      overhead.length > 0 || overheadSource !== undefined || serving !== undefined,
  ) ?? false;

const capitalize = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

function renderLine(labels: readonly string[], found: readonly (PageCell | null)[], shape: Shape): Html {
  const only = shape.grid.columnAxes.length === 0 ? (found[0] ?? null) : null;
  return html`<tr>
    ${labels.map((label) => html`<th scope="row">${label}</th>`)}${found.map(renderPlace)}${
      only === null ? null : html`<td class="told">${formatWhy(only)}</td>`
    }${shape.costs ? renderCost(found) : null}
  </tr>`;
}

/** Where a line is one cell there is room for the numbers that decided it. */
function formatWhy({ results }: PageCell): string {
  const result = results.find(({ verdict }) => verdict === 'unexpected') ?? results[0];
  return plainLine(result?.reason ?? '', 150);
}

/**
 * A browser takes two seconds to lay out ten thousand lines. More than these are there for those without a
 * script, and parsed for the others only when they are shown.
 */
const lineLimit = 300;

function renderRest(shape: Shape, lines: readonly Html[]): Html {
  return html`<noscript
    ><table class="grid">
      <caption>
        The same, continued
      </caption>
      ${renderHead(shape)}
      <tbody>
        ${lines}
      </tbody>
    </table></noscript
  >`;
}

function renderPlace(cell: PageCell | null): Html {
  if (cell === null) return html`<td class="sn">–</td>`;
  const { word, anchor, emulated, old, cost } = cell;
  const text = formatCell(cell);
  const marks = `${emulated ? ' e' : ''}${old ? ' o' : ''}`;
  return html`<td class="${classOf[word]}${marks}">
    <a href="#${anchor}">${text}</a>${cost === null ? null : html`<small>${cost.sign} ${cost.text}</small>`}
  </td>`;
}

/** The cost of a row, a line per mean and clock; the sign is of the dearest workload. */
function renderCost(cells: readonly (PageCell | null)[]): Html {
  const results = cells.flatMap((cell) => cell?.results ?? []);
  const clocks = findClocks(results);
  const costs = cells.flatMap((cell) => cell?.cost ?? []);
  const order = bands.map(({ band }) => band);
  const worst = [...costs].sort((a, b) => order.indexOf(b.band) - order.indexOf(a.band))[0];
  const requests = isPriced(results)
    ? html`${formatServingRow(results).map(renderText)}<small>${servingHead}</small>`
    : null;
  if (clocks.length === 0) {
    const none = formatRow(results, 'instructions').map(({ text }) => text);
    return html`<td class="cost">${requests ?? none}</td>`;
  }
  return html`<td class="cost">
    ${worst?.sign ?? ''}
    ${clocks.map((clock) => html`${formatRow(results, clock).map(renderText)}<small>${clock}</small>`)}
    ${requests === null ? null : html`<br />${requests}`}
  </td>`;
}

const renderText = ({ text, stable }: OverheadText): Html =>
  html`${stable ? text : html`<s>${text}</s> unstable`}<br />`;

function renderHead({ grid, costs }: Shape): Html {
  const { rowHeads, columnAxes } = grid;
  const levels = Math.max(1, columnAxes.length);
  const corner = rowHeads.map((name) => html`<th scope="col" rowspan="${levels}">${name}</th>`);
  const cost = costs ? html`<th scope="col" rowspan="${levels}">overhead</th>` : null;
  if (columnAxes.length === 0)
    return html`<thead>
      <tr>
        ${corner}
        <th scope="col">tier</th>
        <th scope="col">what decided</th>
        ${cost}
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
        ${level === 0 ? corner : null}${cells}${level === 0 ? cost : null}
      </tr>`;
    })}
  </thead>`;
}

/** A hundred reasons explain nothing any more; the cells themselves have theirs. */
const reasonLimit = 100;
/** More than these are folded. */
const shownReasons = 8;

function renderReasons(reasons: readonly ReasonGroup[], nested: boolean): Html {
  if (reasons.length === 0) return nothing;
  const items = reasons
    .slice(0, reasonLimit)
    .map(
      ({ where, reason, cells }) =>
        html`<li><b>${where}</b>: ${reason}${cells > 1 ? ` (${cells} cells)` : ''}</li>`,
    );
  const more = reasons.length - reasonLimit;
  const rest = [
    ...items.slice(shownReasons),
    ...(more > 0 ? [html`<li>and ${more} more: see the cells</li>`] : []),
  ];
  // One heading of this level per page, for screen-reader navigation.
  return html`<div class="why">
    ${nested ? html`<h3>Why not the best tier</h3>` : html`<h2>Why not the best tier</h2>`}
    <ul class="reasons">
      ${items.slice(0, shownReasons)}
    </ul>
    ${
      rest.length === 0
        ? null
        : html`<details class="fold">
            <summary>${reasons.length - shownReasons} more reasons</summary>
            <ul class="reasons">
              ${rest}
            </ul>
          </details>`
    }
  </div>`;
}
