/** Every measurement of a run in full: each workload, what could not be measured, the serving processes. */
import { formatBytes } from '../../images/allocator/sizes.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { cellKey } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import type { OverheadSource } from '../outcome/overhead.ts';
import type { TierResources } from '../measure/figures.ts';
import { formatStart } from '../outcome/format-figure.ts';
import { renderOverhead, type RenderOptions } from './overhead-table.ts';
import { tellWorkloads } from './format-workloads.ts';

/** One text a measurement, with the cells that share it; empty where nothing was asked for. */
export function renderDetails(results: readonly Result[], options: RenderOptions): string {
  const shared = new Map<string, Result[]>();
  for (const result of results) {
    const { overheadSource: source } = result;
    if (source === undefined || source.kind === 'baseline') continue;
    const key = source.measuredIn ?? `${cellKey(result)} ${tellReasons(source).join(' ')}`;
    shared.set(key, [...(shared.get(key) ?? []), result]);
  }
  return [...shared.values()].map((cells) => renderMeasurement(cells, options)).join('\n');
}

function renderMeasurement(cells: readonly Result[], options: RenderOptions): string {
  const [first] = cells;
  const source = first?.overheadSource;
  if (first === undefined || source === undefined) return '';
  const { overhead = [], tier, form, host, settings } = first;
  const engine = host === null ? settings.engine : `${host.engine.kind} ${host.engine.version}`;
  const where = source.measuredIn === null ? cellKey(first) : source.measuredIn;
  const title = `${tier ?? ''}/${form?.checks ?? ''}, ${engine}, Node ${settings.node}: ${where}`;
  const others = cells.map(cellKey).filter((key) => key !== where);
  const took = source.measuredIn === null ? '' : `, ${(source.wallMs / 1000).toFixed(1)} s`;
  return [
    plainLine(`${title}${took}`, 500),
    ...(others.length === 0 ? [] : [`  holds for ${others.length} more: ${plainLine(tellFew(others), 400)}`]),
    ...(source.baselineNote === null ? [] : [`  ${plainLine(`baseline: ${source.baselineNote}`, 500)}`]),
    ...(overhead.length === 0 ? [] : [renderOverhead(overhead, options).trimEnd()]),
    ...tellReasons(source).map((line) => `  ${plainLine(line, 500)}`),
    ...source.resources.map(tellResources),
    '',
  ].join('\n');
}

const tellFew = (names: readonly string[]): string =>
  names.length <= 2 ? names.join(', ') : `${names[0] ?? ''} and ${names.length - 1} others`;

/** `bulk-memory, round-robin: not measurable under emulation` */
function tellReasons({ notMeasured }: OverheadSource): readonly string[] {
  const byReason = new Map<string, string[]>();
  for (const { workload, reason } of notMeasured) {
    byReason.set(reason, [...(byReason.get(reason) ?? []), workload ?? 'not measured']);
  }
  return [...byReason].map(([reason, workloads]) => `${tellWorkloads(workloads)}: ${reason}`);
}

function tellResources(resources: TierResources): string {
  const { tier, form, startToFirstCall: start, residentBytes, committedBytes, reservedBytes } = resources;
  return `  ${tier}/${form}: start to first call ${formatStart(start)}; resident ${formatBytes(residentBytes)}, committed ${formatBytes(committedBytes)}, reserved ${formatBytes(reservedBytes)}`;
}
