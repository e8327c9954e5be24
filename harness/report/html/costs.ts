/** What the lower tiers of a page cost, all of them together: a chart of the means, a sentence for what is proven. */
import { isMean } from '../../outcome/overhead.ts';
import { type OverheadSummary, means } from '../../measure/figures.ts';
import type { Entry } from './entries.ts';
import { type Html, html, nothing } from './html.ts';
import { drawByClock } from './overhead.ts';

const meanNames: Readonly<Record<string, string>> = {
  [means.memory]: 'kernels',
  [means.program]: 'programs',
};

type Cost = Readonly<{ name: string; pair: OverheadSummary; cells: number }>;

/** More rows than these are a wall, not a chart. */
const rowLimit = 40;

/** Nothing where nothing was measured. */
export function renderCosts(entries: readonly Entry[]): Html {
  const costs = collectCosts(entries);
  if (costs.length === 0) return nothing;
  const measured = costs.filter(({ pair }) => !pair.sameCode);
  const proven = new Map<string, number>();
  for (const { name, pair, cells } of costs) if (pair.sameCode) proven.set(name, cells);
  const rows = measured.map(({ name, pair }) => ({
    ...pair,
    name: `${name}, ${meanNames[pair.workload] ?? pair.workload}`,
  }));
  return html`<section aria-labelledby="costs">
    <h2 id="costs">What a lower tier costs</h2>
    ${drawByClock(rows.slice(0, rowLimit), 'Overhead: geometric means over memory kernels and over real programs')}${
      rows.length > rowLimit ? html`<p>${rows.length - rowLimit} more: see the cells.</p>` : null
    }${[...proven].map(
      ([name, cells]) =>
        html`<p>
          ${name}: 0 %, since it runs byte for byte the same machine code as the baseline (${cells}
          environment${cells === 1 ? '' : 's'}).
        </p>`,
    )}
    <p>Each workload, with what could not be measured and why, is in the panel of its cells.</p>
  </section>`;
}

/** Cells that share a measurement, or agree in every figure, are one: also those of several Node versions. */
function collectCosts(entries: readonly Entry[]): readonly Cost[] {
  const found = new Map<string, { pair: OverheadSummary; nodes: Set<string>; cells: number }>();
  for (const { cell, pairs } of entries) {
    const node = cell.results.find(({ host }) => host !== null)?.host?.node ?? 'unknown';
    for (const pair of pairs.filter(isMean)) {
      const key = JSON.stringify(pair);
      const cost = found.get(key) ?? { pair, nodes: new Set(), cells: 0 };
      cost.nodes.add(node.split('.')[0] ?? node);
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
