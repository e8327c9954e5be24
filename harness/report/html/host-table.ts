/** Hosts beside each other on the page: how each starts in each environment, and what it prints. */
import { markSigns } from '../cell-view.ts';
import { formatUsual, listHeads } from '../grid.ts';
import { type HostTable, basisOf, describeStart, hostLegend } from '../host-table.ts';
import { type Html, html, nothing } from './html.ts';
import { classOf } from './legend.ts';
import type { PageCell } from './page-view.ts';

/** More texts than these are folded. */
const shownTexts = 12;

/** @param index which table of the page: ids differ */
export function renderHosts(hosts: HostTable<PageCell> | null, index: number): Html {
  if (hosts === null) return nothing;
  const { grid, texts } = hosts;
  const id = index === 0 ? 'hosts' : `hosts-${index + 1}`;
  const usual = formatUsual(grid);
  const across = grid.columnAxes.length === 1 && grid.columnAxes[0] === 'subject';
  const heads = across ? [grid.columns.map(([name = '']) => ({ text: name, span: 1 }))] : listHeads(grid);
  return html`<div
      class="scroll${grid.rows.length > 30 ? ' tall' : ''}"
      tabindex="0"
      role="region"
      aria-labelledby="${id}-caption"
    >
      <table class="grid" id="${id}">
        <caption id="${id}-caption">
          <span
            >How each host starts, and how that is known; each cell links to its panel.
            ${hostLegend.map((line) => `${line}. `)}${usual === null ? null : `${usual}.`}</span
          >
        </caption>
        <thead>
          ${heads.map(
            (row, level) =>
              html`<tr>
                ${
                  level === 0
                    ? grid.rowHeads.map(
                        (name) => html`<th scope="col" rowspan="${heads.length}">${name}</th>`,
                      )
                    : null
                }${row.map(
                  ({ text, span }) =>
                    html`<th scope="${span === 1 ? 'col' : 'colgroup'}" colspan="${span}">${text}</th>`,
                )}
              </tr>`,
          )}
        </thead>
        <tbody>
          ${grid.rows.map(
            ({ labels, places }) =>
              html`<tr>
                ${labels.map((label) => html`<th scope="row">${label}</th>`)}${places.map(renderPlace)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${renderTexts(texts)}`;
}

function renderPlace(cell: PageCell | null): Html {
  if (cell === null) return html`<td class="sn">–</td>`;
  const { word, anchor, deciding, marks, emulated, old } = cell;
  const basis = basisOf(deciding);
  const signs = marks.map((mark) => ` ${markSigns[mark]}`).join('');
  return html`<td class="${classOf[word]}${emulated ? ' e' : ''}${old ? ' o' : ''}">
    <a href="#${anchor}">${describeStart(cell)}${signs}</a
    >${basis === null ? null : html`<small>${basis}</small>`}
  </td>`;
}

function renderTexts(texts: HostTable['texts']): Html {
  if (texts.length === 0) return nothing;
  const items = texts.map(
    ({ start, where, text, cells }) =>
      html`<li><b>${where}</b> ${start}: <q>${text}</q>${cells > 1 ? ` (${cells} cells)` : null}</li>`,
  );
  const rest = items.slice(shownTexts);
  return html`<div class="why">
    <h3>What hosts print</h3>
    <ul class="reasons">
      ${items.slice(0, shownTexts)}
    </ul>
    ${
      rest.length === 0
        ? null
        : html`<details class="fold">
            <summary>${rest.length} more texts</summary>
            <ul class="reasons">
              ${rest}
            </ul>
          </details>`
    }
  </div>`;
}
