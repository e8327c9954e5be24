/** The cells of a page by the matrix they belong to: each matrix has its own grid and its own reasons. */
import type { Result } from '../../store/result.ts';
import { type VariedAxis, findVaried } from '../axis-labels.ts';
import { type ReasonGroup, groupReasons } from '../group-reasons.ts';
import type { RunResults } from '../merge-runs.ts';
import type { Entry } from './entries.ts';
import { type Layout, layOut, renderGrid } from './grid-table.ts';
import { type Html, html, nothing } from './html.ts';

export type Section = Readonly<{
  title: string;
  file: string;
  entries: readonly Entry[];
  axes: readonly VariedAxis[];
  reasons: readonly ReasonGroup[];
  layout: Layout;
}>;

/**
 * A section for each matrix, by the names of their files. A cell of two matrices is in both, and its newest
 * result counts in both.
 * @param runs all runs given, those too of which no result counts
 * @param all the axes that vary among all cells
 */
export function buildSections(
  runs: readonly RunResults[],
  entries: readonly Entry[],
  all: readonly VariedAxis[],
): readonly Section[] {
  const matrices = new Map<string, { title: string; file: string; ids: Set<string> }>();
  for (const { record, results } of runs) {
    const { title, file } = record.matrix;
    const key = `${file}\n${title}`;
    const matrix = matrices.get(key) ?? { title, file, ids: new Set() };
    for (const { id } of results) matrix.ids.add(id);
    matrices.set(key, matrix);
  }
  return [...matrices]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { title, file, ids }]) => {
      const own = matrices.size === 1 ? entries : entries.filter(({ cell }) => ids.has(cell.id));
      const results: readonly Result[] = own.flatMap(({ cell }) => cell.results);
      const axes = own === entries ? all : findVaried(results);
      return {
        title,
        file,
        entries: own,
        axes,
        reasons: groupReasons(results, axes),
        layout: layOut(own, axes),
      };
    });
}

/** Grid and reasons. With a heading where there are several: the page's own title says the same of one. */
export function renderSection(section: Section, index: number, of: number): Html {
  const { title, entries, layout, reasons } = section;
  if (of === 1) return html`${renderGrid(layout, index)}${renderReasons(reasons, null)}`;
  const id = `matrix-${index + 1}`;
  const count = `${entries.length} environment${entries.length === 1 ? '' : 's'}`;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title} <small>${count}</small></h2>
    ${renderGrid(layout, index)}${renderReasons(reasons, title)}
  </section>`;
}

/** A hundred reasons explain nothing any more; the cells themselves have theirs. */
const reasonLimit = 100;
/** More than these are folded. */
const shownReasons = 8;

function renderReasons(reasons: readonly ReasonGroup[], of: string | null): Html {
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
  // One heading a page is enough for those who go by headings.
  return html`<div class="why">
    ${of === null ? html`<h2>Why not the best tier</h2>` : html`<h3>Why not the best tier</h3>`}
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
