/** Since last time: the cells that moved, the first bad run of each kind of move, and its history as a strip. */
import { formatDifference } from '../compare-environment.ts';
import type { ChangeGroup } from '../compare-render.ts';
import type { CellHistory } from '../history.ts';
import { type SinceLast, describeChanges, findChanges } from '../since-last.ts';
import { formatCount } from '../format-run.ts';
import { foldRest } from './fold-rest.ts';
import { type Html, html } from './html.ts';
import type { PageCell, PageView } from './page-view.ts';

/** More kinds of changes are folded, more links of one counted. */
const shownGroups = 12;
const shownLinks = 8;
const shownMoves = 3;

/** Null where no matrix was run twice. */
export function renderChanges({ given, cells }: PageView): Html | null {
  const found = findChanges(given);
  if (found.length === 0) return null;
  return html`${found.map((since) => renderMatrix(since, cells))}`;
}

function renderMatrix(since: SinceLast, cells: readonly PageCell[]): Html {
  const { newest, before, groups, comparison } = since;
  const items = groups.map((group) => renderGroup(group, since, cells));
  const fold = { shown: shownGroups, more: (count: number) => formatCount(count, 'more change') };
  return html`<p>
      <b>${newest.matrix.title}</b>, ${renderTime(newest.startedAt)} against ${renderTime(before.startedAt)}:
      ${describeChanges(since)}
    </p>
    ${items.length === 0 ? null : foldRest(items, fold, renderList)}
    ${
      groups.length === 0 || comparison.environment.length === 0
        ? null
        : html`<p>
            Also different between these runs:
            ${comparison.environment.map((one) => `${one.what} ${formatDifference(one)}`).join('; ')}.
          </p>`
    }`;
}

const renderTime = (iso: string): Html => html`<time datetime="${iso}">${iso.slice(0, 10)}</time>`;

const renderList = (items: readonly Html[]): Html =>
  html`<ul class="changes">
    ${items}
  </ul>`;

const words = { worse: '✗ worse', better: '✓ better', other: '≠ different' } as const;

function renderGroup(group: ChangeGroup, { histories }: SinceLast, cells: readonly PageCell[]): Html {
  const { direction, regression, where, what, ids, moves } = group;
  const first = histories.filter(({ id }) => id === ids[0]);
  const linked = new Set(ids.slice(0, shownLinks));
  return html`<li>
    <p>
      <b>${words[direction]}</b>${regression ? ', a regression' : ''}: ${where}: ${what}
      ${first.map(drawStrip)}
    </p>
    ${moves.length === 0 ? null : html`<p>${moves.slice(0, shownMoves).join('; ')}</p>`}
    ${first.map(({ firstBad, lastGood }) =>
      firstBad === null
        ? null
        : html`<p>First bad run: ${firstBad}; last good one: ${lastGood ?? 'none of these'}.</p>`,
    )}
    <p>
      ${cells
        .filter(({ id }) => linked.has(id))
        .map(
          ({ anchor, name }, index) => html`${index === 0 ? '' : '; '}<a href="#${anchor}">${name}</a>`,
        )}${ids.length > shownLinks ? ` and ${ids.length - shownLinks} more` : ''}
    </p>
  </li>`;
}

/** The newest runs that a strip has room for. */
const shownRuns = 40;

/** A square per run in which the cell was judged, oldest first: filled where good, and crossed where bad. */
function drawStrip({ spans, silent }: CellHistory): Html {
  const squares = spans.flatMap(({ bad, runs }) => Array.from({ length: runs }, () => bad)).slice(-shownRuns);
  const text = spans.map(({ state, runs }) => `${state} in ${formatCount(runs, 'run')}`).join(', then ');
  const size = 14;
  return html`<svg
    class="strip"
    viewBox="0 0 ${squares.length * size} ${size}"
    width="${squares.length * size}"
    height="${size}"
    role="img"
    aria-label="${text}${silent === 0 ? '' : `; not judged in ${formatCount(silent, 'run')}`}"
  >
    ${squares.map(
      (bad, index) =>
        html`<rect class="${bad ? 'bad' : 'good'}" x="${index * size + 1}" y="1" width="12" height="12" />${
            bad ? html`<path class="cross" d="M${index * size + 4} 4l6 6m0-6l-6 6" />` : null
          }`,
    )}
  </svg>`;
}
