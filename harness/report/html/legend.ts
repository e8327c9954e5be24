/** The meaning of each word and sign, and how many cells have it. */
import { type CellWord, cellWords } from '../cell-view.ts';
import { groupBy } from '../group-by.ts';
import { bands } from '../headline-costs.ts';
import { starts } from '../host-table.ts';
import { type Html, html, nothing } from './html.ts';
import type { PageCell, PageView } from './page-view.ts';

/** The class of a word: its colour, its border, its hatch. */
export const classOf: Readonly<Record<CellWord, string>> = {
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

/** Explains the tiers to a newcomer. */
const meanings: Readonly<Record<CellWord, string>> = {
  standard: 'the whole pool, reserved ahead: room for the most instances',
  conservative: 'a small pool: room for fewer instances at once, same functions',
  'on-demand': 'no pool: each memory is mapped when it is needed, same functions',
  reached: 'came up; it shows no tier',
  flaky: 'repetitions of the same cell ended differently',
  exhausted: 'every tier it tried failed, and it serves nothing',
  crashed: 'died before it could decide',
  timeout: 'did not answer in time',
  'guest-died': 'the guest itself did not survive',
  invalid: 'the guest did not get the settings asked for: no result',
  broken: 'the test could not be made: says nothing about the environment',
  skipped: 'does not apply there: not tested',
};

/** Only what occurs, in one fixed order. */
export function renderLegend({ cells, sections }: PageView): Html {
  const gaps = sections.some(({ grids }) =>
    grids.some(({ grid }) => grid.rows.some(({ places }) => places.includes(null))),
  );
  const present = countWords(cells);
  const costs = new Set(cells.flatMap((cell) => cell.costs.map(({ sign }) => sign)));
  const tiersAndEnds = [
    ...present.map(
      ({ word, count }) =>
        html`<li>
          <span class="chip ${classOf[word]}">${word}</span> <b>${count}</b>
          <span>${starts[word]}: ${meanings[word]}</span>
        </li>`,
    ),
    ...(gaps
      ? [html`<li><span class="chip sn">–</span> <span>not tested: the matrix has no such cell</span></li>`]
      : []),
  ];
  const marks = [
    ...signs
      .filter(({ occurs }) => cells.some(occurs))
      .map(({ sign, text }) => html`<li><b>${sign}</b> ${text}</li>`),
    ...bands
      .filter(({ sign }) => costs.has(sign))
      .map(({ sign, text }) => html`<li><b>${sign}</b> overhead: ${text}</li>`),
  ];
  return html`${drawShares(present, cells.length)}${list('legend states', 'Legend: results', tiersAndEnds)}${list('legend', 'Legend: signs', marks)}`;
}

/** The words that occur, best first. */
export function countWords(cells: readonly PageCell[]): readonly WordCount[] {
  const byWord = groupBy(cells, ({ word }) => word);
  return cellWords.flatMap((word) => {
    const count = byWord.get(word)?.length ?? 0;
    return count === 0 ? [] : [{ word, count }];
  });
}

type WordCount = Readonly<{ word: CellWord; count: number }>;

const list = (classes: string, label: string, items: readonly Html[]): Html =>
  items.length === 0
    ? nothing
    : html`<ul class="${classes}" aria-label="${label}">
        ${items}
      </ul>`;

/** How the cells are shared among the words: the same as the counts below, for the eye. */
function drawShares(shares: readonly WordCount[], total: number): Html {
  if (total === 0) return nothing;
  const width = 1000;
  let at = 0;
  return html`<svg class="shares" viewBox="0 0 ${width} 12" preserveAspectRatio="none" aria-hidden="true">
    ${shares.map(({ word, count }) => {
      const from = Math.round((at / total) * width);
      at += count;
      const to = Math.round((at / total) * width);
      return html`<rect
        class="${classOf[word]}"
        x="${from}"
        width="${Math.max(1, to - from - 2)}"
        height="12"
      />`;
    })}
  </svg>`;
}

type Sign = Readonly<{ sign: string; text: string; occurs: (cell: PageCell) => boolean }>;

const signs: readonly Sign[] = [
  { sign: '✗', text: 'not what was expected', occurs: ({ pageVerdict }) => pageVerdict === 'unexpected' },
  {
    sign: '~',
    text: 'tier as expected, its overhead undecided',
    occurs: ({ pageVerdict }) => pageVerdict === 'undecided',
  },
  {
    sign: '?',
    text: 'no verdict',
    occurs: ({ pageVerdict, word }) => pageVerdict === 'no verdict' && word !== 'skipped',
  },
  {
    sign: '*',
    text: 'expected, but not as the model predicted',
    occurs: ({ marks }) => marks.includes('finding'),
  },
  {
    sign: 'ᵉ',
    text: 'decided in an emulated guest; in a line of several cells: one of them at least',
    occurs: ({ marked }) => marked.includes('e'),
  },
  {
    sign: '†',
    text: 'from a run a day or more older than the newest here; in a line of several cells: one of them at least',
    occurs: ({ old }) => old,
  },
];
