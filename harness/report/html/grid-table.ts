/** The grid: environments by settings, a word for each cell, a link to its panel. */
import { plainLine } from '../../outcome/plain-text.ts';
import { labelAxis } from '../axis-labels.ts';
import type { VariedAxis } from '../axis-labels.ts';
import { type Grid, buildGrid, listLayouts, tellUsual } from '../grid.ts';
import { findClocks, listRowWords } from '../overhead-words.ts';
import type { Entry } from './entries.ts';
import { type Html, html } from './html.ts';
import { classOf } from './legend.ts';
import { bands } from './overhead.ts';

/** A grid and the cell of each of its places, row by row; null where there is none. */
export type Layout = Readonly<{ grid: Grid; places: readonly (readonly (Entry | null)[])[] }>;

export function layOut(entries: readonly Entry[], axes: readonly VariedAxis[]): Layout {
  const results = entries.flatMap(({ cell }) => cell.results.slice(0, 1));
  const grid = buildGrid(results, axes, listLayouts(results, axes)[0] ?? []);
  const byId = new Map(entries.map((entry) => [entry.cell.id, entry]));
  const places = grid.rows.map(({ ids }) => ids.map((id) => (id === null ? null : (byId.get(id) ?? null))));
  return { grid, places };
}

/** @param index which grid of the page: ids differ */
export function renderGrid({ grid, places }: Layout, index: number): Html {
  const id = index === 0 ? 'grid' : `grid-${index + 1}`;
  const shape: Shape = { grid, costs: places.some((row) => row.some(isCosted)) };
  const lines = grid.rows.map(({ labels }, row) => renderLine(labels, places[row] ?? [], shape));
  const usual = tellUsual(grid);
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

/** A grid and whether anything of what its cells cost is known: a column that says nothing is left out. */
type Shape = Readonly<{ grid: Grid; costs: boolean }>;

const isCosted = (entry: Entry | null): boolean =>
  entry?.cell.results.some(
    ({ overhead = [], overheadSource }) => overhead.length > 0 || overheadSource !== undefined,
  ) ?? false;

const capitalize = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

function renderLine(labels: readonly string[], found: readonly (Entry | null)[], shape: Shape): Html {
  const only = shape.grid.columnAxes.length === 0 ? (found[0] ?? null) : null;
  return html`<tr>
    ${labels.map((label) => html`<th scope="row">${label}</th>`)}${found.map(renderPlace)}${
      only === null ? null : html`<td class="told">${tellWhy(only)}</td>`
    }${shape.costs ? renderCost(found) : null}
  </tr>`;
}

/** Where a line is one cell there is room for the numbers that decided it. */
function tellWhy({ cell: { results } }: Entry): string {
  const result = results.find(({ verdict }) => verdict === 'unexpected') ?? results[0];
  return plainLine(result?.reason ?? '', 150);
}

/**
 * A browser takes two seconds to lay out ten thousand lines. More than these are there for those without a
 * script, and not parsed for the others until they are asked for.
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

function renderPlace(entry: Entry | null): Html {
  if (entry === null) return html`<td class="sn">–</td>`;
  const { state, anchor, text, emulated, old, cost } = entry;
  const marks = `${emulated ? ' e' : ''}${old ? ' o' : ''}`;
  return html`<td class="${classOf[state]}${marks}">
    <a href="#${anchor}">${text}</a>${cost === null ? null : html`<small>${cost.sign} ${cost.text}</small>`}
  </td>`;
}

/** What the row costs, a line a mean and clock; the sign is of the dearest workload. */
function renderCost(entries: readonly (Entry | null)[]): Html {
  const results = entries.flatMap((entry) => entry?.cell.results ?? []);
  const clocks = findClocks(results);
  const costs = entries.flatMap((entry) => (entry?.cost == null ? [] : [entry.cost]));
  const order = bands.map(({ band }) => band);
  const worst = [...costs].sort((a, b) => order.indexOf(b.band) - order.indexOf(a.band))[0];
  if (clocks.length === 0) {
    return html`<td class="cost">${listRowWords(results, 'instructions').map(({ text }) => text)}</td>`;
  }
  return html`<td class="cost">
    ${worst?.sign ?? ''}
    ${clocks.map(
      (clock) =>
        html`${listRowWords(results, clock).map(
            ({ text, stable }) => html`${stable ? text : html`<s>${text}</s> unstable`}<br />`,
          )}<small>${clock}</small>`,
    )}
  </td>`;
}

function renderHead({ grid: { rowHeads, columnAxes, columns }, costs }: Shape): Html {
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
    ${columnAxes.map((name, level) => {
      const last = level === columnAxes.length - 1;
      const spans = countSpans(columns.map((labels) => labels.slice(0, level + 1).join('\n')));
      const heads = spans.map(({ at, span }) => {
        const text = labelAxis(name, columns[at]?.[level] ?? '');
        return last
          ? html`<th scope="col">${text}</th>`
          : html`<th scope="colgroup" colspan="${span}">${text}</th>`;
      });
      return html`<tr>
        ${level === 0 ? corner : null}${heads}${level === 0 ? cost : null}
      </tr>`;
    })}
  </thead>`;
}

/** Neighbours that are equal, together. */
function countSpans(keys: readonly string[]): readonly Readonly<{ at: number; span: number }>[] {
  const starts = keys.flatMap((key, index) => (key === keys[index - 1] ? [] : [index]));
  return starts.map((at, index) => ({ at, span: (starts[index + 1] ?? keys.length) - at }));
}
