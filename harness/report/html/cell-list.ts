/**
 * The list of cells, a `details` element each. The line one sees says what was predicted, what was
 * observed and the numbers that decide; the panel behind it says the rest. Panels of a small report are
 * in the page as they are. Those of a large one would be 60 MB: they are kept as lists of pieces, each
 * distinct piece once, and put together when a panel is opened.
 */
import { plainLine } from '../../outcome/plain-text.ts';
import { cellWords, formatCell } from '../cell-view.ts';
import { formatCount } from '../format-run.ts';
import { rankCell } from '../grid.ts';
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
  const numbers = new Map<string, number>();
  const counts: number[] = [];
  let size = 0;
  // Ids that are their own anchors need no escape anywhere.
  const ids = cells.map(({ anchor, id }) => (anchor === `${anchorStart}${id}` && id.length > 8 ? id : null));
  const coded = cells.map((cell, index) => {
    const id = ids[index] ?? null;
    const inPath = inPaths(id ?? '');
    return Uint32Array.from(build(cell), ({ text }) => {
      size += text.length;
      // Most pieces are known as they are.
      const number = numbers.get(text) ?? addPiece(numbers, id === null ? text : packId(text, id, inPath));
      counts[number] = (counts[number] ?? 0) + 1;
      return number;
    });
  });
  const texts = [...numbers.keys()];
  if (size > limit) return { kind: 'pieces', ...pack(coded, texts, counts) };
  return {
    kind: 'static',
    bodies: coded.map((body, index) => {
      const joined = [...body].map((number) => texts[number] ?? '').join('');
      return markup(unpackId(joined, ids[index] ?? ''));
    }),
  };
}

function addPiece(numbers: Map<string, number>, piece: string): number {
  const number = numbers.get(piece) ?? numbers.size;
  numbers.set(piece, number);
  return number;
}

function pack(
  coded: readonly Uint32Array[],
  texts: readonly string[],
  counts: readonly number[],
): PackedPanels {
  const shared = texts
    .map((_, number) => number)
    .filter((number) => (counts[number] ?? 0) > 1)
    .sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b);
  const places = new Map(shared.map((number, place) => [number, place]));
  const lastOfLength = new Map<number, Uint32Array>();
  const bodies = coded.map((body) => {
    const last = lastOfLength.get(body.length);
    lastOfLength.set(body.length, body);
    const parts: (number | string)[] = [body.length];
    let same = 0;
    for (const [at, number] of body.entries()) {
      if (last?.[at] === number) {
        same += 1;
        continue;
      }
      if (same > 0) parts.push(-same);
      same = 0;
      parts.push(places.get(number) ?? texts[number] ?? '');
    }
    return same > 0 ? [...parts, -same] : parts;
  });
  return { pieces: shared.map((number) => texts[number] ?? ''), bodies };
}

/** A long list stands in `noscript`: there for those without a script, and not parsed in vain for the others. */
export function renderList(cells: readonly PageCell[], panels: Panels): Html {
  const rows = cells.map((cell, index) =>
    renderCell(cell, panels.kind === 'static' ? (panels.bodies[index] ?? null) : null),
  );
  const shown = panels.kind === 'static' ? rows : [markup('<noscript>'), ...rows, markup('</noscript>')];
  return html`<div id="cells">${shown}</div>`;
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
    ${body === null ? null : html`<div>${body}</div>`}
  </details>`;
}

/** The number that decides; a failure without one has its first words. The prediction stands in the panel. */
const formatDeciding = (cell: PageCell): string => tellNumbers(cell) || plainLine(cell.reason, 160);

/** The data that the script filters and sorts by, and the pieces of the panels. */
export function embedData({ cells, axes }: PageView, panels: Panels): Html {
  const newest = Math.max(0, ...cells.map(({ olderMs }) => olderMs));
  return embedJson({
    axes: axes.map(({ name }) => name),
    // For each cell: the places of its values on the axes, its word, its verdict, minutes before the newest.
    cells: cells.map((cell) => [
      ...rankCell(cell, axes),
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
