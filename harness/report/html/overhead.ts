/** What a tier costs, as far as it was measured: in a few words, and as a chart of intervals. */
import { formatBytes } from '../../../images/allocator/sizes.ts';
import { isMean, type OverheadSource } from '../../outcome/overhead.ts';
import { formatStart } from '../../outcome/format-figure.ts';
import type { OverheadSummary } from '../../measure/figures.ts';
import { tellWorkloads } from '../format-workloads.ts';
import type { Result } from '../../store/result.ts';
import { type Html, html } from './html.ts';
import { type ChartRow, drawIntervals } from './interval-chart.ts';
import { tellCost, tellExactly } from './percent.ts';

export type Band = 'none' | 'low' | 'some' | 'high';

/** By the largest cost of any workload. The sign says it without colour. */
export const bands: readonly Readonly<{ band: Band; below: number; sign: string; text: string }>[] = [
  { band: 'none', below: 1.005, sign: '▁', text: 'no cost (below 0.5 %)' },
  { band: 'low', below: 1.05, sign: '▃', text: 'below 5 %' },
  { band: 'some', below: 1.2, sign: '▅', text: '5 to 20 %' },
  { band: 'high', below: Infinity, sign: '▇', text: '20 % and more' },
];

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

/** A chart a clock: time and instructions are two quantities and never on one scale. */
export function drawFigures(pairs: readonly OverheadSummary[], title: string): Html {
  return drawByClock(
    pairs.filter(({ sameCode }) => !sameCode).map((pair) => ({ ...pair, name: pair.workload })),
    title,
  );
}

/** Rows of one page together: each clock its chart, nothing where nothing differs. */
export function drawByClock(
  rows: readonly (ChartRow & Pick<OverheadSummary, 'clock' | 'baseline'>)[],
  title: string,
): Html {
  const clocks = (['time', 'instructions'] as const).filter((clock) =>
    rows.some((row) => row.clock === clock),
  );
  return html`${clocks.map((clock) => {
    const own = rows.filter((row) => row.clock === clock);
    const against = [...new Set(own.map(({ baseline }) => baseline))].join(', ');
    return html`<figure class="scroll" tabindex="0" aria-label="${title}, in ${clock}">
      <figcaption>${title}, in ${clock}, against ${against}; dots with their intervals</figcaption>
      ${drawIntervals(own, `${title}, in ${clock}`)}
    </figure>`;
  })}`;
}

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
