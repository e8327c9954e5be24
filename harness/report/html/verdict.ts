/** The first screen: title, date, one sentence, and for each matrix the table of environments and hosts. */
import { hosts } from '../../../images/allocator/hosts.ts';
import { listUsual } from '../axis-labels.ts';
import { type CellWord, markSigns } from '../cell-view.ts';
import { formatCount } from '../format-run.ts';
import { groupBy, zip } from '../group-by.ts';
import { basisOf, describeStart, hostLegend, servesNothing } from '../host-table.ts';
import { shortenClauses } from '../describe-unusual.ts';
import type { VerdictPlace, VerdictTable } from '../verdict-table.ts';
import { foldRest } from './fold-rest.ts';
import { type Html, html } from './html.ts';
import { classOf } from './legend.ts';
import type { PageCell, PageView, Section } from './page-view.ts';

/** A sign for each way of starting: what is filled in is what there is of a pool. */
const startSigns: Readonly<Record<CellWord, string>> = {
  standard: '●',
  conservative: '◐',
  'on-demand': '○',
  reached: '✓',
  flaky: '≈',
  exhausted: '⊘',
  crashed: '⊘',
  timeout: '⊘',
  'guest-died': '⊘',
  invalid: '?',
  broken: '?',
  skipped: '–',
};

/** `Spin's defaults on small machines: supported environments` */
export const titlePage = ({ sections, newest }: PageView): string =>
  sections.length === 1
    ? `${newest.record.matrix.title}: supported environments`
    : `Supported environments, ${sections.length} matrices`;

/** `The host runs fully in 24 of 36 environments, runs smaller in 12.`: also for those who only see a link. */
export function renderSummary({ cells, axes }: PageView): string {
  const hosts = axes.find(({ name }) => name === 'subject')?.values.length ?? 1;
  const best = [...cells].sort((a, b) => order.indexOf(a.word) - order.indexOf(b.word));
  const starts = [...groupBy(best, describeStart)].map(([start, { length }]) => [start, length] as const);
  if (hosts > 1)
    return `${formatCount(cells.length, 'test')} of ${hosts} hosts: ${starts.map(([start, count]) => `${start} in ${count}`).join(', ')}.`;
  const words = starts.map(
    ([start, count], index) =>
      `${start} in ${count}${index === 0 ? ` of ${formatCount(cells.length, 'environment')}` : ''}`,
  );
  return words.length === 0 ? 'Nothing was tested yet.' : `The host ${words.join(', ')}.`;
}

const order = Object.keys(startSigns) as readonly CellWord[];

const nouns = { environment: 'environment', host: 'host', 'host and environment': 'cell' } as const;

/** More lines than this are folded. */
const shownLines = 24;

export function renderVerdict({ sections }: PageView): Html {
  const several = sections.length > 1;
  return html`${sections.map((section) => {
    const id = `verdict-${section.id}`;
    const title = html`<h2 id="${id}">${section.title} <small>${countTests(section)}</small></h2>`;
    return several
      ? html`<section aria-labelledby="${id}">${title}${renderTables(section, id)}</section>`
      : html`<div id="${id}">${renderTables(section, id)}</div>`;
  })}`;
}

/** `36 environments`; with several hosts `93 tests in 25 environments` */
function countTests({ cells, verdict: { environments } }: Section): string {
  const counted = formatCount(environments, 'environment');
  return cells.length === environments ? counted : `${formatCount(cells.length, 'test')} in ${counted}`;
}

function renderTables({ verdict, title, cells }: Section, id: string): Html {
  const usual = listUsual(verdict.usual);
  const caption = `How each host runs: ${title}`;
  const fold = {
    shown: shownLines,
    more: (count: number) => formatCount(count, 'more line'),
    class: 'fold more',
  };
  return html`${foldRest(verdict.lines, fold, (lines, isRest) =>
      renderTable({ ...verdict, lines }, `${caption}${isRest ? ', continued' : ''}`),
    )}
    <p class="note" id="${id}-legend">
      ${hostLegend.map((line) => `${line}. `)}${cells.some(({ old }) => old) ? '†: from a run a day or more older than the newest here. ' : null}${explainHosts(cells).map((line) => `${line}. `)}${usual === '' ? null : `What a line does not name is as usual: ${usual}.`}
    </p>`;
}

/** `spin-sizes: wasmtime serve with Spin's pool`: hosts whose name is none that a reader can know. */
function explainHosts(cells: readonly PageCell[]): readonly string[] {
  const names = new Set(cells.flatMap(({ deciding: { subject } }) => subject?.name ?? []));
  return [...names].flatMap((name) => {
    const title = Object.entries(hosts).find(([host]) => host === name)?.[1].title;
    const same = title?.toLowerCase().replaceAll(' ', '-') === name;
    return title === undefined || same ? [] : [`${name}: ${title}`];
  });
}

function renderTable({ corner, heads, lines }: VerdictTable<PageCell>, caption: string): Html {
  return html`<table class="grid verdict ${widthOf(heads.length)}${heads.length === 1 ? ' one' : ''}">
    <caption class="unseen">
      ${caption}
    </caption>
    <thead>
      <tr>
        <th scope="col">${corner}</th>
        ${heads.map((head) => html`<th scope="col">${head}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${lines.map(
        ({ where, count, places }) =>
          html`<tr>
            <th scope="row">
              ${renderClauses(where)}${count === 1 ? null : html` <small>${formatCount(count, nouns[corner])}</small>`}${renderUntested(places, heads)}
            </th>
            ${zip(places, heads).map(([place, head]) => renderPlace(place, head))}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** More clauses than this are folded, and more than that are read in the list of cells. */
const shownClauses = 6;
const mostClauses = 60;

const renderClauses = (where: readonly string[]): Html =>
  foldRest(
    shortenClauses(where, mostClauses),
    {
      shown: where.length === shownClauses + 1 ? where.length : shownClauses,
      more: (count) => `and ${count} more`,
    },
    (part) => html`${part.map((clause) => html`<span>${clause}</span> `)}`,
  );

/** Where the line is a card, instead of a box per host that was not tested. */
function renderUntested(places: readonly unknown[], heads: readonly string[]): Html | null {
  const names = heads.filter((_, index) => places[index] === null);
  return names.length === 0 ? null : html`<small class="untested">not tested: ${names.join(', ')}</small>`;
}

/** Tables of many columns become cards earlier than those of few. */
export const widthOf = (columns: number): string =>
  columns > 6 ? 'wide' : columns > 3 ? 'middle' : 'narrow';

function renderPlace(place: VerdictPlace<PageCell> | null, head: string): Html {
  if (place === null) return html`<td class="sn" data-c="${head}">– <small>not tested</small></td>`;
  const { cell, cells, numbers } = place;
  const basis = basisOf(cell.deciding);
  const signs = cell.marks.map((mark) => ` ${markSigns[mark]}`).join('');
  // A line has the marks of all that it stands for: each cell says in the list whether it is meant.
  const marked = [...new Set(cells.map((one) => one.marked))].join('');
  return html`<td class="${classOf[cell.word]}${marked}" data-c="${head}">
    <a href="#${cell.anchor}"
      ><span aria-hidden="true">${servesNothing(cell) ? '△' : startSigns[cell.word]} </span
      >${describeStart(cell)}${signs}</a
    >${numbers === '' ? null : html`<small>${numbers}</small>`}${
      basis === null ? null : html`<small class="basis">${basis}</small>`
    }
  </td>`;
}
