/** Dots with their intervals on one scale, as SVG. The figures stand beside them, and in a table where it is drawn. */
import type { Interval } from '../../measure/figures.ts';
import { type Html, html } from './html.ts';

/** `stable`: false where the baseline differed from itself; drawn hollow, no verdict follows. */
export type ChartRow = Interval & Readonly<{ name: string; stable: boolean }>;

const width = 1040;
/** Room for names and for figures, in units of the drawing: a character is about 7. */
const left = 385;
const right = 255;
const rowHeight = 22;
const nameLength = 58;

/** @param title the text alternative of the chart */
export function drawIntervals(rows: readonly ChartRow[], title: string): Html {
  const ends = rows.flatMap(({ ratio, low, high }) => [ratio, low, high]).filter(Number.isFinite);
  const [from, to] = [Math.min(0.99, ...ends), Math.max(1.05, ...ends)];
  const x = (ratio: number) => round(left + ((ratio - from) / (to - from)) * (width - left - right));
  const base = rows.length * rowHeight + 8;
  return html`<svg class="chart" viewBox="0 0 ${width} ${base + 22}" role="img" aria-label="${title}">
    ${listTicks(from, to).map(
      (tick) =>
        html`<line
            class="${tick === 1 ? 'zero' : 'tick'}"
            x1="${x(tick)}"
            x2="${x(tick)}"
            y1="2"
            y2="${base}"
          /><text x="${x(tick)}" y="${base + 16}" text-anchor="middle">${formatCost(tick)}</text>`,
    )}${rows.map(({ name, ratio, low, high, stable }, index) => {
      const y = index * rowHeight + 16;
      const label = name.length > nameLength ? `${name.slice(0, nameLength - 1)}…` : name;
      return html`<text x="${left - 10}" y="${y + 4}" text-anchor="end">${label}</text
        ><line class="interval" x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}" /><circle
          class="${stable ? 'dot' : 'hollow'}"
          cx="${x(ratio)}"
          cy="${y}"
          r="4.5"
        /><text x="${width}" y="${y + 4}" text-anchor="end"
          >${formatExactly(ratio)}${stable ? '' : ' unstable'} [${formatExactly(low)},
          ${formatExactly(high)}]</text
        >`;
    })}
  </svg>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Round percentages, at most six, and always no cost at all. */
function listTicks(from: number, to: number): readonly number[] {
  const step =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].find((one) => (to - from) / one <= 6) ?? to - from;
  const first = Math.ceil((from - 1) / step);
  const last = Math.floor((to - 1) / step);
  return Array.from({ length: last - first + 1 }, (_, index) => 1 + (first + index) * step);
}

/** `0 %`, `+33 %`, `−2 %`, with a decimal below 10. */
export function formatCost(ratio: number): string {
  return formatPercent(ratio, Math.abs(ratio - 1) < 0.0995 ? 1 : 0);
}

/** With a decimal always: the ends of an interval are often close. */
export const formatExactly = (ratio: number): string => formatPercent(ratio, 1);

function formatPercent(ratio: number, digits: number): string {
  const percent = (ratio - 1) * 100;
  const text = Math.abs(percent).toFixed(digits).replace(/\.0$/, '');
  return text === '0' ? '0 %' : `${percent < 0 ? '−' : '+'}${text} %`;
}
