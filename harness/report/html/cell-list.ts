/**
 * The list of cells, a `details` element each. The line one sees says what was predicted, what was
 * observed and the numbers that decide; the panel behind it says the rest. Panels of a small report are
 * in the page as they are. Those of a large one would be 60 MB: they are kept as lists of pieces, each
 * distinct piece once, and put together when a panel is opened.
 */
import { plainLine } from '../../outcome/plain-text.ts';
import { cellWords, formatCell } from '../cell-view.ts';
import { formatCount } from '../format-run.ts';
import { zip } from '../group-by.ts';
import { prepareRanks } from '../grid.ts';
import { tellNumbers } from '../verdict-table.ts';
import { type Html, embedJson, html, markup } from './html.ts';
import { classOf } from './legend.ts';
import { type PageCell, type PageView, anchorStart, dayMs, pageVerdicts } from './page-view.ts';

/** More than this in panels, characters, and they are put together by the script. */
export const staticLimit = 3_000_000;

export type Panels = Readonly<
  { kind: 'static'; bodies: readonly Html[] } | ({ kind: 'pieces' } & PackedPanels)
>;

export type PackedPanels = Readonly<{
  /** Markup that occurs more than once, most frequent first; see `packId`. */
  pieces: readonly string[];
  /**
   * For each cell the number of parts of its panel, then the parts: markup that only it has, the number of
   * a piece, or -n for n parts that are as in the last panel before with as many parts.
   */
  bodies: readonly (readonly (number | string)[])[];
}>;

/**
 * The id of a cell stands in its pieces as \u0001, and as \u0002 the way it is written in names of folders
 * (its first 80 characters): commands and links then are the same piece in all cells. No value can hold
 * such a character, they are cleaned.
 */
function packId(piece: string, id: string, inPath: string): string {
  return piece.replaceAll(id, '\u0001').replaceAll(inPath, '\u0002');
}

function unpackId(piece: string, id: string): string {
  return piece.replaceAll('\u0001', () => id).replaceAll('\u0002', () => inPaths(id));
}

const inPaths = (id: string): string => id.replace(/[=@]/g, '_').replaceAll(',', '-').slice(0, 80);

/** @param build the panel of a cell; called one after the other, so that few are in memory at once */
export function collectPanels(
  cells: readonly PageCell[],
  build: (cell: PageCell) => readonly Html[],
  limit = staticLimit,
): Panels {
  const pieces = new Map<string, Piece>();
  let size = 0;
  const coded = cells.map((cell) => {
    const { anchor, id } = cell;
    // Ids that are their own anchors need no escape anywhere.
    const isPacked = anchor === `${anchorStart}${id}` && id.length > 8;
    const inPath = inPaths(id);
    const body = build(cell).map(({ text }) => {
      size += text.length;
      // Most pieces are known as they are.
      const piece = pieces.get(text) ?? addPiece(pieces, isPacked ? packId(text, id, inPath) : text);
      piece.count += 1;
      return piece;
    });
    return { id, body };
  });
  if (size > limit)
    return {
      kind: 'pieces',
      ...pack(
        coded.map(({ body }) => body),
        [...pieces.values()],
      ),
    };
  return {
    kind: 'static',
    bodies: coded.map(({ id, body }) => markup(unpackId(body.map(({ text }) => text).join(''), id))),
  };
}

/** A piece of markup, and how often it occurs. */
type Piece = { readonly text: string; count: number };

function addPiece(pieces: Map<string, Piece>, text: string): Piece {
  const piece = pieces.get(text) ?? { text, count: 0 };
  pieces.set(text, piece);
  return piece;
}

