/** Summaries → a table with a bar for each interval, as text. */
import { styleText } from 'node:util';
import { findWorkload } from '../../images/wasm-host/workloads/catalogue.ts';
import { createPlainTable } from './plain-table.ts';
import { clockTitles, formatOverhead, formatPercent } from '../outcome/format-figure.ts';
import type { OverheadSummary } from '../measure/figures.ts';

export type RenderOptions = Readonly<{
  /** Escape sequences, for what is struck through. */
  color: boolean;
  /** Characters of the chart. @default 40 */
  chartWidth?: number;
}>;

/** What `low` and `high` are. */
const spreadTitles: Readonly<Record<OverheadSummary['clock'], string>> = {
  time: '95 % interval',
  instructions: 'both pairs',
};

export function renderOverhead(summaries: readonly OverheadSummary[], options: RenderOptions): string {
  if (summaries.length === 0) return 'nothing was measured\n';
  const groups = new Map<string, OverheadSummary[]>();
  for (const summary of summaries) {
    const title = titleOf(summary);
    const group = groups.get(title) ?? [];
    groups.set(title, group);
    group.push(summary);
  }
  // Lives of instances differ twentyfold: on one scale with them everything else would be a dot.
  const scales = [true, false].map((lives) =>
    makeScale(
      summaries.filter(({ workload }) => isLifeCycle(workload) === lives),
      options.chartWidth ?? 40,
    ),
  );
  const scaleOf = (group: readonly OverheadSummary[]) =>
    scales[isLifeCycle(group[0]?.workload ?? '') ? 0 : 1];
  return [...groups]
    .flatMap(([title, group]) => {
      const scale = scaleOf(group);
      return scale === undefined ? [] : [`${title}\n${renderGroup(group, scale, options)}`];
    })
    .join('\n');
}

const isLifeCycle = (workload: string): boolean => findWorkload(workload)?.kind === 'life-cycle';

function titleOf({ engine, tier, form, clock, baseline, cpuModel, workload }: OverheadSummary): string {
  const cpu = cpuModel === null ? '' : ` on ${cpuModel}`;
  return `${engine} ${tier}/${form}, ratio to ${baseline}, ${isLifeCycle(workload) ? 'lives of instances, time on the wall' : clockTitles[clock]}${cpu}`;
}

function renderGroup(group: readonly OverheadSummary[], scale: Scale, { color }: RenderOptions): string {
  const table = createPlainTable({
    head: ['workload', 'overhead', spreadTitles[group[0]?.clock ?? 'time'], 'pairs', 'processes', scale.axis],
    colAligns: ['left', 'right', 'left', 'right', 'right', 'left'],
  });
  for (const summary of group) {
    const { workload, pairs, processes, sameCode } = summary;
    table.push(
      sameCode
        ? [workload, formatOverhead(summary), 'same code', '', processes, scale.draw(summary)]
        : [workload, strike(summary, color), formatInterval(summary), pairs, processes, scale.draw(summary)],
    );
  }
  const lines = table.toString().split('\n');
  return `${lines.map((line) => `  ${line.trimEnd()}`).join('\n')}\n`;
}

const formatInterval = ({ low, high, stable }: OverheadSummary): string =>
  `${formatPercent(low)} to ${formatPercent(high)}${stable ? '' : ', unstable'}`;

/** What is not stable gives no verdict: struck through where that can be shown, in parentheses elsewhere. */
function strike(summary: OverheadSummary, color: boolean): string {
  const text = formatOverhead(summary);
  if (summary.stable) return text;
  return color ? styleText('strikethrough', text, { validateStream: false }) : `(${text})`;
}

type Scale = Readonly<{ axis: string; draw: (summary: OverheadSummary) => string }>;

/** One linear scale for all groups, from the least to the greatest end of any interval; 1 is on it. */
function makeScale(summaries: readonly OverheadSummary[], width: number): Scale {
  const shown = summaries.filter(({ sameCode }) => !sameCode);
  const low = Math.min(1, ...shown.map((one) => one.low));
  const high = Math.max(1.1, ...shown.map((one) => one.high));
  const place = (ratio: number): number => Math.round(((ratio - low) / (high - low)) * (width - 1));
  const left = formatPercent(low);
  const right = formatPercent(high);
  const draw: Scale['draw'] = (summary) => {
    const cells: string[] = Array.from({ length: width }, (_, at) => (at === place(1) ? '|' : ' '));
    for (let at = place(summary.low); at <= place(summary.high); at += 1) cells[at] = '-';
    cells[place(summary.ratio)] = summary.stable ? 'o' : '?';
    return cells.join('').trimEnd();
  };
  return { axis: `${left}${right.padStart(width - left.length)}`, draw };
}
