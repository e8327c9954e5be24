/** Overhead for a terminal: a table with a bar for each interval, every measurement of a run, the serving processes. */
import { styleText } from 'node:util';
import { clockTitles, formatOverhead, formatPercent } from '../outcome/format-figure.ts';
import type { OverheadSource } from '../outcome/overhead.ts';
import { plainLine } from '../outcome/plain-text.ts';
import type { OverheadSummary, TierResources } from '../measure/figures.ts';
import { cellKey } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import {
  formatForm,
  formatResources,
  formatWorkloads,
  groupNotMeasured,
  resourceHeads,
} from './format-overhead.ts';
import { type Group, groupBy, zip } from './group-by.ts';
import { isLifeCycle } from './overhead-rows.ts';
import { createPlainTable, renderLines } from './plain-table.ts';

export type ChartOptions = Readonly<{
  /** Whether escape sequences may be used, to strike text through. */
  color: boolean;
  /** Characters of the chart. @default 40 */
  chartWidth?: number;
}>;

/** The meaning of `low` and `high`. */
const spreadTitles: Readonly<Record<OverheadSummary['clock'], string>> = {
  time: '95 % interval',
  instructions: 'both pairs',
};

export function renderOverhead(summaries: readonly OverheadSummary[], options: ChartOptions): string {
  if (summaries.length === 0) return 'nothing was measured\n';
  // Lives of instances differ twentyfold: on one scale with them everything else would be a dot.
  const scaleFor = (lives: boolean): Scale =>
    makeScale(
      summaries.filter((summary) => isLifeCycle(summary) === lives),
      options.chartWidth ?? 40,
    );
  const [lives, others] = [scaleFor(true), scaleFor(false)];
  return [...groupBy(summaries, titleOf)]
    .map(([title, group]) => {
      const scale = isLifeCycle(group[0]) ? lives : others;
      return `${title}\n${renderGroup(group, scale, options)}`;
    })
    .join('\n');
}

function titleOf(summary: OverheadSummary): string {
  const { engine, tier, form, clock, baseline, cpuModel } = summary;
  const cpu = cpuModel === null ? '' : ` on ${cpuModel}`;
  return `${engine} ${tier}/${form}, ratio to ${baseline}, ${isLifeCycle(summary) ? 'lives of instances, time on the wall' : clockTitles[clock]}${cpu}`;
}

function renderGroup(group: Group<OverheadSummary>, scale: Scale, { color }: ChartOptions): string {
  const table = createPlainTable({
    head: ['workload', 'overhead', spreadTitles[group[0].clock], 'pairs', 'processes', scale.axis],
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
  return indent(renderLines(table));
}

const indent = (lines: readonly string[]): string => lines.map((line) => `  ${line}\n`).join('');

const formatInterval = ({ low, high, stable }: OverheadSummary): string =>
  `${formatPercent(low)} to ${formatPercent(high)}${stable ? '' : ', unstable'}`;

/** An unstable figure gives no verdict: it is struck through where that can be shown, in parentheses elsewhere. */
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

/** One text per measurement, with the cells that share it; empty where nothing was to be measured. */
export function renderDetails(results: readonly Result[], options: ChartOptions): string {
  const measured = results.flatMap((result) => {
    const { overheadSource: source } = result;
    return source === undefined || source.kind === 'baseline' ? [] : [{ result, source }];
  });
  const shared = groupBy(
    measured,
    ({ result, source }) => source.measuredIn ?? `${cellKey(result)} ${formatReasons(source).join(' ')}`,
  );
  return [...shared.values()]
    .map((members) => {
      const [{ result, source }, ...others] = members;
      return renderMeasurement(
        result,
        source,
        [cellKey(result), ...others.map((member) => cellKey(member.result))],
        options,
      );
    })
    .join('\n');
}

function renderMeasurement(
  result: Result,
  source: OverheadSource,
  cells: Group<string>,
  options: ChartOptions,
): string {
  const { overhead = [] } = result;
  const where = source.measuredIn ?? cells[0];
  const title = `${formatForm(result)}: ${where}`;
  const others = cells.filter((key) => key !== where);
  const few = others.length <= 2 ? others : [`${others.slice(0, 1).join()} and ${others.length - 1} others`];
  const took = source.measuredIn === null ? '' : `, ${(source.wallMs / 1000).toFixed(1)} s`;
  return [
    plainLine(`${title}${took}`, 500),
    ...(others.length === 0 ? [] : [`  holds for ${others.length} more: ${plainLine(few.join(', '), 400)}`]),
    ...(source.baselineNote === null ? [] : [`  ${plainLine(`baseline: ${source.baselineNote}`, 500)}`]),
    ...(overhead.length === 0 ? [] : [renderOverhead(overhead, options).trimEnd()]),
    ...formatReasons(source).map((line) => `  ${plainLine(line, 500)}`),
    ...source.resources.map((one) => {
      const texts = zip(resourceHeads, formatResources(one)).map((words) => words.join(' '));
      return `  ${one.tier}/${one.form}: ${texts.join(', ').replace(',', ';')}`;
    }),
    '',
  ].join('\n');
}

/** `bulk-memory, round-robin: not measurable under emulation` */
const formatReasons = ({ notMeasured }: OverheadSource): readonly string[] =>
  groupNotMeasured(notMeasured).map(
    ([reason, workloads]) => `${formatWorkloads(workloads.map((name) => name ?? 'not measured'))}: ${reason}`,
  );

/** The start and memory of a process before it has done any work: one line per configuration. */
export function renderResources(all: readonly TierResources[]): string {
  const table = createPlainTable({
    head: ['form', ...resourceHeads],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  });
  for (const one of all) table.push([`${one.tier}/${one.form}`, ...formatResources(one)]);
  return `A process with one small module, after its first call\n${indent(renderLines(table))}`;
}