function pack(coded: readonly (readonly Piece[])[], pieces: readonly Piece[]): PackedPanels {
  const shared = pieces.filter(({ count }) => count > 1).sort((a, b) => b.count - a.count);
  const places = new Map(shared.map((piece, place) => [piece, place]));
  const lastOfLength = new Map<number, readonly Piece[]>();
  const bodies = coded.map((body) => {
    const last = lastOfLength.get(body.length);
    lastOfLength.set(body.length, body);
    const parts: (number | string)[] = [body.length];
    let same = 0;
    for (const [at, piece] of body.entries()) {
      if (last?.[at] === piece) {
        same += 1;
        continue;
      }
      if (same > 0) parts.push(-same);
      same = 0;
      parts.push(places.get(piece) ?? piece.text);
    }
    return same > 0 ? [...parts, -same] : parts;
  });
  return { pieces: shared.map(({ text }) => text), bodies };
}

/** A long list stands in `noscript`: there for those without a script, and not parsed in vain for the others. */
export function renderList(cells: readonly PageCell[], panels: Panels): Html {
  const rows =
    panels.kind === 'static'
      ? zip(cells, panels.bodies).map(([cell, body]) => renderCell(cell, html`<div>${body}</div>`))
      : [markup('<noscript>'), ...cells.map((cell) => renderCell(cell, null)), markup('</noscript>')];
  return html`<div id="cells">${rows}</div>`;
}

function renderCell(cell: PageCell, body: Html | null): Html {
  const { anchor, word, name, pageVerdict, olderMs, old, marked } = cell;
  return html`<details id="${anchor}">
    <summary>
      <b class="chip ${classOf[word]}${marked}">${formatCell(cell)}</b> ${name}
      <i>${formatDeciding(cell)}</i>${pageVerdict === 'as expected' ? null : html` <b>${pageVerdict}</b>`}${
        old
          ? html` <b>${formatCount(Math.round(olderMs / dayMs), 'day')} older than the newest run</b>`
          : null
      }
    </summary>
    ${body}
  </details>`;
}

/** The number that decides; a failure without one has its first words. The prediction stands in the panel. */
const formatDeciding = (cell: PageCell): string => tellNumbers(cell) || plainLine(cell.reason, 160);

/** The data that the script filters and sorts by, and the pieces of the panels. */
export function embedData({ cells, axes }: PageView, panels: Panels): Html {
  const newest = Math.max(0, ...cells.map(({ olderMs }) => olderMs));
  const rank = prepareRanks(axes);
  return embedJson({
    axes: axes.map(({ name }) => name),
    // For each cell: the places of its values on the axes, its word, its verdict, minutes before the newest.
    cells: cells.map((cell) => [
      ...rank(cell),
      cellWords.indexOf(cell.word),
      pageVerdicts.indexOf(cell.pageVerdict),
      newest === 0 ? 0 : Math.round(cell.olderMs / 60_000),
    ]),
    ...(panels.kind === 'pieces' ? { pieces: panels.pieces, bodies: panels.bodies } : {}),
  });
}

/** Shown by the script: without one there is nothing it could do. */
export function renderFilters({ cells, axes }: PageView): Html {
  const words = new Set<string>(cells.map(({ word }) => word));
  const verdicts = new Set<string>(cells.map(({ pageVerdict }) => pageVerdict));
  const select = (name: string, label: string, values: readonly string[], present = new Set(values)) =>
    html`<label
      >${label}<select name="${name}">
        <option value="">all</option>
        ${values.map((value, index) => (present.has(value) ? html`<option value="${index}">${value}</option>` : null))}
      </select></label
    >`;
  const filters = [
    ...axes.map(({ name, values }) => select(`a.${name}`, name, values)),
    select('state', 'result', cellWords, words),
    select('verdict', 'verdict', pageVerdicts, verdicts),
  ];
  return html`<form id="filters" autocomplete="off" hidden aria-label="Filter and sort the cells">
    ${filters}<label>find<input type="search" name="find" autocomplete="off" /></label
    ><label
      >sort by<select name="sort">
        <option value="">settings</option>
        <option value="worst">worst tier first</option>
        <option value="best">best tier first</option>
        <option value="verdict">unexpected first</option>
        <option value="old">oldest first</option>
      </select></label
    ><button type="reset">Show all</button
    ><output aria-live="polite">${formatCount(cells.length, 'cell')}</output>
  </form>`;
}
