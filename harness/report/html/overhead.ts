/** What a tier costs, as far as it was measured: in a few words, and as a chart of intervals. */
import { formatBytes } from '../../../images/allocator/sizes.ts';
import { isMean, type OverheadSource } from '../../overhead/cell-overhead.ts';
import { formatStart } from '../../overhead/format-figure.ts';
import type { OverheadSummary } from '../../overhead/summary.ts';
import { tellWorkloads } from '../../overhead/tell-workloads.ts';
import type { Result } from '../../store/result.ts';
import { type Html, html } from './html.ts';

export type Band = 'none' | 'low' | 'some' | 'high';

/** By the largest cost of any workload. The sign says it without colour. */
export const bands: readonly Readonly<{ band: Band; below: number; sign: string; text: string }>[] = [
  { band: 'none', below: 1.005, sign: '▁', text: 'no cost (below 0.5 %)' },
  { band: 'low', below: 1.05, sign: '▃', text: 'below 5 %' },
  { band: 'some', below: 1.2, sign: '▅', text: '5 to 20 %' },
  { band: 'high', below: Infinity, sign: '▇', text: '20 % and more' },
];

/** `0 %`, `+33 %`, `−2 %`, with a decimal below 10. */
export function tellCost(ratio: number): string {
  return tellPercent(ratio, Math.abs(ratio - 1) < 0.0995 ? 1 : 0);
}

/** With a decimal always: the ends of an interval are often close. */
const tellExactly = (ratio: number): string => tellPercent(ratio, 1);

function tellPercent(ratio: number, digits: number): string {
  const percent = (ratio - 1) * 100;
  const text = Math.abs(percent).toFixed(digits).replace(/\.0$/, '');
  return text === '0' ? '0 %' : `${percent < 0 ? '−' : '+'}${text} %`;
}

export type CostSummary = Readonly<{ band: Band; sign: string; text: string; clock: string }>;

/** From the cheapest workload to the dearest; null where nothing (stable) was measured. */
export function summarizeCost(pairs: readonly OverheadSummary[]): CostSummary | null {
  const stable = pairs.filter((pair) => pair.stable && !isMean(pair));
  if (stable.length === 0) return null;
  // Time says what a user feels; instructions stand in where only they could be had.
  const clock = stable.some((pair) => pair.clock === 'time') ? 'time' : 'instructions';
  const counted = stable.filter((pair) => pair.clock === clock);
  const ratios = counted.map(({ ratio }) => ratio);
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
  const { band, sign } = bands.find(({ below }) => high < below) ?? { band: 'high', sign: '▇' };
  const [from, to] = [tellCost(low), tellCost(high)];
  const proven = counted.every(({ sameCode }) => sameCode);
  const text = proven ? '0 % (same code)' : from === to ? from : `${from} to ${to}`;
  return { band, sign, text, clock };
}

const width = 640;
const left = 150;
const right = 20;
const rowHeight = 22;

/** Dots with their intervals on one scale, a line at no cost. The figures are in a table beside it. */
export function drawIntervals(pairs: readonly OverheadSummary[], title: string): Html {
  const ends = pairs.flatMap(({ low, high }) => [low, high]).filter(Number.isFinite);
  const [from, to] = [Math.min(0.98, ...ends), Math.max(1.05, ...ends)];
  const x = (ratio: number) => round(left + ((ratio - from) / (to - from)) * (width - left - right));
  const height = pairs.length * rowHeight + 30;
  const base = height - 20;
  const ticks = [...new Set([from, 1, (1 + to) / 2, to])];
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
    <line class="zero" x1="${x(1)}" x2="${x(1)}" y1="4" y2="${base}" />
    ${ticks.map(
      (tick) =>
        html`<text class="tick" x="${x(tick)}" y="${height - 4}" text-anchor="middle"
          >${tellCost(tick)}</text
        >`,
    )}${pairs.map((pair, index) => {
      const y = index * rowHeight + 16;
      return html`<text x="${left - 8}" y="${y + 4}" text-anchor="end">${pair.workload.slice(0, 20)}</text
        ><line class="interval" x1="${x(pair.low)}" x2="${x(pair.high)}" y1="${y}" y2="${y}" /><circle
          cx="${x(pair.ratio)}"
          cy="${y}"
          r="4"
        />`;
    })}
  </svg>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/**
 * The same figures in words: interval and n always. Of time the interval is one of 95 %, of instructions the
 * spread of an exact count.
 */
export function tabulateCosts(pairs: readonly OverheadSummary[]): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Overhead figures">
    <table class="plain">
      <thead>
        <tr>
          <th scope="col">workload</th>
          <th scope="col">clock</th>
          <th scope="col">against</th>
          <th scope="col">cost</th>
          <th scope="col">interval</th>
          <th scope="col">pairs (processes)</th>
        </tr>
      </thead>
      <tbody>
        ${pairs.map(
          (pair) =>
            html`<tr>
              <th scope="row">${pair.workload}</th>
              <td>${pair.clock}</td>
              <td>${pair.baseline}</td>
              <td>
                ${
                  pair.sameCode
                    ? '0 % (same code)'
                    : pair.stable
                      ? tellExactly(pair.ratio)
                      : html`<s>${tellExactly(pair.ratio)}</s> unstable`
                }
              </td>
              <td>
                ${pair.sameCode ? 'proof, not measured' : `${tellExactly(pair.low)} to ${tellExactly(pair.high)}`}
              </td>
              <td>${pair.pairs} (${pair.processes})</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** The figures of a cell: repetitions that share a measurement have the same. */
export function pickFigures(results: readonly Result[]): readonly OverheadSummary[] {
  return results.findLast(({ overhead }) => overhead !== undefined && overhead.length > 0)?.overhead ?? [];
}

/** Whose measurement it is, what it leaves out and why. */
export function tellSource({ measuredIn, notMeasured, baselineNote }: OverheadSource, own: string): Html {
  const byReason = new Map<string, string[]>();
  for (const { workload, reason } of notMeasured) {
    byReason.set(reason, [...(byReason.get(reason) ?? []), workload ?? 'nothing was measured']);
  }
  return html`${measuredIn === null || measuredIn === own ? null : html`<p>Measured in ${measuredIn}, which has the same engine, tier, form and Node.</p>`}${
    baselineNote === null ? null : html`<p>Baseline: ${baselineNote}.</p>`
  }${[...byReason].map(([reason, workloads]) => html`<p>${tellWorkloads(workloads)}: ${reason}.</p>`)}`;
}

/** Processes that served in each form. */
export function tabulateResources({ resources }: OverheadSource): Html | null {
  if (resources.length === 0) return null;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Resources of the serving process">
    <table class="plain">
      <thead>
        <tr>
          <th scope="col">form</th>
          <th scope="col">start to first call</th>
          <th scope="col">resident</th>
          <th scope="col">committed</th>
          <th scope="col">reserved</th>
        </tr>
      </thead>
      <tbody>
        ${resources.map(
          ({ tier, form, startToFirstCall: start, residentBytes, committedBytes, reservedBytes }) =>
            html`<tr>
              <th scope="row">${tier}/${form}</th>
              <td>${formatStart(start)}</td>
              <td>${formatBytes(residentBytes)}</td>
              <td>${formatBytes(committedBytes)}</td>
              <td>${formatBytes(reservedBytes)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
