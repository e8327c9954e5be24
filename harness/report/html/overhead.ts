/** The overhead of a tier, as far as it was measured: in a few words, as tables, and as charts of intervals. */
import { isMean, type OverheadSource } from '../../outcome/overhead.ts';
import { formatFactorInterval } from '../../outcome/format-figure.ts';
import type { CellServing } from '../../outcome/serving.ts';
import type { OverheadSummary } from '../../measure/figures.ts';
import type { Result } from '../../store/result.ts';
import {
  formatResources,
  formatWorkloads,
  groupNotMeasured,
  resourceHeads,
  shortName,
} from '../format-overhead.ts';
import { findHeadlineCosts } from '../headline-costs.ts';
import { lineOf } from '../native-figures.ts';
import { renderHeadlines } from './headline-costs.ts';
import { type Html, html, table } from './html.ts';
import { type ChartRow, drawIntervals, formatExactly } from './interval-chart.ts';
import type { PageCell } from './page-view.ts';

/** A chart per clock: time and instructions are two quantities and never on one scale. */
export function drawFigures(pairs: readonly OverheadSummary[], title: string): Html {
  return drawByClock(
    pairs.filter(({ sameCode }) => !sameCode).map((pair) => ({ ...pair, name: pair.workload })),
    title,
  );
}

/** Rows of one page together: each clock its chart, nothing where nothing differs. */
function drawByClock(
  rows: readonly (ChartRow & Pick<OverheadSummary, 'clock' | 'baseline'>)[],
  title: string,
): Html {
  const clocks = (['time', 'instructions'] as const).filter((clock) =>
    rows.some((row) => row.clock === clock),
  );
  return html`${clocks.map((clock) => {
    const own = rows.filter((row) => row.clock === clock);
    const against = [...new Set(own.map(({ baseline }) => baseline))].join(', ');
    return html`<figure aria-label="${title}, in ${clock}">
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
  const heads = ['workload', 'clock', 'against', 'cost', 'interval', 'pairs (processes)'];
  const rows = pairs.map((pair) => {
    const { ratio, low, high, sameCode, stable } = pair;
    const unstable = html`<s>${formatExactly(ratio)}</s> unstable`;
    return [
      pair.workload,
      pair.clock,
      pair.baseline,
      sameCode ? '0 % (same code)' : stable ? formatExactly(ratio) : unstable,
      sameCode ? 'proof, not measured' : `${formatExactly(low)} to ${formatExactly(high)}`,
      `${pair.pairs} (${pair.processes})`,
    ] as const;
  });
  return table(heads, rows);
}

/** The figures of a cell: repetitions that share a measurement have the same. */
export function pickFigures(results: readonly Result[]): readonly OverheadSummary[] {
  return results.findLast(({ overhead }) => overhead !== undefined && overhead.length > 0)?.overhead ?? [];
}

/** Whose measurement it is, what it leaves out and why. */
export function renderSource({ measuredIn, notMeasured, baselineNote }: OverheadSource, own: string): Html {
  return html`${measuredIn === null || measuredIn === own ? null : html`<p>Measured in ${measuredIn}, which has the same engine, tier, form and Node.</p>`}${
    baselineNote === null ? null : html`<p>Baseline: ${baselineNote}.</p>`
  }${groupNotMeasured(notMeasured).map(
    ([reason, workloads]) =>
      html`<p>${formatWorkloads(workloads.map((name) => name ?? 'nothing was measured'))}: ${reason}.</p>`,
  )}`;
}

/** Processes that served in each form. */
export function tabulateResources({ resources }: OverheadSource): Html | null {
  if (resources.length === 0) return null;
  const rows = resources.map((one) => [`${one.tier}/${one.form}`, ...formatResources(one)] as const);
  return table(['form', ...resourceHeads], rows);
}

/** What each kind of request takes, and why others have no figure. */
export function tabulateRequests({ kind, prices, notMeasured }: CellServing): Html {
  const rows = prices.map(({ work, instructions, ratio, stable }) => {
    const factor = formatFactorInterval(ratio);
    return [
      work,
      `${Math.round(instructions / 1000)} k`,
      kind === 'baseline' ? 'baseline' : stable ? factor : html`<s>${factor}</s> unstable`,
    ] as const;
  });
  const reasons = notMeasured.map(
    ({ workload, reason }) => html`<p>${workload ?? 'Requests'} not measured: ${reason}.</p>`,
  );
  const heads = ['request', 'instructions', 'against its own pool'];
  return html`${rows.length === 0 ? null : table(heads, rows)}${reasons}`;
}

type Cost = Readonly<{ name: string; pair: OverheadSummary; cells: number }>;

/** More rows than these are a wall, not a chart. */
const rowLimit = 40;

/** The cost of all lower tiers on the page: one figure each, and all of them behind a click. */
export function renderCosts(cells: readonly PageCell[]): Html | null {
  const costs = collectCosts(cells);
  const headlines = findHeadlineCosts(cells);
  if (costs.length === 0 && headlines.length === 0) return null;
  return html`${renderHeadlines(headlines)}${costs.length === 0 ? null : renderMeasurements(costs)}`;
}

function renderMeasurements(costs: readonly Cost[]): Html {
  const rows = costs
    .filter(({ pair }) => !pair.sameCode)
    .map(({ name, pair }) => ({ ...pair, name: `${name}, ${shortName(pair.workload)}` }));
  return html`<details class="fold">
      <summary>Each measurement, and the memory kernels</summary>
      ${drawByClock(rows.slice(0, rowLimit), 'Overhead: geometric means over memory kernels and over real programs')}${
        rows.length > rowLimit ? html`<p>${rows.length - rowLimit} more: see the cells.</p>` : null
      }
    </details>
    <p>Each workload, with what could not be measured and why, is in the panel of its cells.</p>`;
}

/** Cells that share a measurement, or agree in every figure, are one: also those of several Node versions. */
function collectCosts(all: readonly PageCell[]): readonly Cost[] {
  const found = new Map<string, { pair: OverheadSummary; nodes: Set<string>; cells: number }>();
  for (const { results, figures } of all) {
    const node = results.find(({ host }) => host !== null)?.host?.node ?? 'unknown';
    for (const pair of figures.filter(isMean)) {
      const key = JSON.stringify(pair);
      const cost = found.get(key) ?? { pair, nodes: new Set(), cells: 0 };
      cost.nodes.add(lineOf({ node }));
      cost.cells += 1;
      found.set(key, cost);
    }
  }
  return [...found.values()].map(({ pair, nodes, cells }) => ({
    name: `${pair.tier}/${pair.form}, ${pair.engine}, Node ${[...nodes].sort().join(', ')}`,
    pair,
    cells,
  }));
}
