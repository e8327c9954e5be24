/** The grid: environments by settings, a word for each cell, a link to its panel. And the legend. */
import { labelAxis } from '../axis-labels.ts';
import type { VariedAxis } from '../axis-labels.ts';
import { type Grid, buildGrid, listLayouts } from '../grid.ts';
import { type Entry, type State, states } from './entries.ts';
import { type Html, html, nothing } from './html.ts';
import { findClocks, listRowWords } from '../overhead-words.ts';
import { bands } from './overhead.ts';

/** Class of a state: its colour, its border, its hatch. */
export const classOf: Readonly<Record<State, string>> = {
  standard: 's1',
  conservative: 's2',
  'on-demand': 's3',
  reached: 's3',
  flaky: 's4',
  exhausted: 'sf',
  crashed: 'sf',
  timeout: 'sf',
  'guest-died': 'sf',
  invalid: 'su',
  broken: 'su',
  skipped: 'sn',
};

/** What each state means, for a reader who has never heard of it. */
export const meanings: Readonly<Record<State, string>> = {
  standard: 'the whole pool, reserved ahead: room for the most instances',
  conservative: 'a small pool: room for fewer instances at once, same functions',
  'on-demand': 'no pool: each memory is mapped when it is needed, same functions',
  reached: 'a program of its own came up; it tells no tier',
  flaky: 'repetitions of the same cell ended differently',
  exhausted: 'the wasm host ran and tried every tier; none works there',
  crashed: 'the wasm host died before it could decide',
  timeout: 'the wasm host did not answer in time',
  'guest-died': 'the guest itself did not survive',
  invalid: 'the guest did not get the settings asked for: no result',
  broken: 'the test could not be made: says nothing about the environment',
  skipped: 'does not apply there: not tested',
};

/** A grid and the cell of each of its places, row by row; null where there is none. */
export type Layout = Readonly<{ grid: Grid; places: readonly (readonly (Entry | null)[])[] }>;

export function layOut(entries: readonly Entry[], axes: readonly VariedAxis[]): Layout {
  const results = entries.flatMap(({ cell }) => cell.results.slice(0, 1));
  const grid = buildGrid(results, axes, listLayouts(axes)[0] ?? []);
  const byPlace = new Map<string, Entry>();
  for (const entry of entries) {
    const key = keyOf(
      grid.rowAxes.map((name) => entry.labels[name]),
      grid.columnAxes.map((name) => entry.labels[name]),
    );
    if (!byPlace.has(key)) byPlace.set(key, entry);
  }
  const places = grid.rows.map(({ labels }) =>
    grid.columns.map((column) => byPlace.get(keyOf(labels, column)) ?? null),
  );
  return { grid, places };
}

export function renderGrid({ grid, places }: Layout): Html {
  const tall = grid.rows.length > 30 ? ' tall' : '';
  const lines = grid.rows.map(({ labels }, row) => {
    const found = places[row] ?? [];
    return html`<tr>
      ${labels.map((label) => html`<th scope="row">${label}</th>`)}${found.map(renderPlace)}${renderCost(found)}
    </tr>`;
  });
  return html`<div class="scroll${tall}" tabindex="0" role="region" aria-labelledby="grid-caption">
    <table class="grid" id="grid">
      <caption id="grid-caption">
        <span
          >Tier reached in each
          environment${grid.columnAxes.length === 0 ? '' : `, by ${grid.columnAxes.join(' and ')}`}; each cell
          links to its panel</span
        >
      </caption>
      ${renderHead(grid)}
      <tbody>
        ${lines.slice(0, lineLimit)}
      </tbody>
    </table>
    ${lines.length <= lineLimit ? null : renderRest(grid, lines.slice(lineLimit))}
  </div>`;
}

/**
 * A browser takes two seconds to lay out ten thousand lines. More than these are there for those without a
 * script, and not parsed for the others until they are asked for.
 */
const lineLimit = 300;

function renderRest(grid: Grid, lines: readonly Html[]): Html {
  return html`<noscript id="grid-rest"
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

const keyOf = (row: readonly string[], column: readonly string[]): string => [...row, ...column].join('\n');

function renderPlace(entry: Entry | null): Html {
  if (entry === null) return html`<td class="sn">–</td>`;
  const { state, anchor, text, emulated, olderMs, cost } = entry;
  const marks = `${emulated ? ' e' : ''}${olderMs > 0 ? ' o' : ''}`;
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

function renderHead(grid: Grid): Html {
  const { rowAxes, columnAxes, columns } = grid;
  const levels = Math.max(1, columnAxes.length);
  const corner = rowAxes.map((name) => html`<th scope="col" rowspan="${levels}">${name}</th>`);
  const cost = html`<th scope="col" rowspan="${levels}">overhead</th>`;
  if (columnAxes.length === 0)
    return html`<thead>
      <tr>
        ${corner}
        <th scope="col">tier</th>
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

/** Only what occurs, in one fixed order. */
export function renderLegend(entries: readonly Entry[], { places }: Layout): Html {
  const present = new Set(entries.map(({ state }) => state));
  const costs = new Set(entries.map(({ cost }) => cost?.band));
  const items = [
    ...states
      .filter((state) => present.has(state))
      .map((state) => html`<li><span class="chip ${classOf[state]}">${state}</span> ${meanings[state]}</li>`),
    ...(places.some((row) => row.includes(null))
      ? [html`<li><span class="chip sn">–</span> not tested</li>`]
      : []),
    ...signs
      .filter(({ occurs }) => entries.some(occurs))
      .map(({ sign, text }) => html`<li><b>${sign}</b> ${text}</li>`),
    ...bands
      .filter(({ band }) => costs.has(band))
      .map(({ sign, text }) => html`<li><b>${sign}</b> overhead: ${text}</li>`),
  ];
  return items.length === 0
    ? nothing
    : html`<ul class="legend" aria-label="Legend">
        ${items}
      </ul>`;
}

type Sign = Readonly<{ sign: string; text: string; occurs: (entry: Entry) => boolean }>;

const signs: readonly Sign[] = [
  { sign: '✗', text: 'not what was expected', occurs: ({ verdict }) => verdict === 'unexpected' },
  {
    sign: '~',
    text: 'tier as expected, its overhead undecided',
    occurs: ({ verdict }) => verdict === 'undecided',
  },
  {
    sign: '?',
    text: 'no verdict',
    occurs: ({ verdict, state }) => verdict === 'no verdict' && state !== 'skipped',
  },
  {
    sign: '*',
    text: 'expected, but not as the model predicted',
    occurs: ({ finding, verdict }) => finding && verdict !== 'unexpected',
  },
  { sign: 'ᵉ', text: 'decided in an emulated guest', occurs: ({ emulated }) => emulated },
  { sign: '†', text: 'from an older run than the newest here', occurs: ({ olderMs }) => olderMs > 0 },
];
