/** What each state and sign means, and how many cells have it. */
import { type Entry, type State, states } from './entries.ts';
import { type Html, html, nothing } from './html.ts';
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

/** Only what occurs, in one fixed order. `gaps`: some grid has places without a cell. */
export function renderLegend(entries: readonly Entry[], gaps: boolean): Html {
  const counts = new Map<State, number>();
  for (const { state } of entries) counts.set(state, (counts.get(state) ?? 0) + 1);
  const present = states.filter((state) => counts.has(state));
  const costs = new Set(entries.map(({ cost }) => cost?.band));
  const tiersAndEnds = [
    ...present.map(
      (state) =>
        html`<li>
          <span class="chip ${classOf[state]}">${state}</span> <b>${counts.get(state) ?? 0}</b>
          <span>${meanings[state]}</span>
        </li>`,
    ),
    ...(gaps
      ? [html`<li><span class="chip sn">–</span> <span>not tested: the matrix has no such cell</span></li>`]
      : []),
  ];
  const marks = [
    ...signs
      .filter(({ occurs }) => entries.some(occurs))
      .map(({ sign, text }) => html`<li><b>${sign}</b> ${text}</li>`),
    ...bands
      .filter(({ band }) => costs.has(band))
      .map(({ sign, text }) => html`<li><b>${sign}</b> overhead: ${text}</li>`),
  ];
  return html`${drawShares(
    present.map((state) => ({ state, cells: counts.get(state) ?? 0 })),
    entries.length,
  )}${list('legend states', 'Legend: results', tiersAndEnds)}${list('legend', 'Legend: signs', marks)}`;
}

const list = (classes: string, label: string, items: readonly Html[]): Html =>
  items.length === 0
    ? nothing
    : html`<ul class="${classes}" aria-label="${label}">
        ${items}
      </ul>`;

/** How the cells are shared among the states: the same as the counts below, for the eye. */
function drawShares(shares: readonly Readonly<{ state: State; cells: number }>[], total: number): Html {
  if (total === 0) return nothing;
  const width = 1000;
  let at = 0;
  return html`<svg class="shares" viewBox="0 0 ${width} 12" preserveAspectRatio="none" aria-hidden="true">
    ${shares.map(({ state, cells }) => {
      const from = Math.round((at / total) * width);
      at += cells;
      const to = Math.round((at / total) * width);
      return html`<rect
        class="${classOf[state]}"
        x="${from}"
        width="${Math.max(1, to - from - 2)}"
        height="12"
      />`;
    })}
  </svg>`;
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
  { sign: '†', text: 'from a run a day or more older than the newest here', occurs: ({ old }) => old },
];
